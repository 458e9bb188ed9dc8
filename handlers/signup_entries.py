"""报名 and 取消报名: who comes, how many, for whom, in which window; and the phone number, where it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from handlers import chain_entries, signup_forms, signups
from handlers.commands import Command
from handlers.context import Context
from handlers.signup_forms import Party
from handlers.signups import Told
from handlers.texts import signups as words
from handlers.texts.commands import USAGE
from nlp import contact, location
from storage import people, questions
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage import signups as rows
from storage.model import Person
from storage.questions import Question
from storage.signup_entries import Entry
from storage.signups import EntryState, Signup, Slot

MOST_HEADS = 50
FEW = 2  # names in one command that are answered a line each
PHONE = "phone"  # the step of the question
_PHONE_WITHIN = timedelta(days=7)
_LONGEST_NAME = 16
_ADDRESS = re.compile(r"[A-Za-z]?\d[\dA-Za-z\s\-—–.#/_区栋幢座号楼单元室层期]*")


async def sign(ctx: Context, command: Command) -> str:
    """`报名 [H3] [2人] [代 张三] [第2场]`."""
    among = await _open(ctx)
    text, meant = signups.named_in(command.text, among)
    party = signup_forms.party(text, free=True)
    if party is None:
        await ctx.reply(words.which(USAGE[command.name.value]))
        return "command"
    signup = await signups.find(ctx, command, meant or among)
    if signup is None:
        return "command"
    refusal = _refusal(ctx, signup) or _wrong_number(signup, party)
    if refusal:
        await ctx.reply(refusal)
        return "command"
    await chain_entries.claim(ctx, signup)
    entries = await rosters.entries(ctx.tx, signup.number)
    person = await ctx.person()
    mine = next((entry for entry in entries if entry.person_id == person.id and entry.active), None)
    slot, line = _slot(ctx, signup, party, entries, mine if not party.names else None)
    if line:
        await ctx.reply(line)
        return "command"
    done = [await _enter(ctx, signup, entries, person, who, party, slot) for who in party.names or ("",)]
    changed = [each.seq for each in done if each.changed]
    moved = await rosters.settle(ctx.tx, signup.number) if changed else []
    for each in done:
        if each.changed:
            await ctx.audit_message("signed", item=signup.id, entry=each.seq, heads=each.heads)
    await signups.tell_moved(ctx, signup, moved, changed)
    after = await rosters.entries(ctx.tx, signup.number)
    line = _answer(ctx, signup, after, done)
    if signup.asks_phone and changed:
        line += await _phone(ctx, signup, [each.seq for each in done])
    await signups.answer(ctx, signup, line, [_told(after, each) for each in done])
    return "command"


def _told(after: Sequence[Entry], done: _Done) -> Told:
    entry = next(entry for entry in after if entry.seq == done.seq)
    if not done.changed:
        return Told(done.who, words.Outcome.TWICE, entry.heads)
    outcome = words.Outcome.IN if entry.state is EntryState.CONFIRMED else words.Outcome.WAITS
    return Told(done.who, outcome, entry.heads)


async def _open(ctx: Context) -> list[Signup]:
    """Those that somebody can still sign up for; where there are none, all that are open, to say why."""
    found = await signups.here(ctx)
    return [signup for signup in found if not _refusal(ctx, signup)] or found


def _refusal(ctx: Context, signup: Signup) -> str:
    """Why nobody can sign up any more. What counts is when it was said, not when it arrived."""
    at = ctx.message.sent_at
    last = max((slot.starts for slot in signup.slots), default=signup.starts)
    if not signup.open:
        return words.not_open(signup)
    if signup.deadline is not None and at > signup.deadline:
        return words.deadline_over(signup, ctx.policy.timezone)
    local = last.astimezone(ctx.policy.timezone) if last is not None else None
    if local is not None and (local if local.hour or local.minute else local + timedelta(days=1)) <= at:
        return words.started(signup)
    return ""


def _wrong_number(signup: Signup, party: Party) -> str:
    if party.heads is None:
        return words.over_most(MOST_HEADS) if len(party.names) > MOST_HEADS else ""
    if party.heads <= 0:
        return words.NO_HEADS
    quotas = [slot.capacity for slot in signup.slots] if signup.slots else [signup.capacity]
    largest = max((quota for quota in quotas if quota is not None), default=None) if None not in quotas else None
    if largest is not None and party.heads > largest:
        return words.too_many(signup, party.heads, largest)
    return words.over_most(MOST_HEADS) if party.heads * max(1, len(party.names)) > MOST_HEADS else ""


# --- windows ---
def _slot(
    ctx: Context, signup: Signup, party: Party, entries: Sequence[Entry], mine: Entry | None
) -> tuple[int | None, str]:
    """The window that is meant, or what to say where none is, or where it is full: which ones are free."""
    if not signup.slots:
        return None, ""
    named = party.slot if party.slot is not None else _by_clock(ctx, signup, party)
    if named is None and mine is not None:
        return mine.slot, ""
    free = _free(ctx, signup, entries, party.heads or 1)
    slot = next((each for each in signup.slots if each.slot == named), None)
    if slot is None:
        return None, words.choose_slot(signup, free)
    held = mine.heads if mine is not None and mine.slot == slot.slot else 0
    left = _left(slot, entries)
    if left is not None and (party.heads or held or 1) - held > left:
        return None, words.slot_full(signup, slot.slot, free)
    return slot.slot, ""


def _by_clock(ctx: Context, signup: Signup, party: Party) -> int | None:
    """The window that begins at the hour that was named, in either half of the day, else the one it lies in."""
    if party.clock is None:
        return None
    at = party.clock
    for slot in signup.slots:
        begins = slot.starts.astimezone(ctx.policy.timezone).time()
        if (begins.hour % 12, begins.minute) == (at.hour % 12, at.minute):
            return slot.slot
    return None


def _left(slot: Slot, entries: Sequence[Entry]) -> int | None:
    if slot.capacity is None:
        return None
    return slot.capacity - signups.heads(entries, EntryState.CONFIRMED, slot.slot)


def _free(ctx: Context, signup: Signup, entries: Sequence[Entry], heads: int) -> list[str]:
    lefts = [(slot, _left(slot, entries)) for slot in signup.slots if slot.starts > ctx.message.sent_at]
    return [
        words.slot_free(words.slot_name(slot, ctx.policy.timezone), left)
        for slot, left in lefts
        if left is None or left >= heads
    ]


# --- entering ---
@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one name: the entry, and how many it was for before, 0 for a new one."""

    seq: int
    who: str
    heads: int
    before: int
    changed: bool


async def _enter(
    ctx: Context, signup: Signup, entries: Sequence[Entry], person: Person, who: str, party: Party, slot: int | None
) -> _Done:
    at = await steps.said_at(ctx.tx, signup.number, ctx.message.sent_at)
    if who:
        theirs = (each for each in entries if each.by_id == person.id and each.person_id is None)
        held = next((each for each in theirs if each.name == who), None)
    else:
        held = next((each for each in entries if each.person_id == person.id), None)
    active = held is not None and held.active
    heads = party.heads if party.heads is not None else held.wanted if active and held is not None else 1
    if held is not None:
        same = active and held.wanted == heads and held.slot == slot
        if not same:
            await steps.change(ctx.tx, signup.number, held.seq, heads, at=at, slot=slot, message=_said(ctx))
            if not active:
                await rosters.note(
                    ctx.tx,
                    signup.number,
                    held.seq,
                    name=_called(ctx, who, party),
                    building=_building(ctx, party),
                    by_id=person.id,
                    room_id=_room_id(ctx),
                )
        return _Done(held.seq, who, heads, held.heads if active else 0, not same)
    seq = await rosters.sign(
        ctx.tx,
        signup.number,
        name=_called(ctx, who, party),
        heads=heads,
        at=at,
        person_id=None if who else person.id,
        by_id=person.id,
        building=_building(ctx, party),
        slot=slot,
        room_id=_room_id(ctx),
        message=_said(ctx),
    )
    return _Done(seq, who, heads, 0, True)


def _said(ctx: Context) -> tuple[str, str]:
    return ctx.message.account, ctx.message.id


def _called(ctx: Context, who: str, party: Party) -> str:
    return who[:_LONGEST_NAME] or party.own_name or _name(ctx)


def _room_id(ctx: Context) -> int | None:
    return ctx.group.id if ctx.group is not None else None


def _name(ctx: Context) -> str:
    """What the roster calls the speaker: the nick without the address; all of it where there is nothing else."""
    nick = contact.mask(ctx.message.nick)
    said = _ADDRESS.sub(" ", nick).strip(" -_·")
    return (said or nick or (ctx.actor.name if ctx.actor is not None else ""))[:_LONGEST_NAME]


def _building(ctx: Context, party: Party) -> str:
    found = location.locate(party.home).building if party.home else None
    building = found or location.locate("", contact.mask(ctx.message.nick)).building
    return f"{building}栋" if building else ""


def _answer(ctx: Context, signup: Signup, after: Sequence[Entry], done: Sequence[_Done]) -> str:
    entries = {entry.seq: entry for entry in after}
    if len(done) <= FEW:
        return "\n".join(_answer_one(ctx, signup, entries, each) for each in done)
    told = [_told(after, each) for each in done]
    taken, waiting = signups.heads(after, EntryState.CONFIRMED), signups.heads(after, EntryState.WAITING)
    return words.summed(words.tally(signup, taken, waiting), [(each.what, each.who, each.heads) for each in told])


def _answer_one(ctx: Context, signup: Signup, entries: dict[int, Entry], done: _Done) -> str:
    entry = entries[done.seq]
    if not done.changed:
        return words.twice(signup, done.who, entry.heads, entry.state)
    if entry.state is EntryState.WAITING:
        waiting = [each for each in entries.values() if each.state is EntryState.WAITING and each.slot == entry.slot]
        return words.waiting(signup, done.who, entry.heads, waiting.index(entry) + 1)
    if entry.wanted > entry.heads:
        return words.grown(signup, entry.heads, entry.wanted - entry.heads)
    slot = next((each for each in signup.slots if each.slot == entry.slot), None)
    capacity = slot.capacity if slot is not None else signup.capacity
    taken = signups.heads(entries.values(), EntryState.CONFIRMED, entry.slot)
    name = words.slot_name(slot, ctx.policy.timezone) if slot is not None else ""
    say = words.changed if done.before else words.signed
    return say(signup, done.who, entry.heads, name, taken, capacity)


# --- the phone number ---
async def _phone(ctx: Context, signup: Signup, seqs: Sequence[int]) -> str:
    """Keep the number that stands in the command, else ask for it in private, once. What to add to the answer."""
    given = contact.find(ctx.message.text).phones
    known = await rosters.phones(ctx.tx, signup.number)
    if given:
        for seq in seqs:
            await rosters.give_phone(ctx.tx, signup.number, seq, given[0])
        return ""
    if all(seq in known for seq in seqs):
        return ""
    person = await ctx.person()
    expires = ctx.now + _PHONE_WITHIN
    await questions.ask(ctx.tx, Question(person.id, PHONE, signup.id, None, ctx.now, expires))
    told = signups.reachable(person) and await ctx.tell(
        person, words.ask_phone(signup), key=f"phone:{signup.id}:{person.id}"
    )
    return "" if told else f"\n{words.PHONE_IN_PRIVATE}"


async def phone_given(ctx: Context) -> bool:
    """A phone number, said in private by somebody who was asked for it."""
    if ctx.room is not None or ctx.actor is None:
        return False
    given = contact.find(ctx.message.text).phones
    asked = await questions.open_for(ctx.tx, ctx.actor.id, PHONE, ctx.now) if given else []
    for question in asked:
        await questions.close(ctx.tx, ctx.actor.id, PHONE, question.item)
        signup = await rows.get(ctx.tx, int(question.item[1:]))
        if signup is None:
            continue
        for entry in await rosters.entries(ctx.tx, signup.number):
            if entry.active and ctx.actor.id in (entry.person_id, entry.by_id):
                await rosters.give_phone(ctx.tx, signup.number, entry.seq, given[0])
        await ctx.audit_message("phone_given", item=signup.id)
        await ctx.reply(words.phone_kept(signup), key=f"reply:{ctx.message.account}:{ctx.message.id}:{signup.id}")
    return bool(asked)


# --- 取消报名 ---
async def unsign(ctx: Context, command: Command) -> str:
    """`取消报名 [H3] [代 张三]`: by the person, whoever signed them up, the organiser or the leader. Who was promoted
    declines so, too."""
    person = await ctx.person()
    found = await signups.here(ctx)
    text, meant = signups.named_in(command.text, found)
    party = signup_forms.party(text, free=True) or Party()
    names = party.names or ((party.own_name,) if party.own_name else ())
    for each in found:
        await chain_entries.claim(ctx, each)
    own = [signup for signup in meant or found if await _has(ctx, signup, person, names)]
    signup = await signups.find(ctx, command, own or (found if len(found) == 1 else []), none=words.NONE_OF_YOURS)
    if signup is None:
        return "command"
    entries = await rosters.entries(ctx.tx, signup.number)
    chosen: list[Entry] = []
    for name in names:
        fitting = signups.by_name(entries, name)
        yours = [entry for entry in fitting if person.id in (entry.person_id, entry.by_id)]
        line = await _not_one(ctx, signup, name, fitting, yours)
        if line:
            await ctx.reply(line)
            return "command"
        chosen.append((yours or fitting)[0])
    if not names:
        chosen = [entry for entry in entries if entry.active and entry.person_id == person.id]
        chosen = chosen or [entry for entry in entries if entry.active and entry.by_id == person.id]
        if len(chosen) != 1:
            listed = [entry.name for entry in chosen]
            none = words.not_in(signup, manages=await signups.manages(ctx, signup) is not None)
            await ctx.reply(words.which_entry(signup, listed) if chosen else none)
            return "command"
    if party.heads is not None and len(chosen) == 1 and 0 < party.heads < chosen[0].wanted:
        await _fewer(ctx, signup, chosen[0], party.heads, chosen[0].name if names else "")
        return "command"
    at = await steps.said_at(ctx.tx, signup.number, ctx.message.sent_at)
    for entry in chosen:
        await steps.change(ctx.tx, signup.number, entry.seq, 0, at=at)
        right = None if person.id in (entry.person_id, entry.by_id) else await signups.manages(ctx, signup)
        await ctx.audit_message("unsigned", right=right, item=signup.id, entry=entry.seq)
    moved = await rosters.settle(ctx.tx, signup.number)
    await ctx.reply(words.cancelled(signup, "、".join(entry.name for entry in chosen) if names else ""))
    await signups.tell_moved(ctx, signup, moved, [entry.seq for entry in chosen])
    for entry in chosen:
        if entry.person_id is not None and entry.person_id != person.id:
            await _tell_cancelled(ctx, signup, entry)
    return "command"


async def _fewer(ctx: Context, signup: Signup, entry: Entry, off: int, who: str) -> None:
    """`取消报名 H3 1人`: some of a party do not come, the others do."""
    left = entry.wanted - off
    at = await steps.said_at(ctx.tx, signup.number, ctx.message.sent_at)
    await steps.change(ctx.tx, signup.number, entry.seq, left, at=at, slot=entry.slot, message=_said(ctx))
    moved = await rosters.settle(ctx.tx, signup.number)
    await ctx.audit_message("signed", item=signup.id, entry=entry.seq, heads=left)
    after = await rosters.entries(ctx.tx, signup.number)
    await ctx.reply(_answer(ctx, signup, after, [_Done(entry.seq, who, left, entry.heads, changed=True)]))
    await signups.tell_moved(ctx, signup, moved, [entry.seq])


async def _has(ctx: Context, signup: Signup, person: Person, names: Sequence[str]) -> bool:
    entries = [entry for entry in await rosters.entries(ctx.tx, signup.number) if entry.active]
    if names:
        return any(signups.by_name(entries, name) for name in names)
    return any(person.id in (entry.person_id, entry.by_id) for entry in entries)


async def _not_one(ctx: Context, signup: Signup, name: str, fitting: Sequence[Entry], yours: Sequence[Entry]) -> str:
    """Why the entry of that name is not the speaker's to cancel, or none or several are meant."""
    if not fitting:
        return words.not_in(signup, name)
    if not yours and await signups.manages(ctx, signup) is None:
        return words.not_yours(name)
    return words.several_names(name) if len(yours or fitting) > 1 else ""


async def _tell_cancelled(ctx: Context, signup: Signup, entry: Entry) -> None:
    """Whom somebody else took off the list hears so, in private or where they signed."""
    told = await people.get(ctx.tx, entry.person_id) if entry.person_id is not None else None
    if told is not None:
        line = words.cancelled(signup)
        after = replace(entry, state=EntryState.CANCELLED)
        await signups.tell(ctx, signup, [after], {entry.seq: line}, line, key=f"unsigned:{ctx.message.id}")
