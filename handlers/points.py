"""积分 兑换 冲正: points of volunteers, where the community gives any. Everybody sees their own and nobody else's;
there is no list by points anywhere. The ledger only grows.
"""

from __future__ import annotations

from handlers import rights
from handlers.commands import Command, Name
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import worklog as texts
from nlp.contact import mask
from storage import people, points
from storage.model import Person
from storage.points import PointAction, PointEntry

LATEST = 5
_SHORTEST = 2  # characters by which the end of a nick is known


def only_talk(ctx: Context, command: Command) -> bool:
    """Whether a line like `积分` or `兑换 …` means nothing here."""
    named = command.name in (Name.POINTS, Name.REDEEM, Name.REVERSE)
    return named and ctx.policy.points is None and not command.explicit


async def earn(ctx: Context, person_id: int, action: PointAction, item: str, grid: str | None) -> None:
    """Somebody did something for which the rules of the configuration give points; counted once."""
    worth = (ctx.policy.points or {}).get(action, 0)
    if not worth:
        return
    got = await points.earn(ctx.tx, person_id, action, item, worth, grid=grid or "", at=ctx.now)
    if got is not None:
        await ctx.audit_message("points_earned", item=item, person=person_id, entry=got.number)


async def take_back(ctx: Context, person_id: int, action: PointAction, item: str) -> None:
    """It was not done after all. What has been exchanged already stays exchanged."""
    got = await points.standing(ctx.tx, person_id, action, item)
    if got is None:
        return
    against = await points.correct(ctx.tx, got.number, "", by_id=(await ctx.person()).id, at=ctx.now)
    if against is not None:
        await ctx.audit_message("points_corrected", item=item, entry=got.number)


async def own(ctx: Context, _command: Command) -> str:
    """`积分`: one's own, in private only."""
    if ctx.policy.points is None:
        await ctx.reply(texts.POINTS_OFF)
        return "command"
    if ctx.room is not None:
        await ctx.reply(texts.POINTS_IN_PRIVATE)
        return "command"
    person = ctx.actor
    every = await points.of_person(ctx.tx, person.id) if person is not None else []
    if person is None or not every:
        await ctx.reply(texts.NO_POINTS)
        return "command"
    lines = [_line(ctx, one) for one in reversed(every[-LATEST:])]
    total = await points.balance(ctx.tx, person.id)
    key = f"points:{person.id}:{ctx.message.account}:{ctx.message.id}"
    await ctx.reply(texts.balance(total, lines), key=key)
    return "command"


async def redeem(ctx: Context, command: Command) -> str:
    """`兑换 李姐 20 毛巾`, by staff for somebody of their own grids; never below zero."""
    if ctx.policy.points is None:
        await ctx.reply(texts.POINTS_OFF)
        return "command"
    if not (command.code and command.count and command.text):
        await ctx.reply(texts.REDEEM_HOW)
        return "command"
    fitting = await _named(ctx, command.code)
    if len(fitting) != 1:
        typed = mask(command.code)
        await ctx.reply(texts.several_named(typed, len(fitting)) if fitting else texts.nobody_named(typed))
        return "command"
    ((holder, account),) = fitting.items()
    person, staff = await people.get(ctx.tx, holder), await ctx.person()
    grid = (command.right or "").partition(":")[2]
    what = command.text[: texts.LONGEST]
    spent = await points.redeem(ctx.tx, account, command.count, what, grid=grid, by_id=staff.id, at=ctx.now)
    left = await points.balance(ctx.tx, holder)
    if person is None or spent is None:
        line = texts.too_few(mask(command.code), left, command.count)
        await ctx.reply(texts.NOT_DONE if ctx.group is not None else line, key=_key(ctx, holder))
        return "command"
    entry = _id(spent)
    await ctx.audit_message("points_redeemed", right=command.right, item=entry, person=holder, points=command.count)
    line = texts.redeemed(entry, mask(command.code), command.count, what, left)
    await ctx.reply(texts.redeemed_in_group(entry) if ctx.group is not None else line, key=_key(ctx, holder))
    if holder != staff.id:
        line = texts.told_redeemed(command.count, what, left)
        await ctx.tell(person, line, key=f"points:{holder}:{entry}", by_day=True)
    return "command"


async def reverse(ctx: Context, command: Command) -> str:
    """`冲正 P7 <理由>`, by staff: an entry against it."""
    if ctx.policy.points is None:
        await ctx.reply(texts.POINTS_OFF)
        return "command"
    if command.item is None or not command.text:
        await ctx.reply(texts.CORRECT_HOW)
        return "command"
    entry = await points.get(ctx.tx, command.item)
    if entry is None or rights.allowed(ctx.actor, Right.POINTS, entry.grid) is None:
        await ctx.reply(texts.no_such_entry(f"P{command.item}"))
        return "command"
    staff, why = await ctx.person(), command.text[: texts.LONGEST]
    against = await points.correct(ctx.tx, entry.number, why, by_id=staff.id, at=ctx.now)
    if against is None:
        await ctx.reply(texts.not_corrected(_id(entry)))
        return "command"
    await ctx.audit_message("points_corrected", right=command.right, item=_id(entry), entry=against.number)
    await ctx.reply(texts.corrected(_id(entry), _id(against)))
    person = await people.get(ctx.tx, entry.person_id) if entry.person_id is not None else None
    if person is not None and person.id != staff.id:
        line = texts.told_corrected(against.delta, await points.balance(ctx.tx, person.id))
        await ctx.tell(person, line, key=f"points:{person.id}:{_id(against)}", by_day=True)
    return "command"


async def kept(ctx: Context, person: Person) -> int | None:
    """Somebody's balance; None for somebody who never had points."""
    return await points.balance(ctx.tx, person.id) if await points.of_person(ctx.tx, person.id) else None


async def erase(ctx: Context, person: Person) -> None:
    """The ledger stays as it is; whose it was nobody knows any more."""
    await points.forget(ctx.tx, person.id)


async def _named(ctx: Context, name: str) -> dict[int, int]:
    """Those who earned points in the grids of the speaker and are called so: their account by person."""
    scopes = [grant.scope for grant in (await ctx.person()).grants if Right.POINTS in rights.TABLE[grant.role]]
    holders = await points.holders(ctx.tx, scopes)
    known = await people.many(ctx.tx, holders)
    exact = [person.id for person in known if name in (person.name, *(alias.nick for alias in person.aliases))]
    near = [
        person.id
        for person in known
        if len(name) >= _SHORTEST and any(alias.nick.endswith(name) for alias in person.aliases)
    ]
    return {person_id: holders[person_id] for person_id in exact or near}


def _line(ctx: Context, one: PointEntry) -> str:
    day = f"{one.at.astimezone(ctx.policy.timezone):%m-%d}"
    return texts.point_line(day, one.delta, one.action, one.item or one.note)


def _id(entry: PointEntry) -> str:
    return f"P{entry.number}"


def _key(ctx: Context, holder: int) -> str:
    """By which every line about somebody's points is found again."""
    return f"points:{holder}:{ctx.message.account}:{ctx.message.id}"
