"""Which of our accounts answers in which group: how many one may have, and who takes over when one dies or is removed.

Residents never hear of it. Those who answer for the groups do: by a leader room that is still heard, else in private
through an account that lives.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.context import LEADERS, Context, Effects
from handlers.texts import rooms as texts
from storage import accounts, notices, outbox, people, presence, rooms, standbys
from storage.accounts import LOGGED_OUT, NO_LINK, Account
from storage.model import Person, Role, Room, RoomState
from storage.presence import Marks
from storage.standbys import Standby

STAFF = (Role.COMMUNITY, Role.GRID_WORKER)
LOGGED_OUT_FOR = timedelta(minutes=1)  # who logs in again meanwhile was never away
AT_ONCE = 25  # rooms that change hands in one transaction


# ---------------------------------------------------------------- how many
async def full(ctx: Context, room: Room, code: str) -> bool:
    """Whether the account of `room` answers in as many groups as it may; if so the speaker and staff know."""
    most = ctx.policy.rooms_of(room.account)
    if (await standbys.load(ctx.tx, room.account)).assigned < most:
        return False
    await ctx.audit_message("account_full", room=room.id, most=most)
    await ctx.reply(texts.account_full(room.account, most))
    day = ctx.now.astimezone(ctx.policy.timezone).date()
    line = texts.account_full_told(room.account, most, room.topic)
    await ctx.tell_leaders(code, line, key=f"full:{room.account}:{room.id}:{day}", roles=STAFF)
    return True


async def crowded(ctx: Context) -> bool:
    """Whether the account is in as many groups as it may be; if so who invited it knows."""
    account = ctx.message.account
    most = ctx.policy.joined_of(account)
    if (await standbys.load(ctx.tx, account)).joined < most:
        return False
    day = ctx.now.astimezone(ctx.policy.timezone).date()
    person = await ctx.person()
    await ctx.tell(person, texts.invite_full(account, most), key=f"crowded:{account}:{person.id}:{day}")
    return True


# ---------------------------------------------------------------- who takes over
async def take_over(effects: Effects, room: Room, to: Standby, *, stays: bool) -> Room:
    """`to` answers in the room from now on; what was said until now was for the other one."""
    taken = await _hand_over(effects, room, to, stays=stays, heard_until=None)
    await _know_alike(effects, [(room, taken)])
    return taken


async def _hand_over(effects: Effects, room: Room, to: Standby, *, stays: bool, heard_until: datetime | None) -> Room:
    taken = await rooms.hand_over(effects.tx, room, to, at=effects.now, stays=stays, heard_until=heard_until)
    await effects.audit("room_reassigned", actor=None, before=room.account, after=to.account, room=room.id)
    return taken


async def _know_alike(effects: Effects, handed_over: list[tuple[Room, Room]]) -> None:
    """Two accounts that know a group by one id know people by one id, too: whoever is known to the one is known to the
    other, and so is what they wished not to be kept."""
    for before, after in {(old.account, new.account) for old, new in handed_over if old.im_id == new.im_id}:
        await people.known_alike(effects.tx, before, after)


async def removed(ctx: Context, room: Room) -> Room | None:
    """The account was removed from a group in which it answers: who stands by takes over, and those who answer for the
    group know. None where nobody stands by."""
    if room.state is not RoomState.ENABLED:
        return None
    able = await standbys.able(ctx.tx, room.id)
    if not able:
        return None
    taken = await take_over(ctx, room, able[0], stays=False)
    line = texts.gone_but_heard(room.topic, taken.account)
    await ctx.tell_leaders(room.grid, line, key=f"gone:{ctx.message.account}:{ctx.message.id}")
    return taken


# ---------------------------------------------------------------- by the clock
async def watch(effects: Effects) -> bool:
    """Accounts that died or came back since the last look, by what is on record of their links."""
    watched = await presence.watched_since(effects.tx, effects.now)
    known = await accounts.every(effects.tx)
    for name, marks in (await presence.marks(effects.tx)).items():
        account = known.get(name)
        if account is None or marks.listened is None:
            continue
        if account.dead_at is None:
            since = max(marks.listened, watched)
            why = ""
            if marks.logged_out is not None and marks.logged_out > marks.listened:
                why = LOGGED_OUT if marks.logged_out + LOGGED_OUT_FOR <= effects.now else ""
            elif since + effects.policy.account_dead_for <= effects.now:
                why = NO_LINK
            if why and await accounts.die(effects.tx, name, effects.now, why):
                await effects.audit("account_died", actor=None, of=name, why=why)
        elif account.dead_why in (LOGGED_OUT, NO_LINK) and marks.listened > account.dead_at:
            await accounts.revive(effects.tx, name)
            await effects.audit("account_revived", actor=None, of=name)
    return False


async def hand_over(effects: Effects) -> bool:
    """Groups of dead accounts go to who stands by there; True while there may be more."""
    ids = await standbys.to_hand_over(effects.tx, AT_ONCE)
    marks, known = (await presence.marks(effects.tx), await accounts.every(effects.tx)) if ids else ({}, {})
    handed_over = []
    for room_id in ids:
        room, able = await rooms.get(effects.tx, room_id), await standbys.able(effects.tx, room_id)
        if room is not None and able:
            heard_until = _heard_until(known.get(room.account), marks.get(room.account))
            taken = await _hand_over(effects, room, able[0], stays=True, heard_until=heard_until)
            handed_over.append((room, taken))
    await _know_alike(effects, handed_over)
    if len(ids) == AT_ONCE:
        return True
    await notices.strand(effects.tx)
    return False


def _heard_until(account: Account | None, marks: Marks | None) -> datetime | None:
    """The last moment at which a dead account heard what was said; None where it may do so still."""
    if account is None or marks is None or account.dead_why not in (LOGGED_OUT, NO_LINK):
        return None
    return marks.logged_out if account.dead_why == LOGGED_OUT else marks.listened


async def tell(effects: Effects) -> bool:
    """Once, those who answer for the groups of an account that died, and again when it is back."""
    known = await accounts.every(effects.tx)
    for name, marks in (await presence.marks(effects.tx)).items():
        account = known.get(name)
        if account is None:
            continue
        if account.dead_at is not None and marks.told != account.dead_at:
            await _told_dead(effects, account)
            await presence.told(effects.tx, name, account.dead_at)
        elif account.dead_at is None and marks.told is not None:
            await _told_back(effects, account, marks.told)
            await presence.told(effects.tx, name, None)
    return False


async def _told_dead(effects: Effects, account: Account) -> None:
    assert account.dead_at is not None  # noqa: S101
    mute = await _answered_by(effects, account)
    moved = await rooms.those(effects.tx, standbys.left_by(account.name, account.dead_at))

    def line(about: list[Room]) -> str:
        topics = [room.topic for room in about if room.account == account.name]
        return texts.account_dead(account.name, topics, len(about) - len(topics))

    key = _key(account.name, account.dead_at)
    for target, about in (await _their_people(effects, mute + moved)).items():
        await _say(effects, target, line(about), f"{key}:{_label(target)}")


async def _told_back(effects: Effects, account: Account, told: datetime) -> None:
    """Whom the bad news has not reached yet gets neither."""

    def line(about: list[Room]) -> str:
        return texts.account_back(account.name, [room.topic for room in about])

    key = _key(account.name, told)
    for target, about in (await _their_people(effects, await _answered_by(effects, account))).items():
        if not await outbox.drop(effects.tx, f"{key}:{_label(target)}"):
            await _say(effects, target, line(about), f"back:{key}:{_label(target)}")


def _key(name: str, died_at: datetime) -> str:
    return f"dead:{name}:{died_at:%m%d%H%M%S}"


async def _answered_by(effects: Effects, account: Account) -> list[Room]:
    return [room for room in await rooms.every(effects.tx, [account.name]) if room.state is RoomState.ENABLED]


async def _their_people(effects: Effects, about: list[Room]) -> dict[Room | Person, list[Room]]:
    """Who answers for these rooms: a leader room that is heard or, where there is none, each leader; with what theirs
    are."""
    found: dict[Room | Person, list[Room]] = {}
    for room in about:
        if room.grid is None:
            continue
        office = await rooms.leader_room(effects.tx, room.grid)
        leaders = await people.with_role(effects.tx, LEADERS, room.grid) if office is None else ()
        for target in leaders if office is None else (office,):
            found.setdefault(target, []).append(room)
    return found


def _label(target: Room | Person) -> str:
    return f"room{target.id}" if isinstance(target, Room) else str(target.id)


async def _say(effects: Effects, target: Room | Person, line: str, key: str) -> None:
    if isinstance(target, Person):
        await effects.tell(target, line, key=key, by_day=True)
    else:
        await effects.direct(target.account, target.im_id, line, key=key, room_id=target.id)
