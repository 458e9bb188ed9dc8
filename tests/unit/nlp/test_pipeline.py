import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.decision import Label, Shape
from nlp.pipeline import Classifier

APPEALS = [
    "5栋2单元电梯卡在三楼不动了",
    "楼道灯不亮两天了",
    "北门垃圾桶满出来没人清运",
    "下水道堵了往外冒水",
    "楼上漏水把我家天花板泡了",
    "有人在楼道给电瓶车充电",
    "广场舞音响太大声吵得睡不着",
    "消防通道被车堵死了",
    "厨房闻到好大一股煤气味",
    "咨询养老保险补缴的政策问题",
]
CHAT = [
    "晚上吃啥子",
    "明天有雨记得带伞",
    "哈哈哈哈",
    "孩子几点放学",
    "谢谢姐姐",
    "手机没电了",
    "这部剧好看",
    "出个二手书桌",
]
PARTICLES = ["啊", "哦", "嘛", "噻", "哈", "呀", "吧", "呢", "哎", "唉", "嗯", "额", "呃", "喂", "哟"]
# What a chat is made of, lexicon words and noise in one.
WORDS = [
    *PARTICLES,
    "电梯",
    "坏了",
    "灯",
    "水",
    "没有",
    "停电",
    "又",
    "楼上",
    "吵",
    "3栋",
    "物业",
    "着火",
    "了",
    "的",
    "我家",
    "怎么办",
    "优惠",
    "谣言",
    "好吃",
    "垃圾",
    "堆",
    "气",
    "投诉",
    " ",
    "，",
    "!",
    "@小格 ",
    "还有",
]


@pytest.fixture(scope="session")
def unfiltered() -> Classifier:
    classifier = Classifier.load()
    classifier.filtered = False
    return classifier


@settings(max_examples=400, deadline=None)
@given(
    text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map("".join)),
    addressed=st.booleans(),
)
def test_the_prefilter_changes_nothing(classifier, unfiltered, text: str, addressed: bool) -> None:
    assert classifier.analyse(text, addressed=addressed) == unfiltered.analyse(text, addressed=addressed)


@settings(max_examples=200, deadline=None)
@given(
    appeal=st.sampled_from(APPEALS),
    before=st.lists(st.sampled_from(PARTICLES), max_size=4).map("".join),
    after=st.lists(st.sampled_from(PARTICLES), max_size=4).map("".join),
    comma=st.sampled_from(["", "，", " ", "…"]),
)
def test_particles_never_lower_the_score(classifier, appeal: str, before: str, after: str, comma: str) -> None:
    plain = classifier.analyse(appeal).best
    wrapped = classifier.analyse(f"{before}{comma}{appeal}{after}").best
    assert wrapped.score >= plain.score
    assert wrapped.category == plain.category
    assert (plain.label, wrapped.label) in {(plain.label, plain.label), (Label.CANDIDATE, Label.TICKET)}


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), max_size=12).map("".join), more=st.sampled_from(PARTICLES))
def test_a_particle_behind_never_lowers_the_score(classifier, words: str, more: str) -> None:
    assert classifier.analyse(words + more).best.score >= classifier.analyse(words).best.score


NUMBERS = st.one_of(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True),
    st.from_regex(r"1[3-9][０-９]{9}", fullmatch=True),
)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(
            NUMBERS,
            st.sampled_from([*WORDS, "栋", "单元", "「老王：", "」\n- - - - - - -\n", "电话"]),
            st.text(max_size=4),
        ),
        max_size=8,
    ),
    nick=st.one_of(st.just(""), NUMBERS),
)
def test_no_number_gets_out(classifier, pieces: list[str], nick: str) -> None:
    analysis = classifier.analyse("".join(pieces), nick=nick)
    outputs = [analysis.text, analysis.quoted, analysis.quoted_nick]
    for decision in analysis.decisions:
        place = decision.location
        outputs += [*decision.evidence, *decision.terms, *decision.rules, *decision.objects]
        outputs += [part or "" for part in (place.building, place.unit, place.floor, place.room, place.place)]
    for output in outputs:
        assert not re.search(r"1[3-9]\d{9}", output)
        assert not re.search(r"\d{17}[\dXx]", output)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=300))
def test_anything_is_decided(classifier, text: str) -> None:
    analysis = classifier.analyse(text, nick=text[:20], addressed=len(text) % 2 == 0)
    assert analysis.decisions
    analysis.text.encode()


SIZE = 100_000
HOSTILE = {
    "zero width": "\u200b" * SIZE,
    "right to left": "\u202e电梯坏了\u202c" * (SIZE // 6),
    "surrogates": "\ud800\udc00\udfff" * (SIZE // 3),
    "combining": "e\u0301\u0323\u0301" * (SIZE // 4),
    "expanding": "\ufdfa" * SIZE,
    "digits": "1" * SIZE,
    "phones": "13612345678 " * (SIZE // 12),
    "gaps": "1 " * (SIZE // 2),
    "quotes": "「" * SIZE,
    "rulers": "「甲：乙」\n- - - - - -\n" * (SIZE // 20),
    "half rulers": "「甲：" + "」\n- - " * (SIZE // 7),
    "tags": "<" * SIZE,
    "xml": "<msg><appmsg><title>" + "<a>" * (SIZE // 3),
    "entities": "<appmsg><title>" + "&amp;" * (SIZE // 5) + "</title>",
    "mentions": "@" * SIZE,
    "mentions with names": "@甲乙丙丁 " * (SIZE // 6),
    "brackets": "[" * SIZE,
    "emoji codes": "[微笑]" * (SIZE // 4),
    "lines": "1.\n" * (SIZE // 3),
    "numbered": "".join(f"{n}. 甲\n" for n in range(SIZE // 6)),
    "lexicon": "电梯坏了灯水停电吵垃圾堆气" * (SIZE // 13),
    "objects": "灯水电车" * (SIZE // 4),
    "particles": "啊哦嗯" * (SIZE // 3),
    "joined": "还有电梯坏了" * (SIZE // 6),
    "buildings": "3栋2单元" * (SIZE // 5),
    "chinese numbers": "一二三四五六七八九十" * (SIZE // 10),
    "dashes": "3-" * (SIZE // 2),
    "blanks": " " * SIZE,
    "newlines": "\n" * SIZE,
    "one word": "水" * SIZE,
    "emoji": "😀" * SIZE,
    "acks": "收到" * (SIZE // 2),
    "negations": "没有不" * (SIZE // 3),
    "latin": "a" * SIZE,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("addressed", [False, True])
def test_hostile_input_is_decided_in_time(classifier, name: str, addressed: bool) -> None:
    text = HOSTILE[name]
    spent = []
    for _ in range(3):  # the best of three: other work on the machine is not ours to measure
        start = time.process_time()
        analysis = classifier.analyse(text, nick=text[:2000], addressed=addressed)
        spent.append(time.process_time() - start)
    assert analysis.decisions
    assert min(spent) < 0.05


def test_random_mixtures_are_decided_in_time(classifier) -> None:
    dice = random.Random(7)
    alphabet = "".join(HOSTILE[name][:40] for name in HOSTILE)
    for _ in range(20):
        text = "".join(dice.choices(alphabet, k=20_000))
        spent = []
        for _ in range(2):
            start = time.process_time()
            classifier.analyse(text)
            spent.append(time.process_time() - start)
        assert min(spent) < 0.05


@pytest.mark.parametrize("text", ["这个事情你记一下", "帮我看看这是啥子情况", "3栋2单元", "今天怎么样"])
def test_addressed_is_at_least_a_candidate(classifier, text: str) -> None:
    assert classifier.analyse(text).best.label is Label.DROP
    assert classifier.analyse(text, addressed=True).best.label is Label.CANDIDATE
    assert classifier.analyse(f"@小格 {text}").best.label is Label.CANDIDATE


@pytest.mark.parametrize(
    "text", ["谢谢", "你好", "早上好呀", "收到", "在吗", "", "[玫瑰]", "居住证怎么办理", "高价回收旧家电，上门服务"]
)
def test_addressed_with_thanks_greeting_or_veto_is_nothing(classifier, text: str) -> None:
    assert classifier.analyse(text, addressed=True).best.label is Label.DROP


def test_a_name_of_the_bot_addresses_it(classifier) -> None:
    assert classifier.analyse("@微格\u2005这个你管不管", names=("微格",)).best.label is Label.CANDIDATE
    assert classifier.analyse("@老王\u2005这个你管不管", names=("微格",)).best.label is Label.DROP


@pytest.mark.parametrize(
    "text",
    [
        "从昨晚到现在了",
        "里面还有个老人",
        "@物业 怎么回事",
        "快点派人来",
        "就在3栋2单元",
        "孩子吓哭了",
        "都两个小时了",
        "打了电话没人接",
    ],
)
def test_what_follows_a_trouble(classifier, text: str) -> None:
    assert classifier.analyse(text).follows


@pytest.mark.parametrize("text", ["晚上吃火锅不", "哈哈哈", "明天见", "好看", "收到", "谢谢", "周末打麻将差一个"])
def test_what_does_not(classifier, text: str) -> None:
    assert not classifier.analyse(text).follows


def test_a_plus_one_has_its_address(classifier) -> None:
    said = classifier.analyse("+1 9栋也是", nick="3-1-502")
    assert (said.shape, said.best.location.building, said.best.location.located_by) == (Shape.PLUS_ONE, "9", "text")
    known = classifier.analyse("+1", nick="3-1-502")
    assert (known.best.location.building, known.best.location.located_by) == ("3", "nick")


def test_what_may_be_stored(classifier) -> None:
    analysis = classifier.analyse("@小格\u2005我是5栋的[微笑] 水管爆了 13612345678 身份证519999198502021234")
    assert analysis.text == "我是5栋的 水管爆了 136****5678 身份证519999********1234"
    assert analysis.phones == ("13612345678",)
    assert analysis.has_id_number
    assert analysis.lexicon == classifier.version


@pytest.mark.parametrize("text", CHAT)
def test_chat_is_chat(classifier, text: str) -> None:
    decision = classifier.analyse(text).best
    assert decision.label is Label.DROP
    assert decision.score < 2


def test_a_chain_is_no_appeal(classifier) -> None:
    analysis = classifier.analyse("#接龙\n报修登记\n1. 3栋电梯坏了 13612345678")
    assert (analysis.shape, analysis.best.label, analysis.best.reason) == (Shape.CHAIN, Label.DROP, "chain")
    assert "13612345678" not in analysis.text
