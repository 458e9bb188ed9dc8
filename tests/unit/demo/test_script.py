"""The written hour: everybody in it exists, and the talk goes on in order."""

import re
from itertools import islice, takewhile

import pytest

from bot.demo import community, script
from bot.demo.script import Cue
from storage.model import MessageKind, Role, RoomKind

PEOPLE = community.load()
NATIVE = {MessageKind.CHAIN, MessageKind.PAT, MessageKind.TODO, MessageKind.RECALL, MessageKind.QUOTE}
OTHERS = {
    MessageKind.TEXT,
    MessageKind.VOICE,
    MessageKind.IMAGE,
    MessageKind.VIDEO,
    MessageKind.FILE,
    MessageKind.EMOTICON,
    MessageKind.CONTACT,
    MessageKind.FORWARD,
    MessageKind.LOCATION,
    MessageKind.MINI_PROGRAM,
    MessageKind.RED_PACKET,
    MessageKind.LINK,
    MessageKind.JOIN,
    MessageKind.LEAVE,
}


def test_two_dozen_groups_and_two_of_leaders():
    assert len(PEOPLE.resident_groups) == 24
    leader_groups = [group for group in PEOPLE.groups if group.kind is RoomKind.LEADER]
    assert [group.key for group in leader_groups] == ["G1", "G2"]
    assert len({group.grid for group in PEOPLE.resident_groups}) == 24


def test_every_grid_is_named_and_well_formed():
    codes = [code for code, _ in PEOPLE.grids]
    assert len(set(codes)) == len(codes)
    assert {len(code) for code in codes} == {12, 15, 18}
    assert all(code.startswith(PEOPLE.code) for code in codes)
    assert {group.grid for group in PEOPLE.groups} <= set(codes)


@pytest.mark.parametrize("group", PEOPLE.resident_groups, ids=lambda group: group.key)
def test_every_resident_group_has_leader_worker_and_property(group):
    assert {Role.MICRO_LEADER, Role.GRID_WORKER, Role.PROPERTY, Role.COMMUNITY} == {one.role for one in group.staff}
    assert all(group.grid.startswith(one.scope) for one in group.staff)
    assert len({one.nick for one in group.residents}) >= 6


def test_script_is_long_and_knows_its_people():
    lines = [(episode, line) for episode in script.episodes() for line in episode.lines]
    assert len(lines) >= 400
    for episode, line in lines:
        PEOPLE.group(episode.room).speaker(line.speaker)  # raises for a stranger


def test_script_has_every_kind_and_all_that_the_story_needs():
    lines = [line for episode in script.episodes() for line in episode.lines]
    assert {line.kind for line in lines} >= NATIVE | OTHERS
    assert {line.cue for line in lines} == set(Cue)
    commands = {line.text.split()[0] for line in lines if "{S}" in line.text}
    assert commands >= {"派单", "接单", "办结", "处置中"}
    appeals = sum(episode.appeal for episode in script.episodes())
    assert 30 <= appeals < len(script.episodes()) / 2  # mostly people just talk


def test_lines_stand_in_order_and_refer_back():
    for episode in script.episodes():
        moments = [line.after for line in episode.lines]
        assert moments == sorted(moments)
        for place, line in enumerate(episode.lines):
            assert line.ref is None or line.ref < place
            assert (line.ref is not None) == (line.kind in (MessageKind.RECALL, MessageKind.QUOTE))


def test_only_invented_numbers():
    every = [line.text for episode in script.episodes() for line in episode.lines]
    numbers = [number for text in every for number in re.findall(r"\d{7,}", text)]
    assert numbers
    assert all(re.fullmatch(r"13800\d{6}", number) for number in numbers)


def test_stream_is_ordered_and_repeats_itself():
    first = list(islice(script.stream(PEOPLE, 7), 1500))
    assert first == list(islice(script.stream(PEOPLE, 7), 1500))
    assert first != list(islice(script.stream(PEOPLE, 8), 1500))
    assert [line.at for line in first] == sorted(line.at for line in first)
    assert len({line.serial for line in first}) == len(first)


def test_stream_says_the_whole_script_and_goes_on():
    written = sum(len(episode.lines) for episode in script.episodes())
    hours = list(takewhile(lambda line: line.at < 4 * 3600, script.stream(PEOPLE, 1)))
    assert len(hours) > 2 * written
    late = [line for line in hours if line.at > 3 * 3600]
    assert {line.group.key for line in late} >= {group.key for group in PEOPLE.resident_groups}
    assert any(line.cue is Cue.TICKET for line in late)


def test_story_comes_at_its_time():
    lines = list(takewhile(lambda line: line.at < 600, script.stream(PEOPLE, 1)))
    smell = next(line for line in lines if "煤气味" in line.text)
    assert (smell.group.key, smell.at) == ("07", 62)
    dispatch = next(line for line in lines if line.text == "派单 {S} 物业 2h" and line.group.key == "03")
    assert (dispatch.at, dispatch.cue) == (66, Cue.TICKET)
