"""A reply that quotes another message, in the forms that WeChat and WeCom put on the wire.

The quoted words are somebody else's: they never count as this person's appeal.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_RULER = re.compile(r"」\s*\n\s*(?:- ?){4,}-?\s*\n")
_WECOM_RULER = re.compile(r"[”\"]\s*\n\s*-{4,}\s*\n")
_WECOM_HEAD = re.compile(r"\s*这是一条引用/回复消息[::：]\s*\n?\s*[“\"]")
_TAG = re.compile(r"<[^<>]{0,300}>")
_LONGEST_NICK = 40


@dataclass(frozen=True, slots=True)
class Quoted:
    """`reply` is what the sender says; `text` and `nick` what is quoted, empty when nothing is."""

    reply: str
    text: str = ""
    nick: str = ""


def split(text: str) -> Quoted:
    """Part a message into the reply and what it quotes. Linear in the length of the text."""
    head = text.lstrip()[:1]
    if head == "「":
        return _wechat(text)
    if head == "这" and _WECOM_HEAD.match(text):
        return _wecom(text)
    if head == "<":
        return _xml(text)
    return Quoted(text)


def _wechat(text: str) -> Quoted:
    end = None
    for end in _RULER.finditer(text):  # noqa: B007 - the last ruler ends the outermost quote
        pass
    if end is None:
        return Quoted(text)
    nick, quoted = _who(text.lstrip()[1:][: end.start() - (len(text) - len(text.lstrip())) - 1])
    return Quoted(text[end.end() :].strip(), _plain(quoted), nick)


def _wecom(text: str) -> Quoted:
    start = _WECOM_HEAD.match(text)
    end = _WECOM_RULER.search(text)
    if start is None or end is None or end.start() < start.end():
        return Quoted(text)
    nick, quoted = _who(text[start.end() : end.start()])
    return Quoted(text[end.end() :].strip(), _plain(quoted), nick)


def _xml(text: str) -> Quoted:
    """A raw `<msg><appmsg>`: its title is what was said; type 57 carries the quoted message in `refermsg`."""
    if "<appmsg" not in text:
        return Quoted(text)
    before, _, refer = text.partition("<refermsg>")
    reply = _plain_title(before)
    if not refer:
        return Quoted(reply)
    refer = refer.partition("</refermsg>")[0]
    return Quoted(reply, _plain(_inner(refer, "content")), _inner(refer, "displayname"))


def _who(quote: str) -> tuple[str, str]:
    for at, character in enumerate(quote[: _LONGEST_NICK + 1]):
        if character in ":：":
            return quote[:at].strip(), quote[at + 1 :].strip()
    return "", quote.strip()


def _plain(quoted: str) -> str:
    """What a quoted message says: of nested XML the title, of a nested quote the reply."""
    quoted = quoted.strip()
    if quoted.startswith(("<", "&lt;")):
        unescaped = html.unescape(quoted)
        return _plain_title(unescaped.partition("<refermsg>")[0])
    if quoted.startswith("「"):
        last = quoted.rfind("- -")
        if last >= 0:
            return quoted[last + 3 :].strip(" -\n")
    return quoted


def _plain_title(xml: str) -> str:
    return html.unescape(_TAG.sub("", _inner(xml, "title"))).strip()


def _inner(xml: str, tag: str) -> str:
    _, found, rest = xml.partition(f"<{tag}>")
    value, closed, _ = rest.partition(f"</{tag}>")
    if not found or not closed:
        return ""
    return html.unescape(value.removeprefix("<![CDATA[").removesuffix("]]>")).strip()
