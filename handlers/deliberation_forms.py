"""How 议题 议事 投票 纪要 are written: what is typed behind the word → `Command`, pure."""

from __future__ import annotations

import re

from handlers import forms
from handlers.forms import SEP, TEXT, Command, Rest
from handlers.hearing import SEPARATORS
from handlers.texts.deliberation import POLL_LONGEST

_ASKS_FOR_LIST = re.compile(r"(?:有哪些|有什么|列表|清单|名单)[?。!]*")
_ENTITLED = re.compile(rf"{SEP}*(?:共|应参与|应到)\s?([1-9][0-9]{{0,5}})\s?([户人])[\s。.!~]*$")
_CHOICE = re.compile(rf"{SEP}*([1-9][0-9]?)\s?[号项]?[\s。.!~]*")
_NUMBERED = re.compile(r"^\s*(?:[(（]?[1-9][0-9]?\s?[.．、:：)）]|[A-Ia-i]\s?[.．、:：)）])\s*")
_ENDS_TITLE = "?？:：!！ \t\u3000"


def topic(rest: Rest) -> Command | None:
    """`议题 停车位紧张`; `议题`, `议题 有哪些` ask for the list."""
    match = TEXT.fullmatch(rest.folded)
    if match is None:
        return forms.alone(rest)
    if _ASKS_FOR_LIST.fullmatch(match[1].strip()):
        return Command(rest.name, explicit=rest.explicit)
    return Command(rest.name, text=" ".join(rest.as_typed(match).split()), explicit=rest.explicit)


def poll(rest: Rest) -> Command | None:
    """`议事 装不装道闸 装/不装 [共86户]`, or an option a line. `text` is the title, `remark` the options, one a line,
    `code` how many may vote, as it was typed: 86户. Without options only what is said to the bot is one, and lacks
    them."""
    match = TEXT.fullmatch(rest.folded)
    if match is None:
        return forms.alone(rest) if rest.explicit else None
    folded, typed = rest.folded[match.start(1) :], rest.typed[match.start(1) :]
    entitled = _ENTITLED.search(folded)
    code = f"{entitled[1]}{entitled[2]}" if entitled is not None else ""
    if entitled is not None:
        typed = typed[: entitled.start()]
    title, options = _options(typed)
    if not options and not rest.explicit:
        return None
    return Command(rest.name, text=title, remark="\n".join(options), code=code, explicit=rest.explicit)


def _options(typed: str) -> tuple[str, list[str]]:
    """Title and options: parted by `/`, the first one behind the title's last blank or question mark; or one a line."""
    first, _, more = typed.partition("\n")
    if more.strip() and "/" not in first and "／" not in first:
        lines = [line.strip(SEPARATORS) for line in more.splitlines() if line.strip(SEPARATORS)]
        counted = all(re.match(rf"{at}\s", line) for at, line in enumerate(lines, 1))  # 1 装, without a sign behind
        number = re.compile(r"\d+\s+") if counted else _NUMBERED
        options = [number.sub("", line, count=1).strip(SEPARATORS) for line in lines]
        return first.strip(SEPARATORS), [option for option in options if option]
    flat = " ".join(typed.replace("／", "/").split())
    flat = re.sub(r"\s?/\s?", "/", flat)
    head, slash, tail = flat.partition("/")
    if not slash:
        return flat, []
    cut = max(head.rfind(sign) for sign in _ENDS_TITLE) + 1
    if not cut and " " in flat:  # 3/4号楼装不装灯 装/不装: the title has one, too
        start, _, end = flat.rpartition(" ")
        if "/" in end:
            head, _, tail = end.partition("/")
            head, cut = f"{start} {head}", len(start) + 1
    title, option = (head[:cut].rstrip(":： "), head[cut:]) if cut else ("", head)
    parts = [_NUMBERED.sub("", part).strip(SEPARATORS + "。.!！") for part in (option, *tail.split("/"))]
    return title.strip(), [part for part in parts if part]


def vote(rest: Rest) -> Command | None:
    """`投票 V2 1`, `投票 V2 同意`, `投票 1`, `投票 同意`. `text` is the option."""
    found = forms.item("V")(rest)
    if found is not None and found.item is not None:
        return found
    match = _CHOICE.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, text=match[1], explicit=rest.explicit)
    said = TEXT.fullmatch(rest.folded)
    if said is not None and (rest.explicit or len(said[1].strip()) <= POLL_LONGEST):
        return Command(rest.name, text=rest.as_typed(said), explicit=rest.explicit)
    return found


def minutes(rest: Rest) -> Command | None:
    """`纪要 V2 <文字>`, `纪要 <文字>`, over several lines."""
    found = forms.item("V")(rest)
    if found is not None and found.item is not None:
        return found
    match = TEXT.fullmatch(rest.folded)
    return Command(rest.name, text=rest.as_typed(match), explicit=rest.explicit) if match is not None else found
