"""Templates of notices: words that are approved once, with fields for what is new each time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handlers.commands import Command
from handlers.context import Context
from handlers.template_fields import FIELD, fields, values
from handlers.texts import notices as texts

_BEGINS = re.compile(r"模板(?:[\s,，、:：]*(.+))?", re.DOTALL)


async def show(ctx: Context, command: Command) -> str:
    """`模板` lists them with their fields, `模板 停水` shows one."""
    templates = ctx.policy.notice_templates
    typed = command.text.strip()
    name = _known(templates, typed) or typed
    if not templates:
        await ctx.reply(texts.NO_TEMPLATES)
    elif name in templates:
        await ctx.reply(texts.template(name, templates[name], fields(templates[name])))
    elif name:
        await ctx.reply(texts.no_such_template(name, list(templates)))
    else:
        await ctx.reply(texts.templates({each: fields(text) for each, text in templates.items()}))
    return "command"


_APART = " \t\n,，、:：\u3000"


def _known(templates: Mapping[str, str], words: str) -> str:
    """The template whose name the words begin with, the longest; empty where there is none."""
    return max((each for each in templates if words.startswith(each)), key=len, default="")


def filled(templates: Mapping[str, str], words: str) -> tuple[str, str]:
    """The text of a notice and what is wrong with it, one of which is empty. Words that name no template are the text,
    as they are; `模板 停水 时间=明天9点；范围=3栋` is that template with its fields filled in."""
    begins = _BEGINS.fullmatch(words)
    if begins is None:
        return words, ""
    rest = begins[1] or ""
    name = _known(templates, rest)
    if not name and rest and words[2:3] not in _APART:
        return words, ""  # 模板支架…: a word of the text
    if not templates:
        return "", texts.NO_TEMPLATES
    if not name:
        return "", texts.no_such_template(rest.split()[0] if rest.split() else "", list(templates))
    wanted = fields(templates[name])
    said, wrong = values(rest[len(name) :], wanted)
    unknown = [field for field in said if field not in wanted]
    missing = [field for field in wanted if not said.get(field)]
    if wrong:
        return "", texts.template_words(name, wrong, wanted)
    if unknown:
        return "", texts.template_unknown(name, unknown, wanted)
    if missing:
        return "", texts.template_missing(name, missing)
    return FIELD.sub(lambda field: said[field[1]], templates[name]), ""
