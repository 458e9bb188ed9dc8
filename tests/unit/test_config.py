"""Settings: what a file says, every fault on a line of its own, nothing undocumented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from bot.app import budget_of
from bot.config import Config, ConfigError, load
from bot.settings import Sections, Upstream
from handlers.workdays import Day
from nlp import categories
from storage.model import Grant, Role

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"

GRIDS = """
[[grids]]
code = "519999001001"
name = "青禾社区"
[[grids]]
code = "519999001001003012"
name = "12微网格"
"""
ACCOUNT = """
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:8788"
token = "t"
"""


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value).splitlines()


def every_key(struct: type[msgspec.Struct], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key that may stand in the file, with the tables above it."""
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        inner: Any = hint
        if get_origin(hint) in (tuple, dict):
            inner = get_args(hint)[0 if get_origin(hint) is tuple else 1]
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from every_key(inner, (*path, field.encode_name))
        else:
            yield (*path, field.encode_name)


def keys_written(text: str) -> set[tuple[str, ...]]:
    """Keys of a TOML text, those behind a # too, with the table they stand under."""
    found: set[tuple[str, ...]] = set()
    table: tuple[str, ...] = ()
    for line in text.splitlines():
        if header := re.match(r"(?:# )?\[+([a-z_.]+)\]+", line):
            table = tuple(header[1].split("."))
        elif key := re.match(r"(?:# ?)?([a-z_]+) *= ", line):
            found.add((*table, key[1]))
            grants = re.findall(r"\{(.*)\}", line)
            found |= {(*table, key[1], inner) for part in grants for inner in re.findall(r"([a-z]+) =", part)}
        elif inline := re.match(r"  \{(.*)\}", line):
            found |= {(*table, "grants", inner) for inner in re.findall(r"([a-z]+) =", inline[1])}
    return found


def test_the_example_loads() -> None:
    config = load(EXAMPLE)
    assert config.rooms[0].grid == config.grids[2].code
    assert config.people[1].all_grants() == (
        Grant(Role.COMMUNITY, "519999001001"),
        Grant(Role.PARTY_MEMBER, "519999001001003"),
    )


def test_the_example_with_its_optional_keys_loads(tmp_path: Path) -> None:
    """What is offered behind a # is right, too, once a person has chosen one of the three ways to give a token."""
    text = EXAMPLE.read_text(encoding="utf-8")
    text = re.sub(
        r"^# ((?:im|lexicon|file|token_file) *=|(?:categories|tls_ca) *= \"(?!var/platform))",
        r"\1",
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(r"^token_env.*$", "", text, flags=re.MULTILINE)
    config = read(tmp_path, text)
    assert config.accounts[0].token_file == str(tmp_path / "var/wx1.token")
    assert config.people[0].im_ids() == (("wx1", "wxid_liu"),)
    assert config.log.file == str(tmp_path / "var/xiaoge.log")


def test_the_example_of_a_platform_above_loads(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    before, _, rest = text.partition("[sync]\n")
    section, _, after = rest.partition("[alerts]\n")
    section = re.sub(r"^# (?=\[|[a-z_]+ = )", "", section, flags=re.MULTILINE)
    section = re.sub(r"^(secret_file|secret|folder) = .*$", "", section, flags=re.MULTILINE)
    config = read(tmp_path, f"{before}[sync]\n{section}[alerts]\n{after}")
    (upstream,) = config.upstreams
    assert config.sync.source == "519999001001"
    assert upstream.codes == {"05": "A03", "default": "A99"}
    shown = msgspec.to_builtins(upstream)
    defaults = msgspec.to_builtins(Upstream(name="x"))
    plain = ("kind", "formats", "batch", "timeout_seconds", "wait_seconds", "gzip", "reporter")
    assert {key: shown[key] for key in plain} == {key: defaults[key] for key in plain}


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ('url = "https://a.example"', "#1 secret: give one of secret, secret_env, secret_file, got 0 of them"),
        ('secret = "s"', '#1 url: missing: kind = "http" needs it'),
        ('url = "ftp://a.example"\nsecret = "s"', '#1 url: must be like "https://platform.example/api"'),
        ('url = "https://u:pw@a.example"\nsecret = "s"', "got one with a user or a password"),
        ('url = "https://a.example:99999"\nsecret = "s"', "got an address that cannot be read"),
        ('kind = "folder"', '#1 folder: missing: kind = "folder" needs the folder'),
        ('kind = "folder"\nfolder = "x"\nsecret = "s"', '#1 secret: is for kind = "http", leave it out'),
        ('kind = "folder"\nfolder = "x"\nformats = ["xlsx"]', "#1 formats: must be a list of one of csv, json"),
        ('kind = "folder"\nfolder = "x"\ncodes = { "5x" = "A" }', '#1 codes: "5x" is no category code'),
        ('kind = "folder"\nfolder = "x"\nfields = { "texts" = "" }', '#1 fields: there is no field "texts"'),
        ('kind = "folder"\nfolder = "x"\nfields = { "text" = "state" }', 'the name "state" is taken already'),
        ('url = "https://a.example"\nsecret = "s"\nfields = { "id" = "n" }', '#1 fields: "id" keeps its name'),
        ('url = "https://a.example"\nsecret = "s"\nlevels = ["city"]', "#1 levels: must be a list of one of grid"),
    ],
)
def test_platforms_above_are_checked(tmp_path: Path, keys: str, line: str) -> None:
    (found,) = faults(tmp_path, f'[sync]\nsource = "here"\n[[upstreams]]\nname = "street"\n{keys}\n')
    assert line in found
    assert "pw@" not in found


ALERTS = '[alerts]\nlisten = "127.0.0.1:8791"\n[[alerts.sources]]\nname = "gas"\ncategory = "0502"\n'


def test_the_example_of_devices_loads(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    section = text.partition("[alerts]\n")[2].partition("[nlp]\n")[0]
    section = re.sub(r"^# (?=\[|[a-z_]+ = )", "", section, flags=re.MULTILINE)
    section = re.sub(r"^secret(_file)? = .*$", "", section, flags=re.MULTILINE)
    config = read(tmp_path, f"[alerts]\n{section}")
    (source,) = config.alerts.sources
    assert (config.alerts_listen, source.label, source.notice) == ("127.0.0.1:8791", "燃气监测", True)
    assert source.devices["g-0031"].place == "3栋2单元"


def test_alerts_are_heard_where_answers_are_unless_told_otherwise(tmp_path: Path) -> None:
    text = ALERTS.replace('[alerts]\nlisten = "127.0.0.1:8791"', '[sync]\nlisten = "127.0.0.1:8790"')
    assert read(tmp_path, text + 'secret = "s"\n').alerts_listen == "127.0.0.1:8790"
    assert read(tmp_path, ALERTS + 'secret_file = "x"\n').alerts.sources[0].secret_file == str(tmp_path / "x")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("", "#1 secret: give one of secret, secret_env, secret_file, got 0 of them"),
        ('secret = "s"\nsecret_env = "S"', "got 2 of them"),
        ('secret = "s"\ncategories = "05"', "#1 categories: unknown key, did you mean category?"),
        ('secret = "s"\ngrid = "5"', "#1 grid: must be 12, 15 or 18 digits in quotes"),
        ('secret = "s"\ntemplate = "{place}"', "#1 template: is for notice = true"),
        (
            'secret = "s"\nnotice = true\ntemplate = "{where}"',
            '#1 template: may hold {place}, {text}, {time}, got "{where}"',
        ),
        ('secret = "s"\nnotice = true\ntemplate = "{place.__class__}"', "#1 template: may hold {place}"),
        ('secret = "s"\nnotice = true\ntemplate = "{"', "#1 template: a brace is open"),
        ('secret = "s"\ndevices = { "g-1" = { place = "3栋" } }', "#1 devices.g-1 grid: missing, add it"),
        ('secret = "s"\ndevices = { "g-1" = "3栋" }', "#1 devices.g-1: must be a table of keys"),
        (
            'secret = "s"\ndevices = { "g-1" = { grid = "519999001001", floor = 3 } }',
            "#1 devices.g-1 floor: unknown key",
        ),
        (
            'secret = "s"\ngrid = "519999001002"\ndevices = { "g-1" = { grid = "519999001001" } }',
            '#1 devices.g-1 grid: "519999001001" is outside the source\'s grid 519999001002',
        ),
    ],
)
def test_sources_of_alerts_are_checked(tmp_path: Path, keys: str, line: str) -> None:
    (found,) = faults(tmp_path, f"{ALERTS}{keys}\n")
    assert "[[alerts.sources]] #1" in found
    assert line in found


def test_sources_of_alerts_need_an_address_and_names_of_their_own(tmp_path: Path) -> None:
    one = ALERTS.partition("\n[[")[2]
    (found,) = faults(tmp_path, f'[[{one}secret = "s"\n')
    assert found.startswith("config.toml: [alerts] listen: missing: [[alerts.sources]] needs it")
    (found,) = faults(tmp_path, f'{ALERTS}secret = "s"\n[[{one}secret = "s"\n')
    assert found == 'config.toml: [[alerts.sources]] name: "gas" stands 2 times, keep one'
    (found,) = faults(tmp_path, '[alerts]\nlisten = "127.0.0.1:0"\n')
    assert found == 'config.toml: [alerts] listen: the port must be 1..65535, got "127.0.0.1:0"'


def test_who_learns_names_is_known_to_those_who_tell(tmp_path: Path) -> None:
    table = '[[upstreams]]\nname = "{0}"\nkind = "folder"\nfolder = "{0}"\n'
    named = table.format("b") + 'title = "区平台"\nreporter = true\n'
    config = read(tmp_path, '[sync]\nsource = "here"\n' + table.format("a") + named)
    assert config.policy({}).named_to == ("区平台",)


def test_two_platforms_never_write_into_one_folder(tmp_path: Path) -> None:
    table = '[[upstreams]]\nname = "{}"\nkind = "folder"\nfolder = "{}"\n'
    (found,) = faults(tmp_path, '[sync]\nsource = "here"\n' + table.format("a", "up") + table.format("b", "./up"))
    assert "[[upstreams]] folder: " in found
    assert "stands 2 times, give each one of its own" in found


def test_where_answers_are_pushed_to(tmp_path: Path) -> None:
    assert read(tmp_path, '[sync]\nlisten = "127.0.0.1:8790"\n').sync.listen == "127.0.0.1:8790"
    for port in ("0", "70000"):
        (found,) = faults(tmp_path, f'[sync]\nlisten = "127.0.0.1:{port}"\n')
        assert f'[sync] listen: the port must be 1..65535, got "127.0.0.1:{port}"' in found


def test_platforms_above_need_to_know_who_we_are(tmp_path: Path) -> None:
    one = '[[upstreams]]\nname = "street"\nkind = "folder"\nfolder = "x"\n'
    assert faults(tmp_path, one) == [
        'config.toml: [sync] source: missing: [[upstreams]] needs it; write who we are, like "519999001001"'
    ]
    assert faults(tmp_path, '[sync]\nsource = "here"\n' + one + one.replace('"x"', '"y"')) == [
        'config.toml: [[upstreams]] name: "street" stands 2 times, keep one'
    ]


def test_the_example_names_every_key_and_no_other() -> None:
    tables = {("people", "grants"), ("alerts", "sources", "devices")}
    assert keys_written(EXAMPLE.read_text(encoding="utf-8")) - tables == set(every_key(Sections))


def test_the_example_explains_every_key() -> None:
    """Each line that sets a key has a comment behind it; those of [[grids]] are explained above the table."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if re.match(r"(# )?[a-z_]+ *= ", line)]
    unexplained = [line for line in keys if not re.search(r" # [^\"]+$", line)]
    assert {line.split(" =")[0] for line in unexplained} <= {"code", "name", "role"}
    assert len(keys) - len(unexplained) > 40


def test_the_example_shows_the_defaults() -> None:
    """What the example sets in the plain tables is what a file without it gets."""
    shown = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    defaults = msgspec.to_builtins(Sections())
    for table in ("bot", "database", "pacing", "quiet", "hours", "calendar", "digests", "tickets", "monitor", "log"):
        for key, value in shown[table].items():
            default = defaults[table][key]
            assert value == (list(default) if isinstance(default, tuple) else default), f"{table}.{key}"


def test_the_documentation_names_every_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [key for key in every_key(Sections) if f"`{key[-1]}`" not in page or f"[{key[0]}]" not in page]
    assert missing == []


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert config.database_file == tmp_path / "var/xiaoge.db"
    assert config.key_file == tmp_path / "var/xiaoge.key"
    assert config.bot.names == ("小格",)


def test_paths_count_from_the_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    config = read(tmp_path, '[database]\nurl = "sqlite+aiosqlite:////srv/x.db"\nkey_file = "../k"\n')
    assert config.database_file == Path("/srv/x.db")
    assert config.key_file == tmp_path / "../k"


def test_the_calendar_and_the_hours_reach_the_policy(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        '[hours]\nextended_until = "20:00"\nweekend_from = "09:00"\nweekend_until = "17:00"\n'
        "[calendar]\nholidays = [2027-02-05]\nworkdays = [2027-02-06]\n[digests]\ndaily = []\n",
    )
    policy = config.policy(categories.load())
    assert (policy.extended_until, policy.weekend_hours) == (time(20), (time(9), time(17)))
    assert policy.workdays.kind(date(2027, 2, 5)) is Day.HOLIDAY
    assert policy.workdays.kind(date(2027, 2, 6)) is Day.WORKING
    assert (policy.daily_digests, policy.weekly_digests) == ((), (time(8, 30),))


def test_the_file_may_begin_with_the_mark_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[pacing]\r\nper_minute = 5\r\n")
    assert load(path).pacing.per_minute == 5


def test_policy_and_budget_carry_the_settings(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        '[quiet]\nfrom = "22:00"\nreplies_a_day = 3\nack_wait_seconds = 5\n[hours]\nwork_from = "08:30"\n'
        '[bot]\nnames = ["小格", "格格"]\n[tickets]\nreopen_days = 7\n[pacing]\ngap = [1, 2.5]\nstop_minutes = 3\n',
    )
    known = categories.load()
    policy = config.policy(known)
    assert policy.quiet_from == time(22, 0)
    assert policy.work_from == time(8, 30)
    assert policy.replies_a_day == 3
    assert policy.ack_wait == timedelta(seconds=5)
    assert policy.reopen_for == timedelta(days=7)
    assert policy.names == ("小格", "格格")
    assert policy.categories is known
    assert budget_of(config).gap == (1.0, 2.5)
    assert budget_of(config).stop == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[pacing]\nper_minute = 0", "config.toml: [pacing] per_minute: must be 1..60, got 0"),
        ("[pacing]\nper_minut = 6", "config.toml: [pacing] per_minut: unknown key, did you mean per_minute?"),
        ('[pacing]\nper_hour = "many"', 'config.toml: [pacing] per_hour: must be 1..1000, got "many"'),
        ("[pacing]\nper_hour = true", "config.toml: [pacing] per_hour: must be 1..1000, got true"),
        ("[pacing]\ngap = [12, 6]", "config.toml: [pacing] gap: must be [shortest, longest], got [12.0, 6.0]"),
        ("[pacing]\nper_day = 5", "config.toml: [pacing] per_day: must be at least per_hour (120), got 5"),
        ("[pacing]\ngap = [6]", "config.toml: [pacing] gap: must be a list of 2 values, each 0..600, got [6]"),
        ('[quiet]\nfrom = "9:30"', 'config.toml: [quiet] from: must be a time of day like "21:30", got "9:30"'),
        ("[bot]\nnames = []", "config.toml: [bot] names: must be a list of at least one name in quotes, got []"),
        ('[bot]\ntimezone = "Mars"', 'config.toml: [bot] timezone: must be a name like "Asia/Shanghai", got "Mars"'),
        ('[hours]\nwork_until = "08:00"', 'config.toml: [hours] work_until: must be later than work_from, got "08:00"'),
        (
            '[hours]\nextended_until = "18:00"',
            'config.toml: [hours] extended_until: must be later than work_until, got "18:00"',
        ),
        (
            '[hours]\nweekend_from = "09:00"',
            "config.toml: [hours] weekend_until: missing: weekend_from and weekend_until go together",
        ),
        (
            '[hours]\nweekend_from = "09:00"\nweekend_until = "08:00"',
            'config.toml: [hours] weekend_until: must be later than weekend_from, got "08:00"',
        ),
        (
            '[calendar]\nholidays = ["soon"]',
            "config.toml: [calendar] holidays: must be a list of days like 2027-02-05, without quotes, got ['soon']",
        ),
        (
            "[calendar]\nholidays = [2027-02-05]\nworkdays = [2027-02-05]",
            "config.toml: [calendar] workdays: 2027-02-05 stands under holidays too, keep one",
        ),
        ('[log]\nformat = "xml"', 'config.toml: [log] format: must be one of console, json, got "xml"'),
        ("pacing = 3", "config.toml: [pacing]: must be a table, write [pacing]"),
        ("rooms = 3", "config.toml: [rooms]: must be a list of tables, write [[rooms]]"),
        (
            '[[grids]]\ncode = "5199"\nname = "x"',
            'config.toml: [[grids]] #1 code: must be 12, 15 or 18 digits in quotes, got "5199"',
        ),
        ('[[grids]]\ncode = "519999001001"', "config.toml: [[grids]] #1 name: missing, add it"),
        (
            '[[rooms]]\naccount = "a"\nim_id = "r"',
            'config.toml: [[rooms]] #1 account: no account is named "a", see [[accounts]]',
        ),
        (
            '[database]\nurl = "mysql://x"',
            'config.toml: [database] url: must be "sqlite+aiosqlite:///" and a file, or "postgresql+asyncpg://…", got "mysql://x"',
        ),
    ],
)  # fmt: skip
def test_each_fault_is_one_line_with_its_place_and_cure(tmp_path: Path, text: str, line: str) -> None:
    assert faults(tmp_path, text) == [line]


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("postgresql://u:secret@h/x", 'got "postgresql" in front'),
        ("postgres://u:secret@h/x", 'got "postgres" in front'),
        ("postgresql+asyncpg://u:secret@h", "got no database"),
        ("postgresql+asyncpg://u:secret@h:port/x", "got an address that cannot be read"),
    ],
)
def test_the_address_of_a_server_is_checked_and_never_repeated(tmp_path: Path, url: str, got: str) -> None:
    (line,) = faults(tmp_path, f'[database]\nurl = "{url}"')
    assert line.startswith("config.toml: [database] url: must be ")
    assert line.endswith(got)
    assert "secret" not in line


def test_a_database_on_a_server_is_no_file(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://xiaoge@db.example:5433/xiaoge?ssl=require"
    config = read(tmp_path, f'[database]\nurl = "{url}"')
    assert config.database.url == url
    assert config.database_file is None
    assert config.key_file == tmp_path / "var/xiaoge.key"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])  # noqa: S104 - refused
def test_the_monitor_may_not_listen_to_others(tmp_path: Path, host: str) -> None:
    (line,) = faults(tmp_path, f'[monitor]\nhost = "{host}"')
    assert line == (
        'config.toml: [monitor] host: must be a loopback address like "127.0.0.1", its pages ask for no password, '
        f'got "{host}"'
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_the_monitor_may_listen_on_any_loopback_address(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, f'[monitor]\nhost = "{host}"').monitor.host == host


def _template(name: str, text: str) -> str:
    return f'[[notices.templates]]\nname = "{name}"\ntext = "{text}"\n'


def test_templates_of_notices_are_read_by_their_names(tmp_path: Path) -> None:
    config = read(
        tmp_path, "[notices]\nfiles_days = 3\n" + _template("停水", "{时间}停水") + _template("防盗", "锁好门")
    )
    policy = config.policy({})
    assert policy.notice_templates == {"停水": "{时间}停水", "防盗": "锁好门"}
    assert policy.notice_files_for == timedelta(days=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_template("停水", "x") * 2, '[[notices.templates]] name: "停水" stands 2 times, keep one'),
        (
            _template("停 水", "x"),
            '[[notices.templates]] #1 name: must be 1..20 characters without spaces or signs, got "停 水"',
        ),
        (_template("停水", ""), "[[notices.templates]] #1 text: must be text of 1..1500 characters in quotes"),
        (_template("停水", "{时间停水"), "[[notices.templates]] 停水 text: a field is written {时间}"),
        (_template("停水", "{} 停水"), "[[notices.templates]] 停水 text: a field is written {时间}"),
        (_template("停水", "{停水 时间}"), "[[notices.templates]] 停水 text: a field is written {时间}"),
        ("[notices]\nfiles_days = 0", "[notices] files_days: "),
    ],
)
def test_what_is_no_template_is_named(tmp_path: Path, text: str, words: str) -> None:
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"config.toml: {words}")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, "[pacing]\nper_minute = 0\nper_hour = 0\n[quiet]\nuntli = 3\n[unknown]\nx = 1\n")
    assert [line.split(": ")[1] for line in found] == [
        "[unknown]",
        "[pacing] per_minute",
        "[pacing] per_hour",
        "[quiet] untli",
    ]


def test_people_are_checked_against_grids_accounts_and_roles(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        GRIDS
        + ACCOUNT
        + """
[[people]]
name = "刘姐"
role = "网格王"
scope = "519999001001"
[[people]]
name = "周主任"
role = "社区工作人员"
scope = "510000"
im = ["wx2:wxid_zhou", "wx1:"]
[[people]]
name = "刘姐"
role = "物业"
[[people]]
name = "陈师傅"
grants = [{ role = "民警", scope = "88" }]
""",
    )
    assert len(found) == 7
    assert found[0] == 'config.toml: [[people]] name: "刘姐" stands 2 times, keep one'
    assert found[1].startswith("config.toml: [[people]] #1 role: must be one of 居民, 楼栋长, 微网格长")
    assert found[2] == 'config.toml: [[people]] #2 scope: no grid begins with "510000", add it under [[grids]]'
    assert found[3] == 'config.toml: [[people]] #2 im: no account is named "wx2", see [[accounts]]'
    assert found[4] == 'config.toml: [[people]] #2 im: must be "account:id", got "wx1"'
    assert found[5] == "config.toml: [[people]] #3 scope: missing: role and scope go together"
    assert found[6] == 'config.toml: [[people]] #4 grants #1 scope: no grid begins with "88", add it under [[grids]]'


def test_roles_are_written_in_chinese_or_as_ids(tmp_path: Path) -> None:
    person = '[[people]]\nname = "a"\nrole = "grid_worker"\nscope = "5199"\n'
    people = person + person.replace('"a"', '"b"').replace("grid_worker", "网格员")
    config = read(tmp_path, GRIDS + people)
    assert [one.all_grants() for one in config.people] == [(Grant(Role.GRID_WORKER, "5199"),)] * 2


def test_rooms_are_checked(tmp_path: Path) -> None:
    room = '[[rooms]]\naccount = "wx1"\nim_id = "r1"\n'
    third = room.replace("r1", "r2") + 'enabled = true\ngrid = "519999001001999"\n'
    found = faults(tmp_path, GRIDS + ACCOUNT + "rooms = 2\n" + room + room + third)
    assert found == [
        'config.toml: [[rooms]] im_id: "wx1:r1" stands 2 times, keep one',
        'config.toml: [[rooms]] #3 grid: no grid has the code "519999001001999", add it under [[grids]]',
        'config.toml: [[rooms]] account: 3 rooms on "wx1", which takes 2: add an account',
    ]


def test_in_a_room_one_account_answers(tmp_path: Path) -> None:
    second = ACCOUNT.replace("wx1", "wx2")
    code = GRIDS.split('"')[1]
    room = f'[[rooms]]\naccount = "wx1"\nim_id = "r1"\ngrid = "{code}"\n'
    other = room.replace("wx1", "wx2")
    (fault,) = faults(tmp_path, GRIDS + ACCOUNT + second + room + "enabled = true\n" + other + "enabled = true\n")
    assert fault.startswith('config.toml: [[rooms]] #2 enabled: account "wx1" answers in this room already')
    read(tmp_path, GRIDS + ACCOUNT + second + room + "enabled = true\n" + other)


def test_a_token_is_given_in_one_way(tmp_path: Path) -> None:
    found = faults(tmp_path, ACCOUNT + 'token_env = "X"\n')
    assert found == ["config.toml: [[accounts]] #1 token: give one of token, token_file, token_env, got 2 of them"]


def test_tokens_come_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t").write_text("from-file\n", encoding="utf-8")
    with_file = read(tmp_path, ACCOUNT.replace('token = "t"', 'token_file = "t"'))
    assert with_file.accounts[0].secret() == "from-file"
    with_env = read(tmp_path, ACCOUNT.replace('token = "t"', 'token_env = "XIAOGE_TEST_TOKEN"'))
    monkeypatch.delenv("XIAOGE_TEST_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="XIAOGE_TEST_TOKEN is empty, set it"):
        with_env.accounts[0].secret()
    monkeypatch.setenv("XIAOGE_TEST_TOKEN", "from-env")
    assert with_env.accounts[0].secret() == "from-env"
    (tmp_path / "t").unlink()
    with pytest.raises(ConfigError, match="token_file: cannot read"):
        with_file.accounts[0].secret()


def test_what_is_no_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not found; copy config\.example\.toml"):
        load(tmp_path / "config.toml")
    (tmp_path / "gbk.toml").write_bytes('[bot]\nnames = ["小格"]'.encode("gbk"))
    with pytest.raises(ConfigError, match=r"gbk\.toml: not UTF-8 text; save it as UTF-8"):
        load(tmp_path / "gbk.toml")
    (tmp_path / "bad.toml").write_text("[bot\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.toml: not valid TOML, mend this: .*line 1"):
        load(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
