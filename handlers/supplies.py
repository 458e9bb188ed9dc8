"""物资 in 急时: who needs what, who has it, what was handed over.

Needs and offers of one thing in one community are matched, the nearest first. The leader brings both sides together;
in public there are buildings and amounts, no names and no phone numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers import appeals, matching, mode, rights
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.supply_forms import NEED
from handlers.texts import supplies as texts
from nlp import goods, location
from nlp.contact import mask
from nlp.decision import Label, Urgency
from nlp.normalize import normalise
from storage import modes, outbox, people, supplies
from storage.model import COMMUNITY_DIGITS, Person
from storage.supplies import Handover, Supply, SupplyKind, SupplyState

MOST_LINES = 8
_OTHER = {SupplyKind.NEED: SupplyKind.OFFER, SupplyKind.OFFER: SupplyKind.NEED}


async def manage(ctx: Context, command: Command) -> str:
    """`物资 求 米 2袋`, `物资 供 …`, `物资`."""
    grid = await urgent_grid(ctx, only_look=not command.code)
    if grid is None:
        return "command"
    if not command.code:
        await ctx.reply(await _list(ctx, grid))
        return "command"
    request = goods.read(command.text)
    if not request.goods:
        await ctx.reply(texts.HOW)
        return "command"
    kind = SupplyKind.NEED if command.code == NEED else SupplyKind.OFFER
    person = await ctx.person()
    known = {
        (supply.kind, supply.thing): supply
        for supply in await supplies.of_person(ctx.tx, person.id)
        if supply.state is SupplyState.OPEN
    }
    fresh: list[Supply] = []
    reworded: list[Supply] = []
    where = location.locate(normalise(command.text), ctx.message.nick).building
    for item in request.goods:
        earlier = known.get((kind, item.thing))
        if earlier is not None:
            await supplies.reword(ctx.tx, earlier.number, item.amount, item.unit, request.note)
            reworded += [found] if (found := await supplies.get(ctx.tx, earlier.number)) is not None else []
            continue
        supply = await supplies.register(
            ctx.tx,
            kind=kind,
            grid=grid,
            room_id=matching.room_id(ctx),
            person_id=person.id,
            thing=item.thing,
            amount=item.amount,
            unit=item.unit,
            building=where,
            note=request.note,
            account=ctx.message.account,
            message_id=ctx.message.id,
            at=ctx.now,
        )
        await ctx.audit_message("supply", item=supply.id, kind=kind.value)
        fresh.append(supply)
    found_at = [place for supply in (*fresh, *reworded) for place in await match(ctx, supply)]
    for supply in fresh:
        if not await supplies.handovers_of(ctx.tx, supply.number):
            line = texts.told_registered(heading(supply), supply.id, mask(ctx.message.nick), request.note)
            await ctx.tell_leaders(grid, line, key=f"supply:{supply.id}:new")
    decision = ctx.judge(command.text).best
    if decision.label is Label.TICKET and decision.urgency is Urgency.EMERGENCY:
        await appeals.take(ctx, decision, [])  # who asks for a pump because somebody is trapped says both
    if fresh:
        await ctx.reply(texts.registered([heading(supply) for supply in fresh], found_at[0] if found_at else ""))
    else:
        await ctx.reply(texts.changed([heading(supply) for supply in reworded]))
    return "command"


async def complete(ctx: Context, command: Command) -> str:
    """`完成 W3 [2袋]`, by whoever asked, whoever gave, or a leader: it was handed over, all of it or so much."""
    supply = await _named(ctx, command)
    if supply is None:
        return "command"
    pending = [each for each in await supplies.handovers_of(ctx.tx, supply.number) if each.done_at is None]
    if not await _concerns(ctx, supply, pending):
        await ctx.reply(texts.not_yours(supply.id))
        return "command"
    if supply.state is not SupplyState.OPEN:
        await ctx.reply(texts.over(supply.id, supply.state))
        return "command"
    person = await ctx.person()
    said = goods.amount(command.text)
    given = said[0] if said is not None and said[1] == supply.unit else None
    for each in pending:
        amount = given if given is not None and len(pending) == 1 else each.amount
        await supplies.hand_over(ctx.tx, each.id, amount, person_id=person.id, at=ctx.now)
        if each.amount is not None and amount is not None and amount < each.amount and each.need and each.offer:
            await supplies.propose(ctx.tx, each.need, each.offer, each.amount - amount, ctx.now)
    if not pending:
        await supplies.handed_over(ctx.tx, supply, given or supply.left, person_id=person.id, at=ctx.now)
    await ctx.audit_message("handed_over", item=supply.id)
    now = await supplies.get(ctx.tx, supply.number) or supply
    short = given is not None and now.amount is not None and now.handed < now.amount
    if short:
        left = f"{(now.amount or 0) - now.handed}{now.unit}"
        await ctx.reply(texts.handed_over_part(supply.id, f"{given}{now.unit}", left))
    else:
        await supplies.close(ctx.tx, supply.number, SupplyState.DONE, ctx.now)
        await ctx.reply(texts.handed_over(heading(supply)))
    for each in pending:
        await _settle(ctx, each.offer if supply.kind is SupplyKind.NEED else each.need)
    if not _leads(ctx, supply.grid):
        part = f"{given}{supply.unit}" if short else ""
        line = texts.told_handed_over(heading(supply), mask(ctx.message.nick), part)
        await ctx.tell_leaders(supply.grid, line, key=f"supply:{supply.id}:done:{ctx.message.id}")
    return "command"


async def withdraw(ctx: Context, command: Command) -> str:
    """`撤回 W3`, by whoever registered it."""
    supply = await _named(ctx, command)
    if supply is None:
        return "command"
    if ctx.actor is None or supply.person_id != ctx.actor.id:
        await ctx.reply(texts.not_yours(supply.id))
    elif supply.state is not SupplyState.OPEN:
        await ctx.reply(texts.over(supply.id, supply.state))
    else:
        await _take_back(ctx, supply, heading(supply))
        await ctx.reply(texts.withdrawn(supply.id))
    return "command"


async def query(ctx: Context, command: Command) -> str:
    """`查询 W3`."""
    supply = await _named(ctx, command)
    if supply is not None:
        others = await _matched(ctx, supply)
        await ctx.reply(texts.state(heading(supply), supply.state, others))
    return "command"


async def recalled(ctx: Context, message_id: str) -> bool:
    """The message that registered something was taken back; whether it was one."""
    found = await supplies.by_message(ctx.tx, ctx.message.account, message_id)
    await _unsay(ctx, found)
    for supply in found:
        if supply.state is SupplyState.OPEN:
            await _take_back(ctx, supply, supply.id)
    if found:
        await supplies.forget_words(ctx.tx, [supply.number for supply in found])
    return bool(found)


async def erase(ctx: Context, person: Person) -> None:
    """Take a person out of needs, offers and check-ins, and out of the lines about them."""
    await _unsay(ctx, await supplies.of_person(ctx.tx, person.id))
    await outbox.unsay(ctx.tx, (f"help:{person.id}:",), "")
    await supplies.forget(ctx.tx, person.id, ctx.now)


async def urgent_grid(ctx: Context, *, only_look: bool = False) -> str | None:
    """The grid that is spoken of, while it is in 急时; None after saying that it is not, or that nobody knows which.
    `only_look`: also where only a part of it is."""
    grid = (_leading(ctx) if ctx.room is None else None) or await appeals.grid_of(ctx)
    if grid is None:
        await ctx.reply(texts.NOWHERE)
    elif not await urgent(ctx, grid):
        parts = await _urgent_within(ctx, grid)
        leads = _leads(ctx, grid)
        if parts and only_look and (leads or ctx.room is not None):
            return grid
        here = parts if ctx.room is None and not leads else []
        if len(here) == 1:
            return here[0]  # in private nobody knows better where they live
        await ctx.reply(texts.NOWHERE if here else texts.ONLY_IN_URGENT)
        return None
    return grid


async def urgent(ctx: Context, grid: str) -> bool:
    """Whether the grid is in 急时."""
    policy = ctx.policy if grid == ctx.grid else await mode.policy(ctx.tx, ctx.policy, grid, ctx.now)
    return policy.urgent_since is not None


async def urgent_near(ctx: Context, grid: str) -> bool:
    """Whether the grid is in 急时, or in private, where nobody knows it exactly, a part of it."""
    return await urgent(ctx, grid) or (ctx.room is None and bool(grid) and bool(await _urgent_within(ctx, grid)))


async def _urgent_within(ctx: Context, grid: str) -> list[str]:
    """The scopes within a grid that are in 急时."""
    return [
        one.scope for one in await modes.in_force(ctx.tx) if one.scope.startswith(grid) and ctx.now < one.expires_at
    ]


async def match(ctx: Context, supply: Supply) -> list[str]:
    """Propose what fits: the nearest first, until the need is met. The leader hears of it, and the other side in
    private. Returns where it is, in words for the public."""
    places: list[str] = []
    others = await supplies.of_thing(ctx.tx, supply.grid[:COMMUNITY_DIGITS], _OTHER[supply.kind], supply.thing)
    others = [other for other in others if other.person_id != supply.person_id]
    for other in sorted(others, key=lambda one: (-_near(one, supply), one.number)):
        now = await supplies.get(ctx.tx, supply.number) or supply
        need, offer = (now, other) if supply.kind is SupplyKind.NEED else (other, now)
        pairs = await supplies.handovers_of(ctx.tx, need.number)
        if await _met(ctx, now):
            break
        if await _met(ctx, other) or any(pair.offer == offer.number for pair in pairs):
            continue
        amount = None
        if need.unit == offer.unit and need.left is not None and offer.left is not None:
            amount = min(need.left, offer.left)
        await supplies.propose(ctx.tx, need.number, offer.number, amount, ctx.now)
        await ctx.audit_message("supply_matched", item=need.id, offer=offer.id)
        needs, offers = await _who(ctx, need), await _who(ctx, offer)
        line = texts.told_matched(heading(need), needs, heading(offer), offers, need.id)
        key = f"supply:{need.id}:{offer.id}"
        await ctx.tell_leaders(need.grid, line, key=key)
        if offer.grid != need.grid:
            await ctx.tell_leaders(offer.grid, line, key=key)
        told = await people.get(ctx.tx, other.person_id) if other.person_id is not None else None
        if told is not None:
            needed = other.kind is SupplyKind.OFFER
            private = texts.told_party(heading(other), texts.building(supply.building), needed=needed)
            await ctx.tell(told, private, key=f"{key}:told")
        places.append(texts.building(other.building) or "小区里")
    return places


def heading(supply: Supply) -> str:
    """`W3 求 米2袋（3栋）`."""
    what = texts.goods(supply.kind, supply.thing, supply.amount, supply.unit)
    return texts.heading(supply.id, what, texts.building(supply.building))


async def _met(ctx: Context, supply: Supply) -> bool:
    """Whether nothing more is to be found for it. An offer without an amount goes on as long as it stands."""
    if supply.left is not None and supply.left == 0:
        return True
    pairs = await supplies.handovers_of(ctx.tx, supply.number)
    uncounted = any(pair.amount is None for pair in pairs)
    return uncounted and not (supply.kind is SupplyKind.OFFER and supply.amount is None)


def _near(one: Supply, other: Supply) -> int:
    """How near two are: the same building, the same micro-grid, the same grid."""
    same = next((at for at, (a, b) in enumerate(zip(one.grid, other.grid, strict=False)) if a != b), len(one.grid))
    return same + 10 * (one.grid == other.grid and one.building is not None and one.building == other.building)


async def _settle(ctx: Context, number: int | None) -> None:
    """The other side of a handover: done too, where all of it is."""
    other = await supplies.get(ctx.tx, number) if number is not None else None
    if other is None:
        return
    whole = other.amount is not None and other.handed >= other.amount
    uncounted = any(pair.amount is None for pair in await supplies.handovers_of(ctx.tx, other.number))
    if whole or (uncounted and (other.kind is SupplyKind.NEED or other.amount is not None)):
        await supplies.close(ctx.tx, other.number, SupplyState.DONE, ctx.now)


async def _take_back(ctx: Context, supply: Supply, called: str) -> None:
    """Whatever was promised for it is free again; the leader hears of it by what it is `called`."""
    pairs = await supplies.handovers_of(ctx.tx, supply.number)
    await supplies.close(ctx.tx, supply.number, SupplyState.WITHDRAWN, ctx.now)
    await ctx.audit_message("supply_withdrawn", item=supply.id)
    await ctx.tell_leaders(supply.grid, texts.told_withdrawn(called), key=f"supply:{supply.id}:back")
    for pair in pairs:
        number = pair.offer if supply.kind is SupplyKind.NEED else pair.need
        other = await supplies.get(ctx.tx, number) if number is not None else None
        if other is not None and other.state is SupplyState.OPEN:
            await match(ctx, other)


async def _named(ctx: Context, command: Command) -> Supply | None:
    assert command.item is not None, "the grammar has it"  # noqa: S101
    supply = await supplies.get(ctx.tx, command.item)
    if supply is None:
        await ctx.reply(texts.no_such(f"W{command.item}"))
    return supply


async def _concerns(ctx: Context, supply: Supply, pending: Sequence[Handover]) -> bool:
    if ctx.actor is None:
        return False
    if ctx.actor.id == supply.person_id or _leads(ctx, supply.grid):
        return True
    numbers = [number for each in pending for number in (each.need, each.offer) if number is not None]
    others = [await supplies.get(ctx.tx, number) for number in numbers]
    return any(other is not None and other.person_id == ctx.actor.id for other in others)


def _leading(ctx: Context) -> str | None:
    """The scope that the speaker leads."""
    grants = ctx.actor.grants if ctx.actor is not None else ()
    return next((grant.scope for grant in grants if grant.role in rights.LEADERS), None)


def _leads(ctx: Context, grid: str) -> bool:
    return ctx.actor is not None and ctx.actor.covers(grid, *rights.LEADERS)


async def _matched(ctx: Context, supply: Supply) -> list[str]:
    pairs = await supplies.handovers_of(ctx.tx, supply.number)
    numbers = [pair.offer if supply.kind is SupplyKind.NEED else pair.need for pair in pairs]
    return [f"W{number}" for number in numbers if number is not None]


async def _who(effects: Effects, supply: Supply) -> str:
    """The nick of who registered it, for the leader."""
    person = await people.get(effects.tx, supply.person_id) if supply.person_id is not None else None
    if person is None:
        return ""
    return next((mask(alias.nick) for alias in person.aliases if alias.nick), person.name)


async def _unsay(ctx: Context, found: Sequence[Supply]) -> None:
    for supply in found:
        for pair in await supplies.handovers_of(ctx.tx, supply.number):
            await outbox.unsay(ctx.tx, (f"supply:W{pair.need}:",), "")
        await outbox.unsay(ctx.tx, (f"supply:{supply.id}:",), "")


async def _list(ctx: Context, grid: str) -> str:
    """For leaders among themselves each with who and what it goes with; for everybody else things and buildings."""
    inside = ctx.group is None
    if inside and _leads(ctx, grid):
        found = await supplies.search(ctx.tx, grid)
        lines = [texts.leader_line(heading(one), await _who(ctx, one), await _matched(ctx, one)) for one in found]
    else:
        found = await supplies.search(ctx.tx, grid[:COMMUNITY_DIGITS])
        by_thing: dict[tuple[SupplyKind, str], list[str]] = {}
        for one in found:
            amount = f"{one.amount}{one.unit}" if one.amount is not None else ""
            place = f"{texts.building(one.building)}{amount}" or texts.SOME
            by_thing.setdefault((one.kind, one.thing), []).append(place)
        lines = [texts.public_line(f"{texts.KIND[kind]} {thing}", places) for (kind, thing), places in by_thing.items()]
    if not found:
        return texts.NOTHING
    needs = sum(one.kind is SupplyKind.NEED for one in found)
    shown = lines if len(lines) < MOST_LINES else lines[: MOST_LINES - 2]
    more = [texts.more(len(lines) - len(shown))] if len(shown) < len(lines) else []
    return "\n".join([texts.counts(needs, len(found) - needs), *shown, *more])
