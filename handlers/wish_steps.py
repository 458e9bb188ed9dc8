"""What the steps of a wish share: publishing it, handing it on, thanking, and who is told what.

Who wished and who gives never hear of each other; both are told to the leaders. Every line that holds words of a wish
has a key that begins with `wish:X5:`, so that they can be taken out of the store again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import quiet, rights, texts
from handlers.context import Effects
from handlers.rights import WITHOUT_GRID, Right
from handlers.texts import wishes as said
from nlp import discretion
from nlp.contact import mask
from storage import outbox, people, questions, rooms, wishes
from storage.model import Person, PostKind, Room, RoomKind, RoomState
from storage.wishes import Wish, WishState

LISTS = "wish:list:"  # the keys of answers that hold words of several
PUT_OFF = timedelta(hours=1)
OBJECT_WITHIN = timedelta(hours=2)  # a leader may say that it is not done, before the group reads thanks
RELEASED_AT_ONCE = 20  # so that messages need not wait for longer than a moment


def shown(wish: Wish) -> str:
    """Its words as the public has them, else as they were wished."""
    return wish.public or wish.text


def words(wish: Wish) -> str:
    """What the keys of all lines about it begin with."""
    return f"wish:{wish.id}:"


async def groups(effects: Effects, wish: Wish) -> list[Room]:
    """The groups in which it is, or would be, published."""
    if wish.scope is not None:
        return await groups_of(effects, wish.scope)
    room = await rooms.get(effects.tx, wish.room_id) if wish.room_id is not None else None
    return [room] if room is not None else []


async def groups_of(effects: Effects, scope: str) -> list[Room]:
    """The enabled groups of residents within a scope."""
    found = await rooms.within(effects.tx, scope, RoomKind.RESIDENT)
    return [room for room in found if room.state is RoomState.ENABLED]


async def publish(effects: Effects, wish: Wish) -> int:
    """Put it into its groups, each when the quiet policy has a place for it; into how many."""
    line, count = said.notice(wish.id, wish.public), 0
    for room in await groups(effects, wish):
        count += await effects.post(room, line, PostKind.WISH, key=public_key(wish, room))
    return count


def public_key(wish: Wish, room: Room) -> str:
    """Of the line that publishes it; another one each time it is open again."""
    return f"{words(wish)}public:{wish.rounds}:room{room.id}"


async def tell_leaders(effects: Effects, wish: Wish, text: str, *, key: str) -> None:
    """Those who answer for its grid, or for the community where nobody does, or somewhere within it: of a wish that was
    told in private the micro-grid may not be known."""
    await _tell_leaders(effects, wish, text, key=f"{words(wish)}{key}")


async def _tell_leaders(effects: Effects, wish: Wish, text: str, *, key: str) -> None:
    if await effects.tell_leaders(wish.grid, text, key=key):
        return
    if await effects.tell_leaders(wish.grid, text, key=f"{key}:above", roles=WITHOUT_GRID):
        return
    for person in await people.everyone_with_grants(effects.tx):
        if right_over(person, wish) is not None:
            await effects.tell(person, text, key=f"{key}:{person.id}")


def right_over(person: Person | None, wish: Wish) -> str | None:
    """The grant by which somebody may review it, `role:scope`; also one within its grid, as long as nobody knows better
    where it belongs."""
    held = rights.allowed(person, Right.REVIEW, wish.grid)
    if held is not None or person is None or wish.state in wishes.OPEN | {WishState.DONE}:
        return held
    inside = (
        grant
        for grant in person.grants
        if Right.REVIEW in rights.TABLE[grant.role] and grant.scope.startswith(wish.grid)
    )
    return next((f"{grant.role.value}:{grant.scope}" for grant in inside), None)


async def tell_wisher(effects: Effects, wish: Wish, text: str, *, key: str, but: int | None = None) -> bool:
    """In private or not at all: a line in a group would say who wished. True also where there is nobody to tell, or it
    is `but`, who knows."""
    if wish.person_id is None or wish.person_id == but:
        return True
    person = await people.get(effects.tx, wish.person_id)
    if person is None or right_over(person, wish) is not None:
        return True  # a leader on behalf of somebody is told as one
    return await effects.tell(person, text, key=f"{words(wish)}{key}:wisher")


async def name_of(effects: Effects, person_id: int | None, room_id: int | None) -> str:
    """Somebody as the leader knows them: name or nick, and where they spoke."""
    person = await people.get(effects.tx, person_id) if person_id is not None else None
    if person is None:
        return ""
    room = await rooms.get(effects.tx, room_id) if room_id is not None else None
    nick = next((alias.nick for alias in person.aliases if room is None or alias.account == room.account), "")
    return said.whose(mask(person.name if person.grants else nick or person.name), room.topic if room else "")


async def pass_on(effects: Effects, wish: Wish, why: str, giver: str) -> bool:
    """A claim has ended: the next in line has it, else it is open to everybody again, and the groups read so. The
    leaders hear of it. Returns whether there was a next one."""
    line = await wishes.waiting(effects.tx, wish.number)
    following = ""
    for one in line:
        await wishes.leave_line(effects.tx, wish.number, one.person_id)
        person = await people.get(effects.tx, one.person_id)
        if person is None:
            continue
        taken = await wishes.claim(
            effects.tx,
            wish.number,
            person.id,
            room_id=one.room_id,
            anonymous=one.anonymous,
            at=effects.now,
            release_at=release_at(effects),
            said=(one.account, one.message_id),
        )
        if taken is not None:
            following = said.with_note(await name_of(effects, person.id, one.room_id), "", anonymous=one.anonymous)
            await effects.audit("wish_claimed", actor=None, item=wish.id, person=person.id, round=taken.rounds)
            await _your_turn(effects, taken, person, one.room_id)
            break
    if not following:
        await publish(effects, wish)
    await tell_leaders(
        effects,
        wish,
        said.told_released(wish.id, shown(wish), giver, why, following),
        key=f"released:{wish.rounds}",
    )
    return bool(following)


async def tell_line(effects: Effects, wish: Wish) -> None:
    """Nobody's turn comes any more: once, to those who stood in line in private; a group reads the thanks."""
    for one in await wishes.waiting(effects.tx, wish.number):
        person = await people.get(effects.tx, one.person_id) if one.room_id is None else None
        if person is not None:
            key = f"wishgone:{wish.id}:line:{person.id}"
            await effects.tell(person, said.over(wish.id, wish.state, thanks=True), key=key, by_day=True)


async def _your_turn(effects: Effects, wish: Wish, person: Person, room_id: int | None) -> None:
    """Once, in private; where that does not reach them, in the group where they stood in line, unless they do not want
    to be named."""
    days, key = effects.policy.wish_claim_for.days, f"{words(wish)}turn:{wish.rounds}:{person.id}"
    if await effects.tell(person, said.your_turn(wish.id, shown(wish), days), key=key):
        return
    room = await rooms.get(effects.tx, room_id) if room_id is not None else None
    if room is None or wish.anonymous or room.kind is not RoomKind.RESIDENT:
        return
    alias = next((alias for alias in person.aliases if alias.account == room.account), None)
    if alias is not None:
        line = texts.mention(mask(alias.nick), said.your_turn(wish.id, "", days))
        await effects.post(room, line, PostKind.CALLBACK, key=f"{key}:room", mentions=(alias.im_id,))


def release_at(effects: Effects) -> datetime:
    """When a claim made now ends by itself, not at night."""
    return quiet.after_night(effects.now + effects.policy.wish_claim_for, effects.policy)


async def thank(effects: Effects, wish: Wish, *, after: timedelta = timedelta(0)) -> None:
    """Once, where it was claimed or published, `after` so long; by name only where the giver claimed it in that group
    and did not ask to stay unnamed."""
    if await outbox.spoken(effects.tx, thanks_key(wish)):
        return
    room_id = wish.claim_room_id or wish.room_id
    room = await rooms.get(effects.tx, room_id) if room_id is not None else None
    if room is None:
        everywhere = await groups(effects, wish)
        room = everywhere[0] if len(everywhere) == 1 else None
    if room is None or room.kind is not RoomKind.RESIDENT:
        return
    giver = await people.get(effects.tx, wish.claimed_by) if wish.claimed_by is not None else None
    named = not wish.anonymous and wish.claim_room_id == room.id and giver is not None
    alias = next((one for one in giver.aliases if one.account == room.account), None) if giver and named else None
    line = said.thanks(wish.id, named=alias is not None)
    mentions: tuple[str, ...] = ()
    if alias is not None:
        line, mentions = texts.mention(mask(alias.nick), line), (alias.im_id,)
    key = f"{thanks_key(wish)}{int(effects.now.timestamp())}"
    await effects.post(room, line, PostKind.CALLBACK, key=key, mentions=mentions, after=after)


def thanks_key(wish: Wish) -> str:
    """What the keys of its thanks begin with: those that were dropped may be said after all."""
    return f"{words(wish)}thanks:"


async def forget(effects: Effects, wish: Wish) -> None:
    """Not a word of it stays, and no line with one goes out any more."""
    await wishes.blank(effects.tx, wish.number)
    await wishes.clear_line(effects.tx, wish.number)
    await questions.close_item(effects.tx, wish.id)
    await outbox.forget_keyed(effects.tx, words(wish))
    await outbox.forget_keyed(effects.tx, LISTS)


async def take_back(effects: Effects, wish: Wish) -> bool:
    """Whoever wished it wants it no more: its words go, and the leaders and the giver hear of it without a word of it.
    False where it is over already; its words go all the same."""
    after = await wishes.move(effects.tx, wish.number, wishes.UNFINISHED, WishState.WITHDRAWN, release_at=None)
    if after is not None:
        await tell_line(effects, after)
    await forget(effects, wish)
    if after is None:
        return False
    if after.claimed_by is not None:
        giver = await people.get(effects.tx, after.claimed_by)
        if giver is not None:
            await effects.tell(giver, said.told_giver_withdrawn(wish.id), key=f"wishgone:{wish.id}:giver")
    await _tell_leaders(effects, wish, said.told_withdrawn(wish.id), key=f"wishgone:{wish.id}")
    return True


async def let_go(effects: Effects, wish: Wish, person: Person, why: str, *, told: str = "") -> bool | None:
    """The claim of this person ends; None where it is not theirs (any more), else whether the next one has it now."""
    released = await wishes.release(effects.tx, wish.number, person.id)
    if released is None:
        return None
    giver = await name_of(effects, person.id, wish.claim_room_id) if why != said.ERASED else ""
    if told:
        await effects.tell(person, told, key=f"{words(wish)}over:{released.rounds}:{person.id}")
    return await pass_on(effects, released, why, giver)


async def release(effects: Effects, most: int | None = None) -> bool:
    """Claims that have lasted their time go to the next; True where there may be more."""
    most = most or RELEASED_AT_ONCE
    due = await wishes.run_out(effects.tx, effects.now, most)
    for wish in due:
        giver = await people.get(effects.tx, wish.claimed_by) if wish.claimed_by is not None else None
        if giver is not None:
            await effects.audit("wish_released", actor=None, item=wish.id, person=giver.id)
            told = said.ran_out(wish.id, effects.policy.wish_claim_for.days)
            await let_go(effects, wish, giver, said.RAN_OUT, told=told)
    return len(due) == most


async def put_off(effects: Effects) -> bool:
    """Let the next claim that has run out, which cannot be handed on now, try again later; True, as there may be
    more."""
    for wish in await wishes.run_out(effects.tx, effects.now, 1):
        later = effects.now + PUT_OFF
        await wishes.move(effects.tx, wish.number, {WishState.CLAIMED}, WishState.CLAIMED, release_at=later)
    return True


def caution(effects: Effects, text: str) -> str:
    """What a leader must think of before this is published; empty where there is nothing."""
    yuan, most = discretion.yuan(text), effects.policy.wish_budget
    dear = said.over_budget(yuan, most) if yuan is not None and yuan > most else ""
    return said.not_for_all(discretion.find(text)) + dear
