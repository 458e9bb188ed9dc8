"""The board keeps what is to be seen; the picture fits the terminal."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from bot.demo import community
from bot.demo.board import Board, sight
from bot.demo.view import View
from nlp import categories
from storage.model import (
    Lane,
    Level,
    Message,
    MessageKind,
    Nature,
    Outgoing,
    Place,
    PostKind,
    SendState,
    Ticket,
    TicketState,
    Urgency,
)

NOW = datetime(2025, 6, 12, 1, 5, tzinfo=UTC)
PEOPLE = community.load()


def message(text, kind=MessageKind.TEXT, room="03", identity="m1"):
    group = PEOPLE.group(room)
    speaker = (group.residents or group.staff)[0]
    return Message("demo", identity, kind, group.id, speaker.id, NOW, text, speaker.nick)


def ticket(number, state=TicketState.FILED, urgency=Urgency.ROUTINE, **more):
    return Ticket(
        number=number,
        state=state,
        category="0101",
        urgency=urgency,
        nature=Nature.HELP,
        level=Level.GRID,
        grid=PEOPLE.group("3").grid,
        room_id=3,
        place=Place(building="3", unit="2"),
        confidential=False,
        reported_at=NOW,
        filed_at=NOW,
        **more,
    )


def outgoing(text, kind=PostKind.ACK, room="03"):
    return Outgoing(
        1,
        "ack:S1",
        "demo",
        PEOPLE.group(room).id,
        text,
        kind,
        Lane.REPLY,
        SendState.SENT,
        not_before=NOW,
        created_at=NOW,
    )


@pytest.fixture
def board():
    return Board(PEOPLE, dict(categories.load()), NOW)


def test_board_counts_why_messages_were_let_pass(board):
    for number, reason in enumerate(["chat", "chat", "ad"]):
        said = message("今天天气真好呀", identity=f"m{number}")
        board.say(PEOPLE.group("3"), said)
        board.judge(said, reason, ())
    assert (board.said, board.heard["chat"], board.heard["ad"]) == (3, 2, 1)
    assert board.talk["03"].verdict == "ad"


def test_board_tells_what_became_of_tickets(board):
    said = message("电梯又坏了")
    board.say(PEOPLE.group("3"), said)
    board.judge(said, "ticket", (1,))
    assert board.stale
    assert [step.before for step in board.update([ticket(1)])] == [None]
    assert not board.stale
    assert board.update([ticket(1)]) == []
    (step,) = board.update([ticket(1, TicketState.ASSIGNED)])
    assert (step.before.state, step.ticket.state) == (TicketState.FILED, TicketState.ASSIGNED)
    (step,) = board.update([ticket(1, TicketState.ASSIGNED, reporters=2)])
    assert step.ticket.reporters == 2
    assert board.origin == {1: "03"}
    assert "3栋2单元" in board.subject(board.tickets[1])


def test_board_tells_public_lines_from_those_to_leaders(board):
    assert board.speak(outgoing("已登记"), NOW).public
    assert not board.speak(outgoing("【诉求】", PostKind.PRIVATE, "G1"), NOW).public
    assert (board.replies, board.leader_lines) == (1, 1)


def test_native_messages_are_shown_in_a_word():
    assert sight(message("", MessageKind.IMAGE)) == "[图片]"
    assert sight(message("#接龙\n周六包粽子\n1. 甲\n2. 乙", MessageKind.CHAIN)) == "[接龙] 周六包粽子（2人）"
    assert sight(message("「甲：电梯坏了」\n- - - - - -\n+1", MessageKind.QUOTE)) == "+1"
    assert sight(message("楼上  又在\n钻墙", MessageKind.VOICE)) == "[语音] 楼上 又在 钻墙"


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (200, 60), (60, 16)])
def test_picture_fits_the_terminal(board, width, height):
    for group in PEOPLE.groups:
        board.say(group, message("一句很长的话" * 20, room=group.key))
    board.update([ticket(number, urgency=Urgency.EMERGENCY) for number in range(1, 30)])
    board.speak(outgoing("@李姐 已登记 S29 电梯故障，" + "办好了会来问您。" * 9), NOW)
    console = Console(width=width, height=height, record=True, force_terminal=True, file=StringIO())
    console.print(View(board, 24, "3 门禁坏了").render(width, height), height=height)
    lines = console.export_text().splitlines()
    assert len(lines) == height
    assert any("S29" in line for line in lines)
    assert "3 门禁坏了" in "\n".join(lines)
    assert sum("@李姐" in line for line in lines) == 1


def test_viewer_without_keyboard_gets_no_input_line(board):
    console = Console(width=100, height=30, record=True, force_terminal=True, file=StringIO())
    board.now = NOW + timedelta(hours=1)
    console.print(View(board, 24, None).render(100, 30), height=30)
    text = console.export_text()
    assert "❯" not in text
    assert "Ctrl-C" in text
