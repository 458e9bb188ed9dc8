"""The command line: help at once, faults in one line with their cure, never a traceback."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
import typer

from bot import cli, errors
from handlers.texts import STATE_BY_LABEL
from storage import people, signups, supplies, tickets
from storage import signup_entries as rosters
from storage.engine import Store, Tx
from storage.model import (
    Level,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.testing import fresh_store, url_of
from tests.unit.conftest import Invoke
from tests.unit.ports import silent_port

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
CONFIG = """
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:1"
token = "t"
[[grids]]
code = "519999001001003012"
name = "12微网格"
[[people]]
name = "刘姐"
role = "微网格长"
scope = "519999001001003012"
"""


A_DAY = "write a day like 2026-11-01 or a time like 2026-11-01T18:00"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A configuration and a database with one ticket."""
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "var").mkdir()

    async def work() -> None:
        async with await fresh_store(tmp_path / "var") as store:
            await store.write(one_ticket)

    asyncio.run(work())
    return tmp_path


async def one_ticket(tx: Tx) -> None:
    person = await people.ensure(tx, "wx1", "u1", nick="老周", friend=False)
    ticket = await tickets.file(
        tx,
        NewTicket(
            state=TicketState.FILED,
            category="0101",
            urgency=Urgency.ROUTINE,
            nature=Nature.HELP,
            level=Level.GRID,
            grid="519999001001003012",
            room_id=None,
            place=Place(building="3"),
            confidential=False,
            reported_at=NOW,
            filed_at=NOW,
            ack_due=None,
            due=None,
        ),
    )
    await tickets.add_reporter(tx, ticket.number, person.id, None, NOW, nick="老周", contact="13800001234")
    said = TicketMessage(ticket.number, "wx1", "m1", None, person.id, MessageKind.TEXT, NOW, "3栋电梯坏了")
    await tickets.add_message(tx, said)


def commands(app: typer.Typer, before: str = "") -> list[str]:
    """Every command as it is typed."""
    group = typer.main.get_command(app)

    def walk(command: object, name: str) -> list[str]:
        inner = getattr(command, "commands", None)
        if inner is None:
            return [name]
        return [found for key, one in inner.items() for found in walk(one, f"{name} {key}".strip())]

    return walk(group, before)


def python(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A Python of its own, in the checkout."""
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=Path(__file__).parents[2],
    )


def imported(command: str, stdin: str = "") -> tuple[list[str], str]:
    """What a command prints, and which of the heavy modules it imported."""
    program = (
        f"import sys; sys.argv = ['xiaoge', '{command}']\n"
        "from bot.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = 'sqlalchemy wechaty wechaty_grpc grpclib aiohttp jieba'.split()\n"
        "print(' '.join(name for name in heavy if name in sys.modules) or 'none')"
    )
    *lines, modules = python("-c", program, stdin=stdin).stdout.splitlines()
    return lines, modules


# --- help ---
def test_the_commands_are_the_promised_ones() -> None:
    assert set(commands(cli.app)) == {
        "demo",
        "run",
        "replay",
        "classify",
        "evaluate",
        "export tickets",
        "export roster",
        "export wishes",
        "export contributions",
        "export worklog",
        "export points",
        "export supplies",
        "import grids",
        "import people",
        "import rooms",
        "import owners",
        "import duty",
        "report",
        "audit verify",
        "backup",
        "doctor",
        "bind-code",
        "lexicon check",
        "lexicon dry-run",
        "lexicon export",
        "lexicon install",
        "lexicon list",
        "lexicon review",
        "lexicon rollback",
        "outbox list",
        "outbox settle",
        "outbox retry",
        "outbox drop",
        "accounts list",
        "accounts rooms",
        "accounts retire",
        "accounts revive",
        "notices list",
        "notices attach",
        "notices report",
        "notices watch",
        "alerts try",
        "sync status",
        "sync forget",
        "sync push",
        "sync replay",
        "sync reconcile",
        "sync settle",
        "status",
    }


@pytest.mark.parametrize("command", commands(cli.app))
def test_every_help_has_examples(invoke: Invoke, command: str) -> None:
    result = invoke(*command.split(), "--help")
    assert result.code == 0
    assert "Examples:" in result.out
    assert f"xiaoge {command}" in result.out.split("Examples:")[1]


def test_help_comes_at_once_and_imports_nothing_heavy() -> None:
    assert imported("--help")[1] == "none"
    spent = []
    for _ in range(3):
        before = os.times()
        assert python("-m", "bot", "--help").returncode == 0
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    # 0.2 s of a processor, which other tests do not take away; the best of three.
    assert min(spent) < 1.0


def test_the_version(invoke: Invoke) -> None:
    assert invoke("--version").out.startswith("xiaoge 0.")


# --- classify ---
def test_classify_needs_no_database_and_no_wechaty() -> None:
    lines = '{"text": "3栋2单元电梯又坏了"}\n\n{"text": "晚上吃火锅不", "nick": "老周"}\n'
    (first, second), modules = imported("classify", lines)
    assert json.loads(first)["label"] == "ticket"
    assert json.loads(first)["building"] == "3"
    assert json.loads(second)["label"] == "drop"
    assert modules in ("none", "jieba")


def test_classify_names_the_line_that_it_cannot_read(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "好"}\n{"words": 1}\n', encoding="utf-8")
    result = invoke("classify", "in.jsonl")
    assert result.code == 2
    assert len(result.out.splitlines()) == 1
    assert result.err.startswith('xiaoge: line 2: no "text"')
    (tmp_path / "gbk.jsonl").write_bytes('{"text": "电梯"}'.encode("gbk"))
    assert invoke("classify", "gbk.jsonl").err == "xiaoge: the input is not UTF-8 text; save it as UTF-8\n"


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "好的好的好的"}\n' * 5000, encoding="utf-8")
    command = f"{sys.executable} -m bot classify {path} | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


# --- evaluate ---
@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "dev_block.jsonl"
    path.write_text(
        '{"text": "3栋2单元电梯又坏了，[b]打13812345678[/b]", "label": "appeal", "cat": "电梯"}\n'
        '{"text": "中午吃什么", "label": "chat"}\n{"text": "楼道灯坏了好几天", "label": "chat"}\n',
        encoding="utf-8",
    )
    return path


def test_evaluate_shows_measures_and_errors(invoke: Invoke, labelled: Path) -> None:
    result = invoke("evaluate", labelled)
    assert (result.code, result.err) == (0, "")
    assert "block: 3 messages" in result.out
    assert re.search(r"ticket_false_rate\s*│ 0\.500", result.out)
    assert "false ticket: 1" in result.out
    assert "楼道灯坏了好几天" in result.out
    assert "楼道灯坏了好几天" not in invoke("evaluate", labelled, "--errors", 0).out


def test_evaluate_for_machines(invoke: Invoke, labelled: Path) -> None:
    report = json.loads(invoke("evaluate", labelled, "--json").out)
    assert report["measures"]["block"]["found_recall"] == 1
    assert report["sources"]["block"]["confusion"]["chat"] == {"ticket": 1, "candidate": 0, "drop": 1}


def test_evaluate_fails_below_a_floor_and_names_it(invoke: Invoke, labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "floors.toml").write_text(
        "[block]\nfound_recall = { least = 1.0 }\nticket_false_rate = { most = 0.1 }\n", encoding="utf-8"
    )
    result = invoke("evaluate", labelled, "--floors", "floors.toml")
    assert result.code == 1
    assert result.err == "xiaoge: below its floor: block.ticket_false_rate: 0.5, not ≤ 0.1\n"
    assert re.search(r"found_recall\s*│ 1\.000\s*│ ≥ 1\s*│ holds", result.out)
    (tmp_path / "floors.toml").write_text("[block]\nfound_recall = 1\n", encoding="utf-8")
    result = invoke("evaluate", labelled, "--floors", "floors.toml")
    assert (result.code, result.err) == (
        2,
        "xiaoge: floors.toml: block.found_recall: write { least = NUMBER } or { most = NUMBER }\n",
    )


def test_evaluate_needs_no_database_and_no_wechaty(labelled: Path) -> None:
    assert imported(f"evaluate', '{labelled}', '--json")[1] in ("none", "jieba")


# --- export ---
def test_export_to_a_file_by_its_name(invoke: Invoke, place: Path) -> None:
    result = invoke("export", "tickets", "-o", "台账.xlsx")
    assert (result.code, result.err) == (0, "1 tickets in 台账.xlsx\n")
    sheet = openpyxl.load_workbook(place / "台账.xlsx").active
    assert [sheet["B2"].value, sheet["I2"].value] == ["S1", "138****1234"]


def test_export_of_a_roster(invoke: Invoke, place: Path) -> None:
    async def sign(tx: Tx) -> None:
        signup = await signups.create(tx, signups.NewSignup("理发"), NOW)
        await rosters.sign(tx, signup.number, name="李姐", heads=2, at=NOW)
        await rosters.settle(tx, signup.number)

    async def work() -> None:
        async with await Store.open(url_of(place / "var" / "xiaoge.db")) as store:
            await store.write(sign)

    asyncio.run(work())
    result = invoke("export", "roster", "H1", "-o", "名单.xlsx")
    assert (result.code, result.err) == (0, "1 entries in 名单.xlsx\n")
    sheet = openpyxl.load_workbook(place / "名单.xlsx").active
    assert (sheet.title, sheet["B2"].value, sheet["D2"].value) == ("H1名单", "李姐", 2)
    for item, said in (("H9", "there is no activity H9"), ("S1", "like H3, got S1")):
        wrong = invoke("export", "roster", item, "-o", "x.xlsx")
        assert wrong.code != 0
        assert said in wrong.err
        assert "Traceback" not in wrong.err


def test_export_of_supplies(invoke: Invoke, place: Path) -> None:
    async def ask(tx: Tx) -> None:
        person = await people.ensure(tx, "a1", "u1", nick="3-1-302 李姐", friend=False)
        said = {"room_id": None, "note": "", "account": "a1", "message_id": "m1", "at": NOW}
        need = {"kind": supplies.SupplyKind.NEED, "thing": "米", "amount": 2, "unit": "袋", "building": "3"}
        await supplies.register(tx, grid="519999001001003012", person_id=person.id, **need, **said)

    async def work() -> None:
        async with await Store.open(url_of(place / "var" / "xiaoge.db")) as store:
            await store.write(ask)

    asyncio.run(work())
    result = invoke("export", "supplies", "-o", "物资.xlsx")
    assert (result.code, result.err) == (0, "1 needs and offers in 物资.xlsx\n")
    sheet = openpyxl.load_workbook(place / "物资.xlsx").active
    assert [sheet[cell].value for cell in ("B2", "D2", "E2", "G2")] == ["W1", "米", 2, "3栋"]
    assert "李姐" not in str(list(sheet.iter_rows(values_only=True)))
    assert invoke("export", "supplies", "--grid", "52", "-o", "x.xlsx").err == "0 needs and offers in x.xlsx\n"
    assert "first digits of a grid code" in invoke("export", "supplies", "--grid", "三", "-o", "y.xlsx").err


def test_export_to_standard_output(invoke: Invoke, place: Path) -> None:
    rows = json.loads(invoke("export", "tickets", "--format", "json").out)
    assert rows[0]["编号"] == "S1"
    assert rows[0]["反映时间"] == "2026-11-20T12:00:00+08:00"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "2026-11-20", "--until", "2026-11-20"], 1),
        (["--until", "2026-11-19"], 0),
        (["--since", "2026-11-20T12:00"], 1),
        (["--since", "2026-11-20T12:01"], 0),
        (["--until", "2026-11-20T12:00"], 0),
        (["--state", "受理"], 1),
        (["--state", "filed", "--state", "结案"], 1),
        (["--state", "结案"], 0),
        (["--grid", "5199990010010"], 1),
        (["--grid", "52"], 0),
    ],
)
def test_export_filters(invoke: Invoke, place: Path, options: list[str], found: int) -> None:
    assert len(json.loads(invoke("export", "tickets", "--format", "json", *options).out)) == found


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--format", "pdf"], "--format: must be xlsx, csv or json, got pdf"),
        (["--since", "last week"], f"--since: {A_DAY}, got last week"),
        (["--until", "2026-13-01"], f"--until: {A_DAY}, got 2026-13-01"),
        (["--grid", "x"], "--grid: must be the first digits of a grid code, got x"),
        (["--state", "办完"], f"--state: must be one of {'、'.join(STATE_BY_LABEL)}, got 办完"),
        (["-o", "no/where.csv"], "no/where.csv: no such file or directory; check the path"),
    ],
)  # fmt: skip
def test_export_says_what_is_wrong(invoke: Invoke, place: Path, options: list[str], line: str) -> None:
    result = invoke("export", "tickets", *options)
    assert (result.code, result.err) == (2, f"xiaoge: {line}\n")


# --- report ---
def test_report_to_standard_output(invoke: Invoke, place: Path) -> None:
    page = invoke("report", "week", "--date", "2026-11-18", "--exact").out
    assert page.startswith("# 全部网格 周报 2026-11-16")
    assert "| 设施维修/电梯故障 | 1 |" in page
    document = json.loads(invoke("report", "day", "--date", "2026-11-20", "--grid", "5199990010", "-f", "json").out)
    assert (document["kind"], document["whole"]["filed"]) == ("day", None)  # one is too few to tell
    assert document["until"] == "2026-11-21T00:00:00+08:00"


def test_report_to_a_file_by_its_name(invoke: Invoke, place: Path) -> None:
    result = invoke("report", "month", "--date", "2026-11-01", "-o", "11月.xlsx")
    assert (result.code, result.err) == (0, "the month's report is in 11月.xlsx\n")
    assert openpyxl.load_workbook(place / "11月.xlsx").sheetnames == ["合计", "网格", "类别", "逐日"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["year"], "PERIOD: must be day, week or month, got year"),
        (["week", "--format", "pdf"], "--format: must be md, xlsx or json, got pdf"),
        (["week", "--date", "yesterday"], f"--date: {A_DAY}, got yesterday"),
        (["month", "--date", "9999-12-31"], "--date: must be of the years 2000..2199, got 9999-12-31"),
        (["week", "--grid", "x"], "--grid: must be the first digits of a grid code, got x"),
        (["week", "-o", "no/where.md"], "no/where.md: no such file or directory; check the path"),
    ],
)  # fmt: skip
def test_report_says_what_is_wrong(invoke: Invoke, place: Path, options: list[str], line: str) -> None:
    result = invoke("report", *options)
    assert (result.code, result.err) == (2, f"xiaoge: {line}\n")


# --- the others, on a store ---
def test_audit_verify(invoke: Invoke, place: Path) -> None:
    assert invoke("audit", "verify").out == "audit: 0 entries, unbroken\n"


def test_backup(invoke: Invoke, place: Path) -> None:
    result = invoke("backup", "copy.db")
    assert result.code == 0
    assert "copy.db.key: checked" in result.out
    again = invoke("backup", "copy.db")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "is there already" in again.err


def test_doctor_ends_with_1_on_a_fault(invoke: Invoke, place: Path) -> None:
    result = invoke("doctor")
    assert result.code == 1
    assert "start the gateway or mend endpoint" in result.out
    (place / "config.toml").write_text(CONFIG[CONFIG.index("[[grids]]") :], encoding="utf-8")
    assert invoke("doctor").code == 0


def test_bind_code_beside_a_running_bot(invoke: Invoke, place: Path) -> None:
    """The bot holds the database; the code it did not make works in it."""
    url = url_of(place / "var" / "xiaoge.db")
    ready = place / "ready"
    bot = (
        "import asyncio, sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from storage.engine import Store; from storage import binding\n"
        "async def main():\n"
        f"    store = await Store.open({url!r}); Path({str(ready)!r}).touch()\n"
        "    code = (await asyncio.to_thread(sys.stdin.readline)).strip()\n"
        "    bind = lambda tx: binding.bind(tx, code, 'wx1', 'wxid_liu', datetime.now(UTC))\n"
        "    person = await store.write(bind); await store.close(); print(person.name, len(person.grants))\n"
        "asyncio.run(main())"
    )
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", bot], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < deadline:
            os.sched_yield()
        result = invoke("bind-code", "刘姐")
        assert result.code == 0, result.err
        assert result.out.startswith("绑定 ")
        out, _ = running.communicate(result.out.split()[1] + "\n", timeout=60)
    finally:
        running.kill()
    assert out == "刘姐 1\n"


def test_bind_code_says_who_is_known(invoke: Invoke, place: Path) -> None:
    result = invoke("bind-code", "张三")
    assert (result.code, result.err) == (
        2,
        "xiaoge: nobody under [[people]] or in an imported table is named 张三; known are 刘姐\n",
    )
    assert invoke("bind-code", "刘姐", "--valid", "soon").code == 2


# --- faults ---
@pytest.mark.parametrize(
    "arguments",
    [["run"], ["export", "tickets", "-o", "x.csv"], ["audit", "verify"], ["backup", "x.db"], ["outbox", "list"]],
)
def test_no_configuration_is_one_line(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.code == 2
    assert result.err == "xiaoge: config.toml: not found; copy config.example.toml to config.toml and fill it in\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "tickets", "-o", "x.csv"],
        ["audit", "verify"],
        ["backup", "x.db"],
        ["outbox", "list"],
        ["bind-code", "刘姐"],
    ],
)
def test_no_database_is_one_line(invoke: Invoke, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    result = invoke(*arguments)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "does not exist: check the path, or start the bot once to make it" in result.err


def test_faults_of_the_configuration_are_a_line_each(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[pacing]\nper_minute = 0\nper_hour = 0\n", encoding="utf-8")
    assert invoke("audit", "verify").err.splitlines() == [
        "xiaoge: config.toml: [pacing] per_minute: must be 1..60, got 0",
        "xiaoge: config.toml: [pacing] per_hour: must be 1..1000, got 0",
    ]


def test_the_configuration_may_come_from_the_environment(
    invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    monkeypatch.setenv("XIAOGE_CONFIG", str(place / "config.toml"))
    assert invoke("audit", "verify").code == 0


def test_replay_of_nothing_is_one_line(invoke: Invoke) -> None:
    result = invoke("replay", "scenes.jsonl")
    assert (result.code, result.err) == (2, "xiaoge: scenes.jsonl: no such file or directory; check the path\n")


def test_run_without_a_gateway_ends_with_one_line(tmp_path: Path) -> None:
    waits = '[bot]\ngateway_wait_seconds = 1\n[log]\nlevel = "error"\n'
    with silent_port() as port:
        text = CONFIG.replace("127.0.0.1:1", f"127.0.0.1:{port}") + waits
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        done = python("-m", "bot", "run", "--config", tmp_path / "config.toml")
    assert done.returncode == 2, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("xiaoge: no gateway answered within 1 s")]
    assert "Traceback" not in done.stderr


def test_what_nobody_foresaw_goes_to_a_file(invoke: Invoke, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_tx: object) -> None:
        raise ZeroDivisionError("13812345678")

    monkeypatch.setattr("storage.audit.verify", broken)
    result = invoke("audit", "verify")
    assert result.code == 70
    assert result.err.startswith(
        "xiaoge: something nobody foresaw: ZeroDivisionError; the details are in var/xiaoge-error-"
    )
    kept = next((place / "var").glob("xiaoge-error-*.log"))
    assert "ZeroDivisionError" in kept.read_text(encoding="utf-8")
    assert "13812345678" not in kept.read_text(encoding="utf-8")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_every_error_with_words_of_its_own_exists() -> None:
    """They are looked up by name; a renamed one would become a traceback."""
    for module, name in errors.SPEAKING:
        assert issubclass(getattr(importlib.import_module(module), name), Exception)


def test_a_refused_token_comes_with_its_cure() -> None:
    from bot.transports.base import Offline, Rejected

    line = errors.explain(Rejected("the gateway refuses the token"))
    assert line is not None
    assert line.startswith("the gateway refuses the token: put the gateway's own token into [[accounts]]")
    assert errors.explain(Rejected("refused: mend it")) == "refused: mend it"
    assert errors.explain(Offline("no link; mend it")) == "no link; mend it"


def test_errors_are_explained_through_groups() -> None:
    from bot.settings import ConfigError

    one = ConfigError("mend it")
    assert errors.explain(ExceptionGroup("x", [ExceptionGroup("y", [one])])) == "mend it"
    assert errors.explain(ExceptionGroup("x", [one, OSError(28, "No space left on device")])) == (
        "mend it\nno space left on device; free some space and repeat"
    )
    assert errors.explain(ExceptionGroup("x", [one, ZeroDivisionError()])) is None
