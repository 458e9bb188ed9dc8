"""The command grammar as people type it (design/commands.md)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.commands import Command, Name, NearMiss, parse
from handlers.hearing import said_to_bot
from handlers.texts.commands import USAGE
from storage.model import Role


def heard(text: str, *, addressed: bool = False) -> Command | NearMiss | None:
    return parse(text, addressed=addressed)


@pytest.mark.parametrize("text", ["接单S1，马上到", "接单 S1 我去看看", "接單 Ｓ１ 收到"])
def test_whoever_takes_it_may_say_so(text: str) -> None:
    assert heard(text) == Command(Name.TAKE, number=1)


@pytest.mark.parametrize("text", ["接单 S1 的人呢", "接单S1了没", "接单 S1 哪个去？", "接单 S1 以后先打电话再上门去看"])
def test_talk_about_taking_is_no_taking(text: str) -> None:
    assert heard(text) is None


@pytest.mark.parametrize(
    ("text", "answer", "remark"),
    [
        ("2 还是漏", "2", "还是漏"),
        ("2，师傅没来过", "2", "师傅没来过"),
        ("2还没修好", "2", "还没修好"),
        ("２　门还是关不上", "2", "门还是关不上"),
        ("1 谢谢", "1", "谢谢"),
        ("1，已经好了", "1", "已经好了"),
    ],
)
def test_an_answer_may_carry_words(text: str, answer: str, remark: str) -> None:
    assert heard(text) == Command(Name.ANSWER, text=answer, remark=remark)


@pytest.mark.parametrize(
    "text",
    [
        "2栋停水了",
        "2 号楼停水了",
        "2、电梯坏了",
        "2.电梯坏了",
        "2个人去",
        "2 斤苹果",
        "1栋谢谢大家",
        "2-1-301 停水了",
        "22 还是漏",
    ],
)
def test_a_2_in_front_of_something_else_is_no_answer(text: str) -> None:
    assert heard(text) is None


@pytest.mark.parametrize("text", ["你是谁", "你是机器人吗？", "你能做什么呀", "菜单"])
def test_who_asks_what_it_is_gets_help(text: str) -> None:
    assert heard(text) is None
    assert heard(text, addressed=True) == Command(Name.HELP, explicit=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("帮助", Name.HELP),
        ("職責", Name.DUTY),
        ("帮助！", Name.HELP),
        ("帮助🙏", Name.HELP),
        ("[微笑]帮助[玫瑰]", Name.HELP),
        ("／帮助", Name.HELP),
        ("#帮助", Name.HELP),
        ("  /帮助 ", Name.HELP),
        ("@小格\u2005帮助", Name.HELP),
        ("@小格\u00a0帮助", Name.HELP),
        ("@小格 帮助", Name.HELP),
        ("＠小格　幫助", Name.HELP),
        ("帮助 @小格", Name.HELP),
        ("@小格，帮助", Name.HELP),
        ("待办", Name.TODO),
        ("待辦", Name.TODO),
        ("代办", Name.TODO),
        ("週報", Name.WEEKLY),
        ("轉平", Name.CALM),
        ("@小格 帮助？", Name.HELP),
        ("@小格 职责?", Name.DUTY),
        ("静音", Name.HUSH),
        ("靜音", Name.HUSH),
        ("@小格 太吵了", Name.HUSH),
        ("@小格 別刷屏", Name.HUSH),
        ("恢复", Name.RESUME),
        ("恢復記錄", Name.REMEMBER_ME),
        ("别记我", Name.FORGET_ME),
        ("別記我。", Name.FORGET_ME),
        ("启用", Name.ENABLE),
        ("啟用", Name.ENABLE),
        ("停用", Name.DISABLE),
        ("查询", Name.QUERY),
        ("接单", Name.TAKE),
    ],
)
def test_a_word_alone_is_a_command_however_it_is_dressed(text: str, name: Name) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert command.name is name


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("查询 S12", Name.QUERY, 12),
        ("查询S12", Name.QUERY, 12),
        ("查询s12", Name.QUERY, 12),
        ("查询，S12", Name.QUERY, 12),
        ("查询、S12。", Name.QUERY, 12),
        ("查询#S12", Name.QUERY, 12),
        ("／查询　Ｓ１０２４", Name.QUERY, 1024),
        ("@小格\u2005查詢 S1024", Name.QUERY, 1024),
        ("撤回 S3", Name.WITHDRAW, 3),
        ("受理S3", Name.ACCEPT, 3),
        ("误报 S3", Name.FALSE_ALARM, 3),
        ("誤報S3", Name.FALSE_ALARM, 3),
        ("接單 S3", Name.TAKE, 3),
        ("查询S3？", Name.QUERY, 3),
    ],
)
def test_an_id_may_stand_behind_anything_or_nothing(text: str, name: Name, number: int) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert (command.name, command.number) == (name, number)


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("办结 S12 已修好。", Name.FINISH, "已修好"),
        ("办结S12。", Name.FINISH, ""),
        ("办结 S12！", Name.FINISH, ""),
        ("不受理 S12 超职责。", Name.REFUSE, "超职责"),
        ("改类S12，供水。", Name.RECATEGORIZE, "供水"),
        ("延期 S12 2天 等配件。", Name.EXTEND, "等配件"),
        ("派单 S12 物业，两小时内。", Name.ASSIGN, ""),
        ("派单 S12 给物业公司 张师傅。", Name.ASSIGN, "张师傅"),
    ],
)
def test_the_full_stop_of_voice_input_is_no_word(text: str, name: Name, rest: str) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert (command.name, command.number, command.text) == (name, 12, rest)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("派单 S1 物业 派单 S2 物业", "派单"),
        ("派单 S1 物业\n派单S2 物业", "派单"),
        ("撤回S1，撤回S2", "撤回"),
        ("受理 S1 办结 S2 已修好", "受理"),
    ],
)
def test_of_two_commands_in_one_message_none_is_done(text: str, word: str) -> None:
    assert heard(text) == NearMiss(Name(word), word, USAGE[word], several=True)


@pytest.mark.parametrize("text", ["督办 S1 请物业尽快 办结 S1", "补充 S1 上次派单S2的也一样", "合并 S1 和 S2"])
def test_a_number_that_is_named_is_no_second_command(text: str) -> None:
    assert isinstance(heard(text), Command)


@pytest.mark.parametrize(
    ("text", "name", "number", "rest"),
    [
        ("补充 S12 是左边那部", Name.SUPPLEMENT, 12, "是左边那部"),
        ("補充S12，還在響", Name.SUPPLEMENT, 12, "還在響"),
        ("办结S12已换水泵", Name.FINISH, 12, "已换水泵"),
        ("/办结 S1 水泵已换 恢复供水", Name.FINISH, 1, "水泵已换 恢复供水"),
        ("办结 S12 3栋已修好", Name.FINISH, 12, "3栋已修好"),
        ("办结 S12", Name.FINISH, 12, ""),
        ("处置中 S12 预计下午", Name.PROGRESS, 12, "预计下午"),
        ("處置中S12", Name.PROGRESS, 12, ""),
        ("上报 3栋电梯坏了", Name.REPORT, None, "3栋电梯坏了"),
        ("上报：3栋电梯坏了", Name.REPORT, None, "3栋电梯坏了"),
        ("上報\n3棟電梯壞了", Name.REPORT, None, "3棟電梯壞了"),
        ("/上报3栋电梯坏了", Name.REPORT, None, "3栋电梯坏了"),
    ],
)
def test_what_people_wrote_is_kept_as_they_wrote_it(text: str, name: Name, number: int | None, rest: str) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert (command.name, command.number, command.text) == (name, number, rest)


@pytest.mark.parametrize(
    ("text", "role", "span", "note"),
    [
        ("派单 S12 物业 2h", Role.PROPERTY, timedelta(hours=2), ""),
        ("派单S12物业2h", Role.PROPERTY, timedelta(hours=2), ""),
        ("派單 S12 物業 2小時", Role.PROPERTY, timedelta(hours=2), ""),
        ("派单 S12 物业", Role.PROPERTY, None, ""),
        ("派单 S12 物业 小张 两小时内 尽快", Role.PROPERTY, timedelta(hours=2), "小张  尽快"),
        ("派单 S12 派出所 半小时", Role.POLICE, timedelta(minutes=30), ""),
        ("派单 S12 社区 3天", Role.COMMUNITY, timedelta(days=3), ""),
        ("派单 S12 城管 30分钟", Role.ENFORCEMENT, timedelta(minutes=30), ""),
        ("派单 S12 流动网格员", Role.MOBILE_WORKER, None, ""),
        ("派单 S12 网格员", Role.GRID_WORKER, None, ""),
        ("派单 S12 明天再说", None, None, "明天再说"),
    ],
)
def test_assigning_names_the_owner_and_the_limit(
    text: str, role: Role | None, span: timedelta | None, note: str
) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert (command.name, command.number) == (Name.ASSIGN, 12)
    assert (command.role, command.span, command.text) == (role, span, note)


@pytest.mark.parametrize(
    ("text", "number", "rating", "remark"),
    [
        ("评价 S12 满意", 12, 5, ""),
        ("评价S12不满意", 12, 1, ""),
        ("評價 S12 不滿意 等太久", 12, 1, "等太久"),
        ("评价 S12 4", 12, 4, ""),
        ("评价 S12 3分，一般般", 12, 3, "一般般"),
        ("评价 S12 非常满意！", 12, 5, ""),
        ("评价 S12 很好", 12, None, "很好"),
        ("评价 满意", None, 5, ""),
    ],
)
def test_rating(text: str, number: int | None, rating: int | None, remark: str) -> None:
    command = heard(text)
    assert isinstance(command, Command)
    assert (command.name, command.number) == (Name.RATE, number)
    assert (command.rating, command.text) == (rating, remark)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1", "1"),
        ("１", "1"),
        ("1️⃣", "1"),
        ("①", "1"),
        ("满意", "1"),
        ("1 已解决", "1"),
        (" 2 ", "2"),
        ("2。", "2"),
        ("不滿意", "2"),
        ("未解决", "2"),
    ],
)
def test_a_bare_answer(text: str, answer: str) -> None:
    assert heard(text) == Command(Name.ANSWER, text=answer)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("静音 24h", timedelta(hours=24)),
        ("静音2小时", timedelta(hours=2)),
        ("静音 9天", timedelta(hours=24)),
        ("静音", None),
    ],
)
def test_silence_lasts_a_day_at_most(text: str, span: timedelta | None) -> None:
    assert heard(text) == Command(Name.HUSH, span=span)


def test_codes() -> None:
    assert heard("启用519999001001003012") == Command(Name.ENABLE, code="519999001001003012")
    assert heard("绑定 AB12-cd34") == Command(Name.BIND, code="AB12-cd34")


@pytest.mark.parametrize(
    "text",
    [
        "帮助一下嘛谁有梯子",
        "恢复供水了",
        "恢复了没得",
        "查询快递单号",
        "查询 快递",
        "上报了没有",
        "上报给社区了",
        "撤回",
        "撤回了啥子",
        "撤回 S12 的那个人是哪个",
        "补充 明天带身份证",
        "误报",
        "受理",
        "办结了没",
        "处置中",
        "评价不高",
        "评价满意的多",
        "静音模式咋个关",
        "停用电梯三天",
        "启用新门禁",
        "待办的人好多",
        "职责所在",
        "别记我账上",
        "绑定银行卡",
        "接单吗师傅",
        "派单太慢",
        "满意度多少",
        "13栋电梯坏了",
        "2单元停水",
        "1个人去",
        "太吵了",
        "收到",
        "",
        "   ",
        "[微笑]",
        "@李姐 帮助",
        "@小格格 帮助",
        "@所有人 恢复",
        "#接龙\n1. 张三",
        "#Group Note\n1. 张三",
        "# 接龍\n1. 张三",
    ],
)
def test_chat_that_begins_like_a_command_stays_chat(text: str) -> None:
    assert heard(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/查寻 S12", "查询"),
        ("@小格 查看", "查询"),
        ("@小格 查寻S12", "查询"),
        ("/待办事项", "待办"),
        ("/帮助一下嘛谁有梯子", "帮助"),
        ("@小格 查询一下", "查询"),
        ("@小格 静音一下", "静音"),
        ("/派单", "派单"),
        ("/补充", "补充"),
        ("/评价", "评价"),
        ("@小格 处理中 S12", "处置中"),
        ("/撤回 12", "撤回"),
    ],
)
def test_said_to_the_bot_a_near_miss_gets_one_suggestion(text: str, word: str) -> None:
    miss = heard(text)
    assert isinstance(miss, NearMiss)
    assert (miss.word, miss.usage) == (word, USAGE[word])


@pytest.mark.parametrize(
    "text",
    ["@小格 你好", "@小格 3栋停水了", "@小格 恢复供水没有", "@小格 帮助一下嘛谁有梯子", "/", "@小格", "@小格 谢谢"],
)
def test_said_to_the_bot_but_no_near_miss(text: str) -> None:
    assert heard(text) is None


def test_the_id_may_be_left_out_only_where_the_bot_is_meant() -> None:
    assert heard("办结 水泵已换") is None
    assert heard("/办结 水泵已换") == Command(Name.FINISH, text="水泵已换", explicit=True)
    assert heard("撤回", addressed=True) == Command(Name.WITHDRAW, explicit=True)


def test_a_mention_under_another_nick_is_taken_off_when_the_wire_says_it_is_us() -> None:
    assert heard("@微网格助手\u2005查询 S1024", addressed=True) == Command(Name.QUERY, number=1024, explicit=True)
    assert heard("@微网 格助手\u2005查询 S1024", addressed=True) == Command(Name.QUERY, number=1024, explicit=True)
    assert heard("@微网格助手 查询 S1024") is None


def test_every_word_has_a_usage_that_fits_its_own_grammar() -> None:
    for word in {name.value for name in Name} - {Name.ANSWER.value}:
        usage = USAGE[word].replace("网格码", "519999001001003012").replace("一次性码", "ABCD1234")
        command = heard(f"/{usage}")
        assert isinstance(command, Command), usage
        assert command.name.value == word


def test_said_to_bot() -> None:
    assert said_to_bot("3栋停水 @小格")
    assert said_to_bot("＠小格\u2005在吗")
    assert not said_to_bot("@小格格 在吗")
    assert not said_to_bot("小格在吗")


_LETTERS = st.sampled_from(
    "上报查询补充撤回受理误派单接处置中办结评价待帮助静音恢复别记我录启用停绑定满意不一般物业"
    "0123456789sShH#/@＠／小格\u2005\u00a0 ，、：。！?？\n[]微笑１２Ｓ天时两半\u200b\ufe0f\u20e3🙏"
)


@given(st.one_of(st.text(), st.text(_LETTERS, max_size=40)), st.booleans())
def test_parsing_never_raises(text: str, addressed: bool) -> None:
    outcome = parse(text, addressed=addressed)
    if isinstance(outcome, Command):
        assert outcome.number is None or 0 <= outcome.number < 10**9
        assert outcome.rating is None or 1 <= outcome.rating <= 5
        assert outcome.span is None or timedelta(0) < outcome.span <= timedelta(days=365)
    if isinstance(outcome, NearMiss):
        assert addressed or "/" in text or "#" in text or "＃" in text or "／" in text or said_to_bot(text)


def test_hostile_length_costs_little() -> None:
    long = 20_000
    started = time.thread_time()  # a processor may be taken away from it
    for text in (
        "/派单 S1 物业 1" + " " * long + "x",
        "/派单 S1 " + "1 " * long,
        "查询 " + " " * long + "x",
        "@" * long,
        "@" + "小格 " * long,
        "/评价" + "非常" * long,
        "[微笑" * long,
        "/上报" + "，" * long,
        "待办" + "。" * long + "x",
    ):
        parse(text, addressed=True)
    assert time.thread_time() - started < 2
