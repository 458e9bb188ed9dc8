"""What the commands of sign-ups share: which one is meant, who may manage it, who is told what became of a place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from handlers import quiet, rights, signup_forms, texts
from handlers.commands import Command, Name
from handlers.context import Context, Effects
from handlers.rights import Right
from handlers.texts import signups as words
from handlers.texts.commands import USAGE
from nlp.contact import mask
from storage import chains, outbox, people, rooms
from storage import signup_entries as rosters
from storage import signups as rows
from storage.engine import Tx
from storage.model import Person, PostKind, RoomKind
from storage.signup_entries import Entry, Moved
from storage.signups import EntryState, Signup, Source

AT_ONCE = 3  # answers to 报名 in a group within a minute, each by itself
MOST_MERGED = 60  # people whom one line answers
_ASKING = frozenset({Name.SIGN, Name.UNSIGN, Name.ROSTER, Name.ATTEND})


async def only_talk(ctx: Context, command: Command) -> bool:
    """Whether a bare 报名, 签到 … can mean nothing here, so that it is talk."""
    if command.name not in _ASKING or command.explicit or command.item is not None:
        return False
    if ctx.group is None:
        return False
    open_here = await here(ctx)
    return not named_in(command.text, open_here)[1] if command.in_words else not open_here


def named_in(text: str, among: Sequence[Signup]) -> tuple[str, list[Signup]]:
    """The text without the title that it begins with, and whose that may be: 报名包粽子 2人. None where what is left
    is no part of a sign-up."""
    rests = {signup.number: signup_forms.without_title(text, signup.title) for signup in among}
    said = {number: rest for number, rest in rests.items() if rest is not None and signup_forms.party(rest, free=True)}
    if not said:
        return text, []
    shortest = min(said.values(), key=len)
    return shortest, [signup for signup in among if said.get(signup.number) == shortest]


async def here(ctx: Context) -> list[Signup]:
    """The open ones that a command without an id may mean: of the group, else those that the speaker organises, is in
    or leads."""
    if ctx.group is not None:
        return await rows.in_room(ctx.tx, ctx.group.id, ctx.group.grid)
    if ctx.actor is None:
        return []
    scopes = [grant.scope for grant in ctx.actor.grants if Right.ACTIVITY in rights.TABLE[grant.role]]
    found = [
        *await rows.of_organiser(ctx.tx, ctx.actor.id),
        *await rows.of_person(ctx.tx, ctx.actor.id),
        *(await rows.within(ctx.tx, scopes) if scopes else []),
    ]
    return sorted({signup.number: signup for signup in found}.values(), key=lambda signup: signup.number)


async def find(
    ctx: Context, command: Command, among: Sequence[Signup], *, none: str = words.NONE_OPEN
) -> Signup | None:
    """The one that a command names, or the only one of `among`; None after saying so."""
    usage = USAGE[command.name.value]
    if command.item is not None:
        signup = await rows.get(ctx.tx, command.item)
        if signup is None:
            await ctx.reply(words.no_such(f"H{command.item}"))
        return signup
    if len(among) == 1:
        return among[0]
    await ctx.reply(words.several(among, usage.replace("H3", among[0].id)) if among else none)
    return None


async def manages(ctx: Context, signup: Signup) -> str | None:
    """What lets the speaker manage it, for the audit: that they organise it, or a right over its grid, or over one of
    the groups that write its 接龙 together."""
    if ctx.actor is None:
        return None
    if ctx.actor.id == signup.organiser_id:
        return "organiser"
    held = rights.allowed(ctx.actor, Right.ACTIVITY, signup.grid)
    if held is not None or not ctx.actor.grants or signup.origin is not Source.CHAIN:
        return held
    for room_id in await chains.rooms_of(ctx.tx, signup.number):
        room = await rooms.get(ctx.tx, room_id)
        held = held or (rights.allowed(ctx.actor, Right.ACTIVITY, room.grid) if room is not None else None)
    return held


async def denied(ctx: Context, command: Command, signup: Signup) -> str:
    """Somebody without the right: nothing happens, nothing is said, one entry tells of it."""
    await ctx.audit_message("denied", command=command.name.name, item=signup.id)
    return "denied"


def heads(entries: Iterable[Entry], state: EntryState, slot: int | None = None) -> int:
    """How many are in, or wait; of one slot where it is named."""
    return sum(entry.heads for entry in entries if entry.state is state and slot in (None, entry.slot))


def by_name(entries: Iterable[Entry], name: str) -> list[Entry]:
    """The active entries of that name; where none is called exactly so, those that begin with it or end with it."""
    active = [entry for entry in entries if entry.active]
    exact = [entry for entry in active if entry.name == name]
    return exact or [entry for entry in active if entry.name.startswith(name) or entry.name.endswith(name)]


async def signers(tx: Tx, entries: Sequence[Entry]) -> dict[int, str]:
    """Who signed up somebody else, by `seq`."""
    others = {entry.seq: entry.by_id for entry in entries if entry.by_id is not None and entry.by_id != entry.person_id}
    known = {person.id: person.name for person in await people.many(tx, set(others.values()))} if others else {}
    return {seq: known.get(by, "") for seq, by in others.items()}


# --- what is told ---
@dataclass(frozen=True, slots=True)
class Told:
    """What became of one name, for a line that answers many: `who` they signed up, '' for themselves."""

    who: str
    what: words.Outcome
    heads: int


async def answer(ctx: Context, signup: Signup, line: str, told: Sequence[Told]) -> None:
    """Answer a 报名. In a rush the first of a minute are answered at once, all others of the group in one line at the
    full minute, which names each of them (at most so many; then the minute after)."""
    room = ctx.room
    if room is None or room.kind is RoomKind.LEADER or ctx.late:
        await ctx.reply(line)
        return
    minute, beginning = quiet.next_minute(ctx.now), f"signed:{signup.id}:room{room.id}"
    rush = await outbox.spoken(ctx.tx, _merged(beginning, minute - timedelta(minutes=1), 0))
    for number in () if rush else range(AT_ONCE):
        if await ctx.reply(line, key=f"{beginning}:{minute:%Y%m%dT%H%M}:{number}"):
            return
    entries = await rosters.entries(ctx.tx, signup.number)
    head = words.tally(signup, heads(entries, EntryState.CONFIRMED), heads(entries, EntryState.WAITING))
    nick = mask(" ".join(ctx.message.nick.split()))
    hint = words.PHONE_IN_PRIVATE if line.endswith(words.PHONE_IN_PRIVATE) else ""
    for page in count():
        key = _merged(beginning, minute, page)
        queued = await outbox.find_queued(ctx.tx, key)
        if queued is not None and len(queued.mentions) >= MOST_MERGED:
            continue
        text = queued.text if queued is not None else ""
        for each in told:
            text = words.merged(text, head, each.what, nick, each.who, each.heads, hint)
        mentions = tuple(dict.fromkeys((*(queued.mentions if queued is not None else ()), ctx.message.sender)))
        at = minute + page * timedelta(minutes=1)
        if queued is not None and await outbox.reword(ctx.tx, queued.id, text, mentions=mentions):
            return
        if await ctx.post(room, text, PostKind.COMMAND_REPLY, key=key, mentions=mentions, after=at - ctx.now):
            return


def _merged(beginning: str, minute: datetime, page: int) -> str:
    return f"{beginning}:{minute:%Y%m%dT%H%M}:all{page}:"


async def tell_moved(effects: Effects, signup: Signup, moved: Sequence[Moved], said: Collection[int] = ()) -> None:
    """Tell, once each, those whose place changed by what others did. `said`: the entries of whoever spoke now, who are
    answered anyway."""
    others = [move for move in moved if move.after.seq not in said]
    risen = [
        move.after
        for move in others
        if move.after.state is EntryState.CONFIRMED
        and (move.before.state is EntryState.WAITING or move.after.heads > move.before.heads)
    ]
    fallen = [
        move.after
        for move in others
        if move.before.state is EntryState.CONFIRMED and move.after.state is EntryState.WAITING
    ]
    for entry in risen:
        await effects.audit("promoted", actor=None, item=signup.id, entry=entry.seq)
    zone = effects.policy.timezone
    private = {entry.seq: words.promoted(signup, entry.heads, zone) for entry in risen}
    await tell(effects, signup, risen, private, words.promoted_here(signup), key="promoted")
    private = {entry.seq: words.demoted(signup) for entry in fallen}
    await tell(effects, signup, fallen, private, words.demoted(signup), key="demoted")


async def tell(
    effects: Effects, signup: Signup, entries: Sequence[Entry], private: dict[int, str], public: str, *, key: str
) -> None:
    """Reach those who come or who signed them up: in private, else in one line in the group where they signed."""
    there: dict[int, list[tuple[Entry, Person]]] = defaultdict(list)
    for entry in entries:
        person = await _to_tell(effects, entry)
        if person is None:
            continue
        natural = f"{key}:{signup.id}:{entry.seq}:{entry.signed_at:%Y%m%d%H%M%S}:{entry.heads}"
        if reachable(person):
            await effects.tell(person, private[entry.seq], key=natural, by_day=True)
        elif (room_id := entry.room_id or signup.room_id) is not None:
            there[room_id].append((entry, person))
    for room_id, told in there.items():
        room = await rooms.get(effects.tx, room_id)
        if room is None:
            continue
        aliases = [alias for _, person in told for alias in person.aliases if alias.account == room.account]
        line, named = texts.mention_some([mask(alias.nick) for alias in aliases], public)
        of = "-".join(f"{entry.seq}.{entry.signed_at:%m%d%H%M%S}.{entry.heads}" for entry, _ in told)
        mentions = tuple(alias.im_id for alias in aliases[:named])
        natural = f"{key}:{signup.id}:room{room.id}:{of}"
        await effects.post(room, line, PostKind.CALLBACK, key=natural, mentions=mentions)


async def tell_reachable(effects: Effects, signup: Signup, entries: Sequence[Entry], line: str, *, key: str) -> bool:
    """Tell in private, once each, those who can be reached there; whether there are others."""
    told: set[int] = set()
    left = False
    for entry in entries:
        person = await _to_tell(effects, entry)
        if person is None or not reachable(person):
            left = True
        elif person.id not in told:
            told.add(person.id)
            await effects.tell(person, line, key=f"{key}:{signup.id}:{person.id}", by_day=True)
    return left


def reachable(person: Person) -> bool:
    """Whether an account of ours is their friend, so that a private line gets to them."""
    return any(alias.friend for alias in person.aliases)


async def _to_tell(effects: Effects, entry: Entry) -> Person | None:
    of = entry.person_id or entry.by_id
    return await people.get(effects.tx, of) if of is not None else None
