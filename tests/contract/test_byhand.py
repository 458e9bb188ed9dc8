"""What a person decides about a line: from which states, with which end, and never unaudited."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import audit, byhand, outbox
from storage.byhand import ALLOWED, Decision
from storage.engine import Store, Tx
from storage.model import SendState
from tests.contract.fill import MINUTE, NOW, draft

LATER = NOW + timedelta(hours=1)
AFTER = {
    Decision.SENT: SendState.SENT,
    Decision.NOT_SENT: SendState.FAILED,
    Decision.RETRY: SendState.QUEUED,
    Decision.DROP: SendState.DROPPED,
}


async def a_line(tx: Tx, state: SendState) -> int:
    line = await outbox.put(tx, draft("ack:S1", "已登记 S1", ticket=1, mentions=("li",)))
    assert line is not None
    if state is SendState.DROPPED:
        await outbox.drop(tx, "ack:S1")
    elif state is not SendState.QUEUED:
        await outbox.mark_sending(tx, line, NOW + MINUTE)
    if state is SendState.UNKNOWN:
        await outbox.mark_unknown(tx, line, "no answer")
    elif state is SendState.FAILED:
        await outbox.mark_failed(tx, line, "rejected")
    elif state is SendState.SENT:
        await outbox.mark_sent(tx, line, NOW + MINUTE, "m1")
    return line


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("state", SendState)
async def test_each_decision_from_each_state(store: Store, decision: Decision, state: SendState) -> None:
    line = await store.write(lambda tx: a_line(tx, state))
    was, done = await store.write(lambda tx: byhand.decide(tx, line, decision, LATER))
    assert was is not None
    assert was.state is state
    assert done is (state in ALLOWED[decision])
    now = await store.read(lambda tx: outbox.get(tx, line))
    assert now is not None
    if not done:
        assert now == was
        assert await store.read(lambda tx: audit.of_ticket(tx, 1)) == []
        return
    assert now.state is AFTER[decision]
    (entry,) = await store.read(lambda tx: audit.of_ticket(tx, 1))
    assert (entry.action, entry.before, entry.after) == (f"line.{decision}", state, AFTER[decision])
    assert (entry.right, entry.account, entry.detail) == ("operator", "a", {"line": line})
    assert (await store.read(audit.verify)).ok


async def test_settled_as_sent_it_went_out_when_it_was_sent(store: Store) -> None:
    line = await store.write(lambda tx: a_line(tx, SendState.UNKNOWN))
    await store.write(lambda tx: byhand.decide(tx, line, Decision.SENT, LATER))
    now = await store.read(lambda tx: outbox.get(tx, line))
    assert now is not None
    assert now.sent_at == NOW + MINUTE


async def test_sent_again_it_is_due_at_once_and_has_all_its_tries(store: Store) -> None:
    line = await store.write(lambda tx: a_line(tx, SendState.FAILED))
    await store.write(lambda tx: byhand.decide(tx, line, Decision.RETRY, LATER))
    (now,) = await store.read(lambda tx: outbox.due(tx, "a", LATER))
    assert (now.id, now.text, now.mentions, now.not_before) == (line, "已登记 S1", ("li",), LATER)
    assert (now.attempts, now.error, now.sending_at) == (0, None, None)
    assert await store.read(lambda tx: outbox.due(tx, "a", LATER - MINUTE)) == []


async def test_sent_again_the_first_time_counts_for_the_budgets_too(store: Store) -> None:
    line = await store.write(lambda tx: a_line(tx, SendState.UNKNOWN))
    for again in range(1, 3):
        await store.write(lambda tx: byhand.decide(tx, line, Decision.RETRY, LATER))
        await store.write(lambda tx, at=LATER + again * MINUTE: outbox.mark_sending(tx, line, at))  # type: ignore[misc]
        await store.write(lambda tx: outbox.mark_unknown(tx, line, "no answer"))
    log = await store.read(lambda tx: outbox.sent_times(tx, "a", NOW))
    assert [at for at, _, _ in log] == [NOW + MINUTE, LATER + MINUTE, LATER + 2 * MINUTE]
    assert len(await store.read(lambda tx: outbox.by_state(tx, SendState.UNKNOWN))) == 1, "nobody is shown the others"


async def test_without_its_words_a_line_is_not_sent_again(store: Store) -> None:
    line = await store.write(lambda tx: a_line(tx, SendState.UNKNOWN))
    await store.write(lambda tx: outbox.blank(tx, LATER))
    was, done = await store.write(lambda tx: byhand.decide(tx, line, Decision.RETRY, LATER))
    assert was is not None
    assert (was.state, was.text, done) == (SendState.UNKNOWN, "", False)
    assert (await store.write(lambda tx: byhand.decide(tx, line, Decision.DROP, LATER)))[1]


async def test_dropped_its_words_are_gone(store: Store) -> None:
    line = await store.write(lambda tx: a_line(tx, SendState.QUEUED))
    await store.write(lambda tx: byhand.decide(tx, line, Decision.DROP, LATER))
    now = await store.read(lambda tx: outbox.get(tx, line))
    assert now is not None
    assert (now.text, now.mentions) == ("", ())


async def test_a_line_that_is_not_there(store: Store) -> None:
    for decision in Decision:
        found = await store.write(lambda tx, decision=decision: byhand.decide(tx, 99, decision, LATER))  # type: ignore[misc]
        assert found == (None, False)
