"""What a WeChat message really is: (wire type number, text) → kind and fields. Pure; broken XML is UNKNOWN, no error.

The numbers are those of the TypeScript puppet enum, which is what travels on the wire; Python's own enum disagrees
from 4 on. Many puppets hand raw XML through instead of reading it, under whatever type they find fitting, so outside
of plain text the XML decides before the number does.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from storage.model import ChainRow, MessageKind

UNKNOWN, ATTACHMENT, AUDIO, CONTACT, CHAT_HISTORY, EMOTICON, IMAGE, TEXT, LOCATION = range(9)
MINI_PROGRAM, GROUP_NOTE, TRANSFER, RED_ENVELOPE, RECALLED, URL, VIDEO, POST = range(9, 17)
SYSTEM = 18

# An appmsg of WeChat is a few kilobytes; a chat record with thumbnails reaches some hundred.
LONGEST_XML = 400_000

QUOTE_RULE = "- - - - - - - - - - - - - - -"

_BY_NUMBER = {
    ATTACHMENT: MessageKind.FILE,
    AUDIO: MessageKind.VOICE,
    CONTACT: MessageKind.CONTACT,
    CHAT_HISTORY: MessageKind.FORWARD,
    EMOTICON: MessageKind.EMOTICON,
    IMAGE: MessageKind.IMAGE,
    TEXT: MessageKind.TEXT,
    LOCATION: MessageKind.LOCATION,
    MINI_PROGRAM: MessageKind.MINI_PROGRAM,
    GROUP_NOTE: MessageKind.CHAIN,
    TRANSFER: MessageKind.TRANSFER,
    RED_ENVELOPE: MessageKind.RED_PACKET,
    RECALLED: MessageKind.RECALL,
    URL: MessageKind.LINK,
    VIDEO: MessageKind.VIDEO,
    POST: MessageKind.POST,
    SYSTEM: MessageKind.SYSTEM,
}
# Their text is a file name, a picture's key or a contact's XML: nothing that somebody said.
_WORDLESS = frozenset({IMAGE, VIDEO, EMOTICON, CONTACT, TRANSFER, RED_ENVELOPE})

# <appmsg><type>; 57 quote and 53 chain have fields of their own.
_BY_APP_TYPE = {
    "2": MessageKind.IMAGE,
    "3": MessageKind.LINK,
    "4": MessageKind.LINK,
    "5": MessageKind.LINK,
    "6": MessageKind.FILE,
    "8": MessageKind.EMOTICON,
    "15": MessageKind.EMOTICON,
    "17": MessageKind.LOCATION,
    "19": MessageKind.FORWARD,
    "24": MessageKind.FORWARD,
    "33": MessageKind.MINI_PROGRAM,
    "36": MessageKind.MINI_PROGRAM,
    "40": MessageKind.FORWARD,
    "51": MessageKind.LINK,
    "53": MessageKind.CHAIN,
    "57": MessageKind.QUOTE,
    "62": MessageKind.PAT,
    "63": MessageKind.LINK,
    "74": MessageKind.FILE,
    "87": MessageKind.SYSTEM,
    "2000": MessageKind.TRANSFER,
    "2001": MessageKind.RED_PACKET,
}
# The first element under <msg> where there is no <appmsg>.
_BY_ELEMENT = {
    "img": MessageKind.IMAGE,
    "voicemsg": MessageKind.VOICE,
    "videomsg": MessageKind.VIDEO,
    "emoji": MessageKind.EMOTICON,
    "location": MessageKind.LOCATION,
}
# <refermsg><type>: what WeChat itself shows of a quoted message that is not text.
_QUOTED_AS = {"3": "图片", "34": "语音", "42": "名片", "43": "视频", "47": "表情", "48": "位置"}

# As the client shows it in the room, in Chinese or English; of clients of another time, too.
_THROTTLED = re.compile(r"(?:操作|发送消息)过于频繁|Too many attempts\. Try again later")
_INVITE_TITLES = ("邀请你加入群聊", "invited you to a group chat")
_KICKED = re.compile(r"\s*(?:你被.*移出.{0,2}群聊|You were removed from the group chat)", re.DOTALL)
_RECALL_NOTICE = re.compile(r"撤回|recalled", re.IGNORECASE)
_ID = re.compile(r"[!-;=?-~]{1,200}")  # visible ASCII without < and >
# Rooms on some puppets put the speaker in front: `wxid_a:\n<msg>…`.
_SPEAKER = re.compile(r"\A\s*[\w.@-]{1,64}:\s*\n(?=\s*<)")
_RAW_ROOT = re.compile(r"\A\s*(?:<\?xml[^>]*\?>\s*)?<(?:msg|appmsg|sysmsg|revokemsg|location|voip\w*)\b")
_RANGE = re.compile(r"\s*(\d{1,9})-(\d{1,9})\s*")


@dataclass(frozen=True, slots=True)
class Native:
    """A message told apart. `text` is what a person said or a thing is called, never XML."""

    kind: MessageKind
    text: str = ""
    recalls: str | None = None  # RECALL: id of the message taken back, None where the wire does not say
    quoted_id: str | None = None
    chain: tuple[ChainRow, ...] = ()
    starter: str | None = None  # CHAIN: who started it
    url: str = ""


class _BrokenXmlError(Exception):
    """It looked like XML and is none that we are willing to read."""


def interpret(wire_type: int, text: str) -> Native:
    """Tell a message apart by its type number on the wire (TypeScript enum) and its text.

    Plain text stays TEXT, also a pasted 接龙 and the text forms of a quote (「…」): what words mean is nlp's business.
    Raises nothing: XML that cannot be read gives UNKNOWN.
    """
    if wire_type in _WORDLESS:
        return Native(_BY_NUMBER[wire_type])
    body = _SPEAKER.sub("", text) if "<" in text else text
    if wire_type != TEXT and body.lstrip().startswith("&lt;"):
        body = html.unescape(body)  # wechat4u escapes its XML once
    if wire_type == TEXT:
        return _plain(text, body)
    if body.lstrip().startswith("<"):
        try:
            return _from_xml(wire_type, _parse(body))
        except _BrokenXmlError:
            return Native(MessageKind.UNKNOWN)
    return _from_words(wire_type, body)


def _plain(text: str, body: str) -> Native:
    """A text message, which some puppets also use for raw appmsg XML."""
    if not _RAW_ROOT.match(body):
        return Native(MessageKind.TEXT, text)
    try:
        native = _from_xml(TEXT, _parse(body))
    except _BrokenXmlError:
        return Native(MessageKind.TEXT, text)  # somebody types or pastes angle brackets
    if native.kind in (MessageKind.QUOTE, MessageKind.LINK, MessageKind.FORWARD, MessageKind.MINI_PROGRAM):
        return native
    if native.kind is MessageKind.CHAIN:
        # Anybody can type this XML: the list is believed, the authors' ids are not.
        return replace(native, chain=(), starter=None)
    return Native(MessageKind.TEXT, text)


def _from_words(wire_type: int, text: str) -> Native:
    """Everything but text messages, where the puppet gave words (or nothing) instead of XML."""
    kind = _BY_NUMBER.get(wire_type, MessageKind.UNKNOWN)
    if kind in (MessageKind.UNKNOWN, MessageKind.SYSTEM):
        if _THROTTLED.search(text):
            return Native(MessageKind.THROTTLED, text.strip())
        if _KICKED.match(text):
            return Native(MessageKind.LEAVE, text.strip())
    if kind is MessageKind.RECALL:
        token = text.strip()
        named = _ID.fullmatch(token) is not None and not _RECALL_NOTICE.fullmatch(token)
        return Native(kind, recalls=token if named else None)
    if kind is MessageKind.LOCATION:
        # wechat4u: `示例小区:\n/cgi-bin/…` with a link to a map picture.
        return Native(kind, text.strip().split("\n", 1)[0].rstrip(":： "))
    if kind is MessageKind.LINK and re.fullmatch(r"https?://\S+", text.strip()):
        return Native(kind, url=text.strip())
    if kind is MessageKind.FORWARD:
        return Native(kind)  # other people's words, some puppets give them all
    return Native(kind, text)


def _parse(body: str) -> ET.Element:
    """Parse untrusted XML. A DTD is refused, so that nothing can be expanded or fetched."""
    if len(body) > LONGEST_XML or "<!DOCTYPE" in body.upper() or "<!ENTITY" in body.upper():
        raise _BrokenXmlError
    body = re.sub(r"\A\s*<\?xml[^>]*\?>", "", body).strip()  # an encoding it declares is not ours any more
    try:
        return ET.fromstring(body)  # noqa: S314  guarded above
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise _BrokenXmlError from error


def _from_xml(wire_type: int, root: ET.Element) -> Native:
    if root.tag == "sysmsg":
        return _system(root)
    if root.tag == "revokemsg":
        return _revoked(root)
    app = root if root.tag == "appmsg" else root.find(".//appmsg")
    if app is not None:
        return _app(wire_type, app)
    place = root if root.tag == "location" else root.find("location")
    if place is not None:
        return _location(place)
    for element in root:
        if element.tag in _BY_ELEMENT:
            return Native(_BY_ELEMENT[element.tag])
    if wire_type in (UNKNOWN, GROUP_NOTE, RECALLED, TEXT):
        return Native(MessageKind.UNKNOWN)  # only the XML could have told
    return Native(_BY_NUMBER.get(wire_type, MessageKind.UNKNOWN))


def _system(root: ET.Element) -> Native:
    match root.get("type"):
        case "revokemsg":
            return _revoked(root)
        case "pat":
            return Native(MessageKind.PAT)
        case "roomtoolstips":
            return Native(MessageKind.TODO, _text(root, ".//todo/title"))
        case _:
            words = " ".join("".join(root.itertext()).split())
            return Native(MessageKind.THROTTLED if _THROTTLED.search(words) else MessageKind.SYSTEM, words)


def _revoked(root: ET.Element) -> Native:
    # newmsgid is what puppets use as the message id; msgid counts within one client and is often 0 or 1.
    recalled = _text(root, ".//newmsgid") or _text(root, ".//msgid")
    return Native(MessageKind.RECALL, recalls=recalled if recalled != "0" else None)


def _app(wire_type: int, app: ET.Element) -> Native:
    title, url = _raw_text(app, "title"), _text(app, "url")
    app_type = _text(app, "type")
    if app_type == "53":
        starter, rows = _solitaire(app.findtext("extinfo/solitaire_info") or "")
        return Native(MessageKind.CHAIN, title, chain=rows, starter=starter)
    if app_type == "57":
        return _quote(title, app.find("refermsg"))
    if "addchatroombyinvite" in url or title.strip().startswith(_INVITE_TITLES):
        return Native(MessageKind.INVITE, _text(app, "des") or title.strip(), url=url)
    if app_type == "87":
        return Native(MessageKind.SYSTEM, _text(app, "textannouncement") or title.strip())
    kind = _BY_APP_TYPE.get(app_type) or _BY_NUMBER.get(wire_type, MessageKind.UNKNOWN)
    if kind in (MessageKind.TEXT, MessageKind.RECALL):
        kind = MessageKind.LINK  # an appmsg of a type we do not know: a card of some kind
    if kind in (MessageKind.LINK, MessageKind.MINI_PROGRAM, MessageKind.FILE, MessageKind.CHAIN, MessageKind.FORWARD):
        return Native(kind, title.strip(), url=url)
    return Native(kind)


def _quote(reply: str, quoted: ET.Element | None) -> Native:
    """A native quote, in the text form that most puppets give, so that nlp reads one form."""
    if quoted is None:
        return Native(MessageKind.QUOTE, reply)
    words = _QUOTED_AS.get(_text(quoted, "type"))
    if words is None:
        words = (quoted.findtext("content") or "").strip()
        if _RAW_ROOT.match(words):
            try:
                words = (_parse(words).findtext(".//title") or "").strip()
            except _BrokenXmlError:
                words = ""
    speaker = _text(quoted, "displayname")
    return Native(
        MessageKind.QUOTE, f"「{speaker}：{words}」\n{QUOTE_RULE}\n{reply}", quoted_id=_text(quoted, "svrid") or None
    )


def _location(place: ET.Element) -> Native:
    label = (place.get("label") or "").strip()
    name = (place.get("poiname") or "").strip()
    if name in ("", "[位置]") or name in label:
        return Native(MessageKind.LOCATION, label)
    return Native(MessageKind.LOCATION, f"{name} {label}".strip())


def _solitaire(solitaire: str) -> tuple[str | None, tuple[ChainRow, ...]]:
    """Who started a native 接龙 (`<au>`) and its rows, an XML document inside the XML; what cannot be read of it is
    left out."""
    if not solitaire.strip():
        return None, ()
    try:
        root = _parse(solitaire)
    except _BrokenXmlError:
        return None, ()
    rows = []
    for item in root.iterfind("content/i"):
        author, place = _text(item, "u"), _RANGE.fullmatch(item.findtext("r") or "")
        if author and place:
            rows.append(ChainRow(author, _moment(_text(item, "t")), int(place[1]), int(place[2])))
    return _text(root, "au") or None, tuple(rows)


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if int(seconds) > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _raw_text(element: ET.Element, path: str) -> str:
    """The text as it stands: a chain's ranges count from its first character."""
    return element.findtext(path) or ""


def _text(element: ET.Element, path: str) -> str:
    return _raw_text(element, path).strip()
