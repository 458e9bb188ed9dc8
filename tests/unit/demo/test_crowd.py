"""A simulated day: the same for a seed, mostly chit-chat, good for grepping."""

import re
from datetime import timedelta

import pytest

from bot.demo.crowd import HOLD, MIDNIGHT, day
from storage.model import MessageKind


@pytest.fixture(scope="module")
def said():
    return list(day(3, rooms=30, messages=6_000))


def test_day_is_deterministic(said):
    assert said == list(day(3, rooms=30, messages=6_000))
    assert said != list(day(4, rooms=30, messages=6_000))


def test_day_has_its_length_and_order(said):
    assert len(said) == 6_000
    assert [one.number for one in said] == list(range(6_000))
    assert [one.at for one in said] == sorted(one.at for one in said)
    assert said[-1].at - MIDNIGHT < timedelta(hours=24, minutes=5)
    assert all(one.at.tzinfo is not None for one in said)
    assert len({one.room for one in said}) > 25


def test_nearly_all_is_chitchat_that_can_be_found_by_its_words(said):
    chat = [one for one in said if not one.appeal]
    assert 0.95 <= len(chat) / len(said) < 1
    texts = [one.text for one in chat if one.text]
    assert min(len(text) for text in texts) >= 8
    assert len(set(texts)) > 0.98 * len(texts)
    appeals = {one.text for one in said if one.appeal}
    assert not appeals & set(texts)


def test_day_has_recalls_numbers_and_many_kinds(said):
    recalls = [one for one in said if one.kind is MessageKind.RECALL]
    assert len(recalls) > 40
    for one in recalls:
        earlier = said[one.recalls]
        assert earlier.at < one.at
        assert (earlier.room, earlier.sender) == (one.room, one.sender)
    chat = "\n".join(one.text for one in said if not one.appeal)
    assert set(re.findall(r"1\d{10}", chat))
    assert all(number.startswith("13800") for number in re.findall(r"(?<!\d)1\d{10}(?!\d)", chat))
    ids = re.findall(r"(?<!\d)519999\d{11}[\dX]", chat)
    assert len(ids) > 20
    kinds = {one.kind for one in said}
    assert kinds >= {MessageKind.TEXT, MessageKind.VOICE, MessageKind.IMAGE, MessageKind.CHAIN, MessageKind.LINK}


def test_reporters_do_not_chat_on_before_their_matter_is_settled(said):
    reported = {}
    for one in said:
        key = (one.room, one.sender)
        if one.appeal:
            reported[key] = one.at
        elif one.kind is not MessageKind.RECALL and key in reported:
            assert one.at - reported[key] >= HOLD
