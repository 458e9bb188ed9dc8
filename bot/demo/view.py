"""The live picture of the demo: groups on the left, tickets and the bot's lines on the right, an input line below."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from rich.align import Align
from rich.cells import chop_cells
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.demo.board import Board, Spoken, Talk
from bot.demo.community import Group
from handlers import texts
from storage.model import PostKind, RoomKind, Ticket, TicketState, Urgency

# How far a ticket has come, as filled dots of five.
STEPS = {
    TicketState.CANDIDATE: 0,
    TicketState.FILED: 1,
    TicketState.ASSIGNED: 2,
    TicketState.ACCEPTED: 3,
    TicketState.IN_PROGRESS: 3,
    TicketState.HANDLED: 4,
    TicketState.CALLBACK: 4,
    TicketState.CLOSED: 5,
}
COLOURS = {
    TicketState.CANDIDATE: "magenta",
    TicketState.FILED: "yellow",
    TicketState.ASSIGNED: "bright_blue",
    TicketState.ACCEPTED: "cyan",
    TicketState.IN_PROGRESS: "cyan",
    TicketState.HANDLED: "bright_cyan",
    TicketState.CALLBACK: "bright_cyan",
    TicketState.CLOSED: "green",
}
# Reasons under which messages are let pass, as the counter line names them.
REASONS = {
    "chat": "闲聊",
    "ad": "广告",
    "ack": "收到",
    "thanks": "感谢",
    "done": "已好",
    "notice": "通知",
    "how_to": "问办法",
    "second_hand": "二手",
    "carpool": "拼车",
    "elsewhere": "别处",
    "private": "私事",
    "hyperbole": "夸张",
    "fiction": "影视",
    "drill": "演练",
    "rumour": "传言",
    "weak": "说不准",
    "hush": "嫌吵",
    "empty": "空",
    "chain": "接龙",
    "media": "图片",
    "recall": "撤回",
    "topic": "附议",
    "leader_room": "工作群",
    "staff": "工作人员",
    "near_miss": "指令不全",
    "opted_out": "不愿被记",
    "redpacket": "红包",
    "link": "链接",
    "emoticon": "表情",
    "pat": "拍一拍",
    "todo": "群待办",
    "mini-program": "小程序",
    "contact": "名片",
    "file": "文件",
    "video": "视频",
    "location": "位置",
    "forward": "转发",
    "join": "进群",
    "leave": "退群",
    "command": "指令",
    "denied": "没有权限",
}
# Reasons that leave something behind: a ticket, a step of one, an entry in the audit.
TAKEN = frozenset(
    {
        "ticket",
        "candidate",
        "joined",
        "reopened",
        "solved",
        "answered",
        "recalled",
        "call",
        "command",
        "denied",
    }
)
FLASH = 1.6  # seconds of the machine's clock that a change shines
NARROW = 100  # columns below which the picture is cut down
HINT = "6 电梯又坏了 = 居民在6群说    l6 派单 S1 物业 = 网格长    p6 接单 S1 = 物业    q 退出"
SHORT_HINT = "6 电梯坏了 · l6 派单 S1 物业 · p6 接单 S1 · q"


@dataclass(slots=True)
class View:
    """Draws the board. `typed` is the line being typed, None where nobody can type; `note` answers the last one."""

    board: Board
    speed: float
    typed: str | None = ""
    note: str = ""
    left: float | None = None  # seconds until the demo ends by itself
    _flash: timedelta = field(init=False)

    def __post_init__(self) -> None:
        self._flash = timedelta(seconds=FLASH * self.speed)

    def render(self, width: int, height: int) -> RenderableType:
        """The whole picture for a terminal of that size."""
        narrow = width < NARROW
        bottom = 4 if self.typed is not None else 2
        layout = Layout()
        layout.split_column(
            Layout(self._head(width), size=1),
            Layout(name="middle"),
            Layout(self._foot(width), size=bottom),
        )
        body = height - 1 - bottom
        left = max(30, width * 2 // 5) if narrow else min(56, width * 2 // 5)
        spoken = max(4, body // 4)
        layout["middle"].split_row(Layout(self._groups(body - 2, narrow=narrow), size=left), Layout(name="right"))
        panels = 1 if narrow else 2  # where there is little room, what leaders are told is left out
        inner = width - left - 4
        parts = [Layout(self._tickets(body - panels * spoken - 2, narrow=narrow))]
        parts += [
            Layout(self._spoken(spoken - 2, inner, public=public), size=spoken) for public in (True, False)[:panels]
        ]
        layout["right"].split_column(*parts)
        return layout

    # ---------------------------------------------------------------- the parts
    def _head(self, width: int) -> RenderableType:
        board = self.board
        head = Table.grid(expand=True)
        head.add_column(no_wrap=True)
        head.add_column(no_wrap=True, justify="right")
        title = Text.assemble((" 小格 ", "bold black on bright_green"), (f" {board.community.name} ", "bold"))
        if width >= NARROW:
            title.append(f"{len(board.community.groups)} groups · the real pipeline, simulated chat", "dim")
        clock = Text(f"{board.now:%H:%M:%S} ×{self.speed:g}", "bright_green")
        if self.left is not None:
            clock.append(f"  {max(0, self.left):.0f} s left", "dim")
        head.add_row(title, clock)
        return head

    def _groups(self, rows: int, *, narrow: bool) -> Panel:
        groups = list(self.board.community.groups)
        if len(groups) > rows:
            # Not all fit: those that spoke last, in their own order, so that lines do not jump about.
            latest = sorted(groups, key=self._last_spoken, reverse=True)[: max(rows, 1)]
            groups = [group for group in groups if group in latest]
        table = Table.grid(expand=True, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, width=2)
        table.add_column(no_wrap=True, width=1)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        for group in groups:
            talk = self.board.talk.get(group.key)
            fresh = talk is not None and self.board.now - talk.at < self._flash
            key = Text(group.key, "bold" if fresh else ("cyan" if group.kind is RoomKind.LEADER else "dim"))
            table.add_row(key, self._mark(talk), self._line(group, talk, fresh=fresh, narrow=narrow))
        return Panel(table, title="[b]群聊[/b] groups", title_align="left", border_style="bright_black", padding=(0, 1))

    def _last_spoken(self, group: Group) -> float:
        talk = self.board.talk.get(group.key)
        return talk.at.timestamp() if talk is not None else 0.0

    def _mark(self, talk: Talk | None) -> Text:
        if talk is None or not talk.tickets:
            return Text(" ")
        ticket = self.board.tickets.get(talk.tickets[0])
        if ticket is not None and ticket.urgency is Urgency.EMERGENCY:
            return Text("●", "bold red")
        return Text("●", "magenta" if talk.verdict == "candidate" else "yellow")

    def _line(self, group: Group, talk: Talk | None, *, fresh: bool, narrow: bool) -> Text:
        if talk is None:
            return Text(group.name if group.kind is RoomKind.LEADER else "", "bright_black")
        nick = talk.nick.split()[-1] if narrow else talk.nick
        if talk.tickets or talk.verdict == "command":
            words = "bold" if fresh else ""
        else:
            words = "white" if fresh else "bright_black"
        return Text.assemble((f"{nick} ", "cyan" if fresh else "bright_black"), (talk.text, words))

    def _tickets(self, rows: int, *, narrow: bool) -> Panel:
        board = self.board
        order = sorted(
            board.tickets.values(), key=lambda ticket: (board.changed[ticket.number], ticket.number), reverse=True
        )
        shown = sorted(order[: max(rows, 1)], key=lambda ticket: ticket.number, reverse=True)
        table = Table.grid(expand=True, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, width=4, justify="right")
        if not narrow:
            table.add_column(no_wrap=True, width=5)
        table.add_column(no_wrap=True, width=8)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        table.add_column(no_wrap=True, justify="right")
        for ticket in shown:
            table.add_row(*self._ticket(ticket, narrow=narrow))
        title = f"[b]诉求[/b] tickets [yellow]{len(board.filed)}[/]  待确认 [magenta]{len(board.candidates)}[/]"
        done = sum(ticket.state is TicketState.CLOSED for ticket in board.filed)
        body: RenderableType = table if shown else Align.center(Text("等人开口…", "dim"), vertical="middle")
        return Panel(
            body, title=f"{title}  结案 [green]{done}[/]", title_align="left", border_style="yellow", padding=(0, 1)
        )

    def _ticket(self, ticket: Ticket, *, narrow: bool) -> list[RenderableType]:
        fresh = self.board.now - self.board.changed[ticket.number] < self._flash
        colour = COLOURS.get(ticket.state, "bright_black")
        urgent = ticket.urgency is Urgency.EMERGENCY
        where = f"{self.board.origin.get(ticket.number, '')}群"
        subject = Text.assemble(("应急 " if urgent else "", "bold red"))
        subject.append(self.board.subject(ticket), "bold" if fresh else "")
        people = Text(f"×{ticket.reporters}" if ticket.reporters > 1 else "", "bright_black")
        if not narrow:
            people.append(f" {where}", "bright_black")
        filled = STEPS.get(ticket.state, 0)
        dots = Text.assemble(("●" * filled, colour), ("○" * (5 - filled), "bright_black"))
        state = Text(texts.STATE[ticket.state], f"bold reverse {colour}" if fresh else colour)
        number = Text(ticket.id, "bold red" if urgent else "bold")
        return [number, state, subject, people] if narrow else [number, dots, state, subject, people]

    def _spoken(self, rows: int, columns: int, *, public: bool) -> Panel:
        """The newest lines that fit, the oldest of them first; a long one takes two rows."""
        shown: list[Text] = []
        for line in reversed([line for line in self.board.spoken if line.public is public]):
            wrapped = self._words(line, columns)
            rows -= wrapped.plain.count("\n") + 1
            if rows < 0 and shown:
                break
            shown.append(wrapped)
        body = Stack(*reversed(shown))
        name, count, colour = (
            ("小格在群里说", self.board.replies, "bright_green")
            if public
            else ("告诉网格长", self.board.leader_lines, "bright_blue")
        )
        return Panel(
            body, title=f"[b]{name}[/b] [{colour}]{count}[/]", title_align="left", border_style=colour, padding=(0, 1)
        )

    def _words(self, line: Spoken, columns: int) -> Text:
        """Where it went and what it says, cut into at most two rows of `columns` cells."""
        where = f"{line.place} "
        words = Text(where + " ".join(line.text.split()))
        words.truncate(2 * columns - 2, overflow="ellipsis")
        fresh = self.board.now - line.at < self._flash
        urgent = line.kind is PostKind.EMERGENCY or "【应急" in line.text
        text = Text("\n".join(chop_cells(words.plain, columns)[:2]), "bold red" if urgent else "bold" if fresh else "")
        text.stylize("not bold bright_black", 0, len(where))
        text.no_wrap = True
        return text

    def _foot(self, width: int) -> RenderableType:
        board = self.board
        passed = Text.assemble((" 听到 ", "dim"), (f"{board.said}", "bold"), ("  没有留下 ", "dim"))
        let_pass = [(reason, count) for reason, count in board.heard.most_common() if reason not in TAKEN]
        passed.append(f"{sum(count for _, count in let_pass)}", "bold green")
        for reason, count in let_pass:
            passed.append(f"  {REASONS.get(reason, reason)} ", "dim").append(str(count))
        passed.no_wrap, passed.overflow = True, "ellipsis"
        if self.typed is None:
            return Stack(passed, Text(" Ctrl-C 结束", "dim"))
        hint = self.note or (HINT if width >= NARROW else SHORT_HINT)
        shown = self.typed or ""
        prompt = Text.assemble((" ❯ ", "bold bright_green"), shown, ("▏", "blink bright_green"))
        prompt.no_wrap, prompt.overflow = True, "crop"
        if not shown:
            prompt.append(f" {hint}", "yellow" if self.note else "bright_black")
        return Stack(passed, Panel(prompt, border_style="bright_black", padding=0))
