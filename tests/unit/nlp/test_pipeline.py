import pytest

from nlp.decision import Label, Shape

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
