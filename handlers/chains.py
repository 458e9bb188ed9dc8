"""接龙: a list that neighbours write together is a sign-up. Every copy that comes in brings its roster up to date.

The group hears nothing of it but, once, that it is full; those who lead it hear once what was understood, and the
organiser when somebody deletes or rewrites what is others' (it has no effect).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import chain_entries, rights, signup_timers, signups
from handlers.chain_entries import Worked
from handlers.context import Context
from handlers.copies import Incident, Meddling
from handlers.rights import Right
from handlers.texts import chains as texts
from handlers.texts import signups as signup_texts
from nlp import activity, chain, contact, location, quoting, similarity
from nlp.activity import Activity
from nlp.chain import Chain
from storage import chains, people
from storage import signup_entries as rosters
from storage import signups as rows
from storage.chains import Copy, NewLine
from storage.model import Alias, MessageKind, Person, PostKind, Room, RoomKind
from storage.signups import EntryState, NewSignup, Signup, SignupState, Source

WITHIN = timedelta(days=7)  # between two copies of one list of which nobody knows when it is
JUST_NOW = timedelta(hours=12)  # a copy so soon after another is of the same list, even if that is over
ALIKE = 0.6  # of two titles: the same but for a word
LONGEST_TITLE = 600  # WeChat's own is shorter; whoever pastes more tells what it is about at the beginning
MOST_HEADS = 50  # of one row
RELATED = 0.2  # with mostly the same people, a title that was written anew
_CALLED = re.compile(r"(?:报名)?(?:接龙|接龍)$")
_NO_WORD = re.compile(r"[\W_]+")


async def take(ctx: Context) -> str:
    """Take in one copy of a list. Counted under `chain` where it is none that somebody signs up with."""
    room, message = ctx.room, ctx.message
    if room is None or room.kind is not RoomKind.RESIDENT or room.grid is None:
        return "chain"
    text = message.text
    if message.kind is not MessageKind.CHAIN:
        text = quoting.split(text).reply if ctx.analysis.quoted else text
    found = chain.parse(text, message.chain) if chain.is_signup(text) else None
    if found is None:
        return "chain"
    found = replace(found, title=found.title[:LONGEST_TITLE])
    said = activity.read(found.title, message.sent_at.astimezone(ctx.policy.timezone))
    signup = await _known(ctx, room, found, said) or await _elsewhere(ctx, room, found, said)
    if signup is None:
        if not found.title or not (said.title or said.place):
            return "chain"
        signup = await _open(ctx, room, found, said)
    elif signup.state is SignupState.CANCELLED:
        return "chain"
    signup = await _started(ctx, signup)
    await _record(ctx, room, signup, found)
    worked = await chain_entries.work_out(ctx, signup)
    organiser = worked.rosters[room.id].organiser
    guessed = signup.origin is Source.CHAIN and not signup.organiser_named and room.id == signup.room_id
    if guessed and organiser != signup.organiser_id:
        signup = await rows.update(ctx.tx, signup.number, organiser_id=organiser)
    signup = await _retitle(ctx, room, signup, found, said, worked)
    await _say(ctx, room, signup, worked)
    return "signup"


async def recalled(ctx: Context, message_id: str) -> bool:
    """A copy was taken back: the roster is what the others come to. Whether it was one."""
    number = await chains.take_back(ctx.tx, ctx.message.account, message_id)
    signup = await rows.get(ctx.tx, number) if number is not None else None
    if signup is None:
        return False
    worked = await chain_entries.work_out(ctx, signup)
    await ctx.audit_message("chain_recalled", item=signup.id)
    await signups.tell_moved(ctx, signup, worked.moved, worked.new)
    return True


# --- which sign-up it is ---
async def _known(ctx: Context, room: Room, found: Chain, said: Activity) -> Signup | None:
    """The sign-up that a copy belongs to: the title as it was in an earlier copy, else a title that is hardly another
    one, else mostly the same people under a related title."""
    title = chains.digest(ctx.tx, _bare(found.title))
    earlier = {number: (last, titles) for number, last, titles in await chains.in_room(ctx.tx, room.id)}
    nothing: tuple[datetime | None, set[str]] = (None, set())
    lasting = [
        signup
        for signup in await rows.in_room(ctx.tx, room.id, room.grid, open_only=False)
        if _lasts(ctx, signup, earlier.get(signup.number, nothing)[0] or signup.created_at)
    ]
    same = [signup for signup in lasting if found.title and title in earlier.get(signup.number, nothing)[1]]
    if same:
        return same[-1]
    likely: list[tuple[float, Signup]] = []
    for signup in lasting:
        if signup.open:
            copied = signup.number in earlier
            likely.append((await _likeness(ctx, signup, found, said, copied=copied), signup))
    best = max(likely, key=lambda each: (each[0], each[1].number), default=None)
    return best[1] if best is not None and best[0] else None


async def _elsewhere(ctx: Context, room: Room, found: Chain, said: Activity) -> Signup | None:
    """The sign-up of another group that this list is, too: the same words above the rows, sent by whoever started it or
    leads both groups, and either some of its rows or the day on which it is. Without these two it may be each group's
    own cleaning."""
    if not found.title or room.grid is None:
        return None
    words = {chains.digest(ctx.tx, text) for text in _words(found)}
    for number in await chains.titled(ctx.tx, chains.digest(ctx.tx, _bare(found.title)), room.id):
        signup = await rows.get(ctx.tx, number)
        if signup is None or not signup.open or signup.origin is not Source.CHAIN:
            continue
        lines = await chains.lines(ctx.tx, number)
        alike = said.starts is not None or any(line.digest in words for line in lines)
        if alike and _lasts(ctx, signup, signup.created_at) and await _answers_for(ctx, signup, room):
            await ctx.audit_message("chain_joined", item=signup.id)
            await ctx.tell_leaders(room.grid, texts.joined(signup), key=f"chain:{signup.id}:room{room.id}")
            return signup
    return None


async def _answers_for(ctx: Context, signup: Signup, room: Room) -> bool:
    """Whether the speaker started that list, or WeChat names who started both, or they lead both groups."""
    person = await ctx.person()
    both = (signup.grid, room.grid)
    if all(rights.allowed(person, Right.ACTIVITY, grid) is not None for grid in both):
        return True
    starter = ctx.message.starter
    named = await people.find(ctx.tx, ctx.message.account, starter) if starter is not None else None
    return signup.organiser_id is not None and signup.organiser_id == (named.id if named is not None else person.id)


def _lasts(ctx: Context, signup: Signup, last: datetime) -> bool:
    """Whether a copy that was sent now may still be one of it."""
    at = ctx.message.sent_at
    if abs(at - last) <= JUST_NOW and signup.open:
        return True
    end = signup_timers.ends(signup, ctx.policy)
    return at <= end if end is not None else abs(at - last) <= WITHIN


async def _likeness(ctx: Context, signup: Signup, found: Chain, said: Activity, *, copied: bool) -> float:
    """How likely it is that a title means this sign-up; 0 where it does not."""
    apart = said.starts is not None and signup.starts is not None and said.starts != _starts(signup, said)
    title = similarity.overlap(said.title, signup.title)
    if not copied:
        # Opened by a command: the list names the same thing, or WeChat's title says it in more words.
        names = bool(said.title) and (signup.title in found.title or title >= ALIKE)
        return 1 if names and not apart else 0
    whole = similarity.overlap(found.title, signup.heading)
    if whole >= ALIKE and not apart:
        return whole
    known = {line.digest for line in await chains.lines(ctx.tx, signup.number)}
    organises = ctx.actor is not None and ctx.actor.id == signup.organiser_id
    shared = sum(chains.digest(ctx.tx, text) in known for text in _words(found))
    most = shared >= 3 and 2 * shared >= len(found.entries)
    few = shared >= 2 and 2 * shared >= len(found.entries) and not apart
    moved = organises and 2 <= shared == len(found.entries)  # its organiser sets another day
    if (most or few or moved) and (max(whole, title) >= RELATED or not found.title):
        return max(whole, title, 0.01)
    return 0


def _starts(signup: Signup, said: Activity) -> datetime | None:
    """When it is, as exactly as the other says."""
    if said.sharp or said.starts is None or signup.starts is None:
        return signup.starts
    local = signup.starts.astimezone(said.starts.tzinfo)
    return said.starts if local.date() == said.starts.date() else signup.starts


def _bare(title: str) -> str:
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", title)).casefold()


async def _open(ctx: Context, room: Room, found: Chain, said: Activity) -> Signup:
    """A list that nobody sent before is a new sign-up. A time that is over by then tells of something else."""
    at = ctx.message.sent_at
    new = NewSignup(
        title=_CALLED.sub("", said.title) or said.title or said.place,
        place=said.place if said.title else "",
        starts=_when(said),
        ends=said.ends,
        capacity=said.capacity or None,
        deadline=said.deadline,
        room_id=room.id,
        grid=room.grid,
        origin=Source.CHAIN,
        heading=found.title,
        asks_phone=False,
        brings_card=said.brings_card,
        note=said.note,
    )
    signup = await rows.create(ctx.tx, new, ctx.now)
    end = signup_timers.ends(signup, ctx.policy)
    if end is not None and end <= at:
        signup = await rows.update(ctx.tx, signup.number, starts=None, ends=None, deadline=None)
    signup = await signup_timers.schedule(ctx, signup)
    await _close_old(ctx, room)
    await ctx.audit_message("chain", item=signup.id, heads=signup.capacity)
    line = texts.taken(signup, ctx.policy.timezone)
    await ctx.tell_leaders(room.grid, line, key=f"chain:{signup.id}")
    return signup


async def _close_old(ctx: Context, room: Room) -> None:
    """Lists of which nobody knew when it is, and that nobody continues, are over."""
    for number, last, _ in await chains.in_room(ctx.tx, room.id):
        old = await rows.get(ctx.tx, number)
        if old is not None and old.open and old.origin is Source.CHAIN and not _lasts(ctx, old, last):
            await rows.update(ctx.tx, number, state=SignupState.CLOSED, closed_at=ctx.now)


def _when(said: Activity) -> datetime | None:
    if said.starts is None or said.sharp:
        return said.starts
    return said.starts.replace(hour=0, minute=0, second=0, microsecond=0)


# --- what it says ---
async def _record(ctx: Context, room: Room, signup: Signup, found: Chain) -> None:
    """Keep the copy and what it has of rows that were in none before."""
    sender, message = await ctx.person(), ctx.message
    known = await chains.lines(ctx.tx, signup.number)
    silent = [
        alias
        for person in await people.silent(ctx.tx, message.account)
        for alias in person.aliases
        if alias.account == message.account
    ]
    erased = {line.digest for line in known if not line.name}
    numbers: list[int] = []
    for entry, text in zip(found.entries, _words(found), strict=True):
        building = location.locate(entry.text.split("\n", 1)[0]).building
        new = NewLine(
            text,
            entry.name,
            f"{building}栋" if building else "",
            min(entry.heads, MOST_HEADS),
            entry.proxy,
            None,
            entry.at,
            entry.choice,
        )
        if _by_silent(entry, new.building, silent):
            before = next((line for line in known if line.name == entry.name), None)
            if before is not None:  # from the time when they were recorded: what they write now changes nothing
                numbers.append(before.number)
                continue
            # One more comes, says whoever sent this copy; not a word of whoever wrote the row is kept.
            new = replace(new, name="", building="", choice="", proxy=True)
        elif entry.author is not None and chains.digest(ctx.tx, text) not in erased:
            author = await _author(ctx, entry.author, entry.name if not entry.proxy else "", sender)
            new = replace(new, author=author)
        line = await chains.add_line(ctx.tx, signup.number, new, known)
        if line not in known:
            known.append(line)
        numbers.append(line.number)
    leads = rights.allowed(ctx.actor, Right.ACTIVITY, room.grid) is not None
    title = chains.digest(ctx.tx, _bare(found.title))
    copy = Copy(message.account, message.id, room.id, message.sent_at, sender.id, title, tuple(numbers), leads)
    await chains.add_copy(ctx.tx, signup.number, copy)


def _by_silent(entry: chain.Entry, building: str, silent: Sequence[Alias]) -> bool:
    """Whether a row is by somebody who does not want to be recorded: a neighbour's copy carries it along."""
    if entry.author is not None:
        return any(alias.im_id == entry.author for alias in silent)
    return any(chain.wrote(alias.nick, entry, building) for alias in silent)


async def _started(ctx: Context, signup: Signup) -> Signup:
    """Whoever WeChat names as who started the list is its organiser, also when their own copy never reached us."""
    starter = ctx.message.starter
    if signup.origin is not Source.CHAIN or signup.organiser_named or starter is None:
        return signup
    organiser = await _author(ctx, starter, "", await ctx.person())
    if organiser is None:
        return signup
    return await rows.update(ctx.tx, signup.number, organiser_id=organiser, organiser_named=True)


def _words(found: Chain) -> list[str]:
    """What tells one row from another; the second of two equal ones is another."""
    seen: Counter[str] = Counter()
    result = []
    for entry in found.entries:
        bare = "".join(unicodedata.normalize("NFKC", entry.text).split())
        seen[bare] += 1
        result.append(bare if seen[bare] == 1 else f"{bare}#{seen[bare]}")
    return result


async def _author(ctx: Context, im_id: str, name: str, sender: Person) -> int | None:
    """Who wrote a row by the wire; nobody where they do not want to be recorded."""
    account = ctx.message.account
    if im_id == ctx.message.sender:
        return sender.id
    person = await people.find(ctx.tx, account, im_id)
    if person is None:
        person = await people.ensure(ctx.tx, account, im_id, nick=name, friend=False)
    return person.id if person.opted_out_at is None else None


async def _retitle(ctx: Context, room: Room, signup: Signup, found: Chain, said: Activity, worked: Worked) -> Signup:
    """The title that holds is that of this copy, and it says something else than before."""
    title = chains.digest(ctx.tx, _bare(found.title))
    holds = worked.rosters[room.id].title == title
    if signup.origin is not Source.CHAIN or not holds or _bare(signup.heading) == _bare(found.title):
        return signup
    number, capacity = signup.number, signup.capacity
    signup = await rows.update(
        ctx.tx,
        number,
        heading=found.title,
        title=_CALLED.sub("", said.title) or signup.title,
        place=said.place or signup.place,
        starts=_when(said) or signup.starts,
        ends=said.ends if said.starts is not None else signup.ends,
        deadline=said.deadline or signup.deadline,
    )
    if said.capacity and said.capacity != capacity:
        await rows.set_capacity(ctx.tx, number, said.capacity, ctx.message.sent_at)
        await signups.tell_moved(ctx, signup, await rosters.settle(ctx.tx, number), worked.new)
    await ctx.audit_message("chain_retitled", item=signup.id)
    return await signup_timers.schedule(ctx, signup)


# --- what is said of it ---
async def _say(ctx: Context, room: Room, signup: Signup, worked: Worked) -> None:
    person = await ctx.person()
    entries = {entry.seq: entry for entry in await rosters.entries(ctx.tx, signup.number)}
    own = {seq for seq, entry in entries.items() if person.id in (entry.person_id, entry.by_id)}
    touched = sum(1 for move in worked.moved if move.after.seq in entries)
    if touched:
        await ctx.audit_message("chain_copy", item=signup.id, entries=touched, new=len(worked.new))
    await signups.tell_moved(ctx, signup, worked.moved, own | worked.new)
    waits = any(
        move.after.seq in own | worked.new and move.after.state is EntryState.WAITING for move in worked.moved
    ) or any(entries[seq].state is EntryState.WAITING for seq in worked.new if seq in entries)
    last = chain_entries.until(signup)
    if waits and signup.capacity is not None:
        group = "" if room.id == signup.room_id else f":room{room.id}"  # one list in two groups: each hears it once
        await ctx.reply(texts.full(signup), PostKind.ACK, key=f"full:{signup.id}{group}")
    elif last is not None and ctx.message.sent_at > last and signup.deadline is not None and not worked.moved:
        line = signup_texts.deadline_over(signup, ctx.policy.timezone)
        await ctx.reply(line, PostKind.ACK, key=f"late:{signup.id}")
    mine = [
        incident
        for incident in worked.rosters[room.id].incidents
        if (incident.copy.account, incident.copy.message_id) == (ctx.message.account, ctx.message.id)
    ]
    if mine:
        await _tell_meddling(ctx, room, signup, mine)


async def _tell_meddling(ctx: Context, room: Room, signup: Signup, incidents: Sequence[Incident]) -> None:
    """The organiser, if a private line reaches them, else those who lead the group: once for the same rows."""
    organiser = await people.get(ctx.tx, signup.organiser_id) if signup.organiser_id is not None else None
    removed = [each.line.name for each in incidents if each.what is Meddling.REMOVED and each.line and each.line.name]
    changed = [each.line.name for each in incidents if each.what is Meddling.CHANGED and each.line and each.line.name]
    retitled = any(each.what is Meddling.RETITLED for each in incidents)
    if not (removed or changed or retitled):
        return
    person = await ctx.person()
    of = "-".join(f"{each.what.value[:2]}{each.line.number if each.line else 0}" for each in incidents)
    key = f"meddled:{signup.id}:{person.id}:{of}"
    line = texts.meddled(signup, contact.mask(ctx.message.nick), removed, changed, retitled=retitled)
    await ctx.audit_message("chain_meddled", item=signup.id, rows=len(incidents))
    if organiser is not None and organiser.id != person.id and signups.reachable(organiser):
        await ctx.tell(organiser, line, key=key)
    else:
        await ctx.tell_leaders(room.grid, line, key=key)
