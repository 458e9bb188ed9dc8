"""Native messages, told apart. The payloads are those of tests/data/native_payloads.json and variations on them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transports.native import LONGEST_XML, QUOTE_RULE, Native, interpret
from storage.model import ChainRow, MessageKind

PAYLOADS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "native_payloads.json").read_text("utf-8"))

EXPECTED = {
    "jielong_basic": MessageKind.CHAIN,
    "jielong_title_before_tag": MessageKind.CHAIN,
    "jielong_multiline_entry": MessageKind.CHAIN,
    "jielong_en_locale": MessageKind.CHAIN,
    "jielong_pasted_as_text": MessageKind.TEXT,
    "jielong_quoted_must_ignore": MessageKind.TEXT,
    "quote_wechat": MessageKind.TEXT,
    "quote_nonText": MessageKind.TEXT,
    "quote_nested_xml": MessageKind.TEXT,
    "quote_wecom": MessageKind.TEXT,
    "mention_u2005": MessageKind.TEXT,
    "mention_space": MessageKind.TEXT,
    "mention_nbsp_wecom": MessageKind.TEXT,
    "at_all": MessageKind.TEXT,
    "pat_as_recalled": MessageKind.PAT,
    "todo_as_recalled": MessageKind.TODO,
    "real_recall": MessageKind.RECALL,
    "throttled_by_wechat": MessageKind.THROTTLED,
    "location": MessageKind.LOCATION,
}


def test_every_payload_with_a_wire_number_is_expected_here() -> None:
    numbered = {name for name, one in PAYLOADS.items() if isinstance(one, dict) and "puppet_type" in one}
    assert numbered == set(EXPECTED)


@pytest.mark.parametrize(("name", "kind"), EXPECTED.items())
def test_kind_of_each_payload(name: str, kind: MessageKind) -> None:
    assert interpret(PAYLOADS[name]["puppet_type"], PAYLOADS[name]["text"]).kind is kind


@pytest.mark.parametrize("name", [name for name, kind in EXPECTED.items() if kind in ("text", "chain")])
def test_words_are_left_as_they_are(name: str) -> None:
    assert interpret(PAYLOADS[name]["puppet_type"], PAYLOADS[name]["text"]).text == PAYLOADS[name]["text"]


@pytest.mark.parametrize("wire_type", PAYLOADS["crash_types_on_python"])
def test_types_that_crash_pythons_enum(wire_type: int) -> None:
    assert interpret(wire_type, "").kind is {16: MessageKind.POST, 18: MessageKind.SYSTEM}[wire_type]


@pytest.mark.parametrize(
    ("wire_type", "kind"),
    [
        (1, MessageKind.FILE),
        (2, MessageKind.VOICE),
        (3, MessageKind.CONTACT),
        (4, MessageKind.FORWARD),
        (5, MessageKind.EMOTICON),
        (6, MessageKind.IMAGE),
        (8, MessageKind.LOCATION),
        (9, MessageKind.MINI_PROGRAM),
        (11, MessageKind.TRANSFER),
        (12, MessageKind.RED_PACKET),
        (14, MessageKind.LINK),
        (15, MessageKind.VIDEO),
        (17, MessageKind.UNKNOWN),
        (99, MessageKind.UNKNOWN),
        (-1, MessageKind.UNKNOWN),
    ],
)
def test_numbers_without_words(wire_type: int, kind: MessageKind) -> None:
    assert interpret(wire_type, "").kind is kind


# ---------------------------------------------------------------- 接龙
def chain(solitaire: str) -> str:
    extra = f"<extinfo><solitaire_info>{solitaire}</solitaire_info></extinfo>"
    return f"<appmsg><title>#接龙</title><type>53</type>{extra}</appmsg>"


def test_chain_rows_of_the_raw_xml() -> None:
    told = interpret(0, PAYLOADS["jielong_raw_xml_ranges"]["xml"])
    assert told == Native(
        MessageKind.CHAIN,
        "#接龙\n大扫除\n\n1. 张三",
        chain=(ChainRow("wxid_a", datetime.fromtimestamp(1687786648, UTC), 12, 2),),
        starter="wxid_a",
    )
    row = told.chain[0]
    units = told.text.encode("utf-16-le")
    assert units[row.start * 2 : (row.start + row.length) * 2].decode("utf-16-le") == "张三"


@pytest.mark.parametrize("wire_type", [0, 1, 10, 14, 18])
def test_a_chain_is_one_under_any_number(wire_type: int) -> None:
    told = interpret(wire_type, PAYLOADS["jielong_raw_xml_ranges"]["xml"])
    assert (told.kind, len(told.chain)) == (MessageKind.CHAIN, 1)


def test_a_chain_in_a_text_message_names_no_authors() -> None:
    told = interpret(7, PAYLOADS["jielong_raw_xml_ranges"]["xml"])
    assert (told.kind, told.chain, told.starter) == (MessageKind.CHAIN, (), None), (
        "anybody can type XML that names somebody else"
    )


@pytest.mark.parametrize(
    "row",
    [
        "<u>wxid_a</u><t>x</t><r>12</r>",
        "<u></u><t>1</t><r>1-2</r>",
        "<t>1</t><r>1-2</r>",
        "<u>wxid_a</u><r>-1-2</r>",
        "<u>wxid_a</u><r>1-99999999999</r>",
    ],
)
def test_an_unreadable_row_is_left_out(row: str) -> None:
    inner = f"<solitaire><content><i>{row}</i><i><u>wxid_b</u><t>0</t><r>1-2</r></i></content></solitaire>"
    xml = chain(f"<![CDATA[{inner}]]>")
    assert interpret(10, xml).chain == (ChainRow("wxid_b", None, 1, 2),)


@pytest.mark.parametrize("mark", ["", "<au></au>", "<au> </au>"])
def test_a_chain_that_does_not_say_who_started_it(mark: str) -> None:
    inner = f"<solitaire>{mark}<content><i><u>wxid_b</u><r>1-2</r></i></content></solitaire>"
    assert interpret(10, chain(f"<![CDATA[{inner}]]>")).starter is None


def test_a_chain_with_unreadable_rows_keeps_its_list() -> None:
    xml = chain("&lt;broken")
    assert interpret(10, xml) == Native(MessageKind.CHAIN, "#接龙")


def test_a_chain_whose_puppet_gives_no_text() -> None:
    assert interpret(10, "") == Native(MessageKind.CHAIN)


# ---------------------------------------------------------------- recalled
def test_a_real_recall_names_the_message() -> None:
    assert interpret(13, PAYLOADS["real_recall"]["text"]) == Native(MessageKind.RECALL, recalls="99")


@pytest.mark.parametrize("text", ["8123456789012345678", "m_1-a.b", "3EB0C767D:2@c.us"])
def test_a_recall_whose_text_is_the_id(text: str) -> None:
    assert interpret(13, text) == Native(MessageKind.RECALL, recalls=text)


@pytest.mark.parametrize("text", ["", '"张三" 撤回了一条消息', "You recalled a message", "recalled"])
def test_a_recall_that_does_not_say_of_what(text: str) -> None:
    assert interpret(13, text) == Native(MessageKind.RECALL)


def test_a_recall_without_newmsgid() -> None:
    xml = '<sysmsg type="revokemsg"><revokemsg><msgid>7</msgid></revokemsg></sysmsg>'
    assert interpret(13, xml).recalls == "7"
    assert interpret(13, xml.replace("7", "0")).recalls is None


def test_pat_and_todo() -> None:
    assert interpret(13, PAYLOADS["pat_as_recalled"]["text"]) == Native(MessageKind.PAT)
    assert interpret(13, PAYLOADS["todo_as_recalled"]["text"]) == Native(MessageKind.TODO, "交电动车登记表")
    assert interpret(13, '<sysmsg type="delchatroommember"><link>有人退群</link></sysmsg>').kind is MessageKind.SYSTEM


# ---------------------------------------------------------------- quotes
def quote(content: str, quoted_type: int = 1) -> str:
    return (
        '<?xml version="1.0" encoding="gbk"?><msg><appmsg appid=""><title>我们5栋也是</title><type>57</type>'
        f"<refermsg><type>{quoted_type}</type><svrid>8123</svrid><displayname>王婆婆</displayname>"
        f"<content>{content}</content></refermsg></appmsg></msg>"
    )


@pytest.mark.parametrize("wire_type", [0, 1, 7, 14])
def test_a_quote_of_the_wire_reads_like_that_of_the_text(wire_type: int) -> None:
    told = interpret(wire_type, quote("3栋路灯坏了"))
    assert (told.kind, told.quoted_id) == (MessageKind.QUOTE, "8123")
    assert told.text == PAYLOADS["quote_wechat"]["text"], "one form for nlp, whatever the puppet"
    assert QUOTE_RULE in told.text


def test_a_quoted_picture_and_a_quoted_quote() -> None:
    assert interpret(0, quote("&lt;msg&gt;&lt;img/&gt;&lt;/msg&gt;", 3)).text.startswith("「王婆婆：图片」")
    inner = "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;同上&lt;/title&gt;&lt;/appmsg&gt;&lt;/msg&gt;"
    assert interpret(0, quote(inner, 49)).text.startswith("「王婆婆：同上」")
    assert interpret(0, quote("&lt;msg&gt;&lt;appmsg&gt;", 49)).text.startswith("「王婆婆：」")


# ---------------------------------------------------------------- the rest
@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ('label="示例路1号" poiname="示例小区"', "示例小区 示例路1号"),
        ('label="示例路1号" poiname="[位置]"', "示例路1号"),
        ('label="示例小区3栋" poiname="示例小区"', "示例小区3栋"),
        ('label="" poiname="示例小区"', "示例小区"),
        ("", ""),
    ],
)
def test_location(attributes: str, text: str) -> None:
    assert interpret(8, f"<msg><location x='1' y='2' {attributes}/></msg>") == Native(MessageKind.LOCATION, text)


def test_location_in_words() -> None:
    assert interpret(8, "示例小区:\n/cgi-bin/picture").text == "示例小区"


def link(app_type: int, title: str = "停水通知", url: str = "https://example.org/a?b=1&amp;c=2") -> str:
    return f"<msg><appmsg><title>{title}</title><des>摘要</des><type>{app_type}</type><url>{url}</url></appmsg></msg>"


def test_a_link_has_title_and_address() -> None:
    expected = Native(MessageKind.LINK, "停水通知", url="https://example.org/a?b=1&c=2")
    assert interpret(14, link(5)) == expected
    assert interpret(7, link(5)) == expected
    assert interpret(14, "https://example.org/") == Native(MessageKind.LINK, url="https://example.org/")


@pytest.mark.parametrize(
    ("app_type", "kind"),
    [(6, "file"), (19, "forward"), (33, "mini-program"), (62, "pat"), (2000, "transfer"), (2001, "redpacket")],
)
def test_what_an_appmsg_is(app_type: int, kind: str) -> None:
    assert interpret(0, link(app_type)).kind == kind
    assert interpret(14, link(app_type)).kind == kind


def test_a_forwarded_record_gives_none_of_its_words() -> None:
    xml = "<msg><appmsg><title>群聊的聊天记录</title><des>张三: 电梯坏了</des><type>19</type></appmsg></msg>"
    assert interpret(4, xml) == Native(MessageKind.FORWARD, "群聊的聊天记录")
    assert interpret(4, "张三: 电梯坏了") == Native(MessageKind.FORWARD)


def test_a_group_invitation_is_no_link() -> None:
    told = interpret(
        14, link(5, url="https://support.weixin.qq.com/cgi-bin/mmsupport-bin/addchatroombyinvite?ticket=A")
    )
    assert (told.kind, told.text) == (MessageKind.INVITE, "摘要")
    assert interpret(14, link(5, title="邀请你加入群聊", url="")).kind is MessageKind.INVITE


@pytest.mark.parametrize("wire_type", [0, 18, 77])
@pytest.mark.parametrize(
    "words", [" 操作过于频繁，请稍后再试。", "发送消息过于频繁，可稍后再试。", "Too many attempts. Try again later."]
)
def test_throttled(wire_type: int, words: str) -> None:
    assert interpret(wire_type, words).kind is MessageKind.THROTTLED


def test_a_resident_cannot_stop_the_account() -> None:
    assert interpret(7, "操作过于频繁，可稍后再试。").kind is MessageKind.TEXT


def test_removed_from_the_room() -> None:
    assert interpret(18, PAYLOADS["kicked"]["source_text"]).kind is MessageKind.LEAVE
    assert interpret(7, PAYLOADS["kicked"]["source_text"]).kind is MessageKind.TEXT


def test_media_carry_no_xml_along() -> None:
    for wire_type, xml in ((6, "<msg><img aeskey='k'/></msg>"), (5, "<msg><emoji/></msg>"), (3, "<msg nickname='x'/>")):
        assert interpret(wire_type, xml).text == ""
    assert interpret(2, "<msg><voicemsg voicelength='1'/></msg>") == Native(MessageKind.VOICE)
    assert interpret(2, "电梯坏了") == Native(MessageKind.VOICE, "电梯坏了")


def test_the_speaker_in_front_and_escaped_xml() -> None:
    xml = PAYLOADS["location"]["text"]
    assert interpret(8, "wxid_a:\n" + xml).text.startswith("示例小区")
    assert interpret(8, xml.replace("<", "&lt;").replace(">", "&gt;")).text.startswith("示例小区")


# ---------------------------------------------------------------- hostile input
@pytest.mark.parametrize(
    "xml",
    [
        "<msg><appmsg>",
        "<sysmsg type=",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><msg><appmsg><type>53</type><title>&b;</title></appmsg></msg>",
        "<msg>&unknown;</msg>",
        "<msg>\x00</msg>",
        "<a>" * 120_000,
        "<" * 10,
        "<msg>" + "x" * LONGEST_XML + "</msg>",
    ],
)
@pytest.mark.parametrize("wire_type", [0, 8, 10, 13, 14, 18, 99])
def test_broken_or_hostile_xml_is_unknown(wire_type: int, xml: str) -> None:
    assert interpret(wire_type, xml) == Native(MessageKind.UNKNOWN)


def test_deeply_nested_xml_is_survived() -> None:
    assert interpret(18, "<sysmsg>" + "<a>" * 50_000 + "</a>" * 50_000 + "</sysmsg>").kind is MessageKind.SYSTEM


@pytest.mark.parametrize("text", ["a < b 吗", "<msg><appmsg>", "<3", "<msg>好</msg>", "价格<100"])
def test_people_may_type_angle_brackets(text: str) -> None:
    assert interpret(7, text) == Native(MessageKind.TEXT, text)


TAGS = ("msg", "appmsg", "type", "title", "refermsg", "sysmsg", "extinfo", "solitaire_info", "location")
XML_PIECES = st.sampled_from(
    [
        *(f"<{tag}>" for tag in TAGS),
        *(f"</{tag}>" for tag in TAGS),
        *("53", "57", "<sysmsg type='pat'>", "<![CDATA[", "]]>", "&lt;", "&", "接龙", "\n", "wxid_a:\n", "<?xml", "?>"),
    ]
)


@given(st.integers(-5, 120), st.one_of(st.text(), st.lists(XML_PIECES, max_size=12).map("".join)))
def test_nothing_raises(wire_type: int, text: str) -> None:
    told = interpret(wire_type, text)
    assert isinstance(told.kind, MessageKind)
    if wire_type == 7 and told.kind is MessageKind.TEXT:
        assert told.text == text
