"""The documentation and the program say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from bot import cli
from handlers import commands, texts

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def command_options() -> list[tuple[str, str]]:
    """(command, long option) of everything the program offers, but for help and the configuration."""
    found = []

    def walk(command: object, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is not None:
            for key, one in inner.items():
                walk(one, f"{name} {key}".strip())
            return
        found.append((name, ""))
        for parameter in command.params:  # type: ignore[attr-defined]
            long = next((option for option in parameter.opts if option.startswith("--")), None)
            if long not in (None, "--help", "--config"):
                found.append((name, str(long)))

    walk(typer.main.get_command(cli.app), "")
    return found


def test_every_command_and_option_is_on_the_page() -> None:
    sections = {re.split(r"[`\[]", part)[0].strip(): part for part in read("docs/cli.md").split("## `xiaoge ")[1:]}
    headed = {
        name: next((text for head, text in sections.items() if head.startswith(name)), "")
        for name, _ in command_options()
    }
    assert [name for name, text in headed.items() if not text] == []
    assert [(name, option) for name, option in command_options() if option not in headed[name]] == []


def test_the_page_offers_no_other_command() -> None:
    page = read("docs/cli.md")
    headed = re.findall(r"^## `xiaoge ([a-z -]+?)(?: [A-Z\[-].*)?`$", page, re.MULTILINE)
    assert len(headed) == page.count("\n## `xiaoge ")
    assert set(headed) <= {name for name, _ in command_options()}


def test_every_page_is_found_from_the_readme() -> None:
    readme = read("README.md")
    assert [page.name for page in PAGES if page.parent.name == "docs" and f"docs/{page.name}" not in readme] == []


def test_what_people_may_type_is_on_the_page() -> None:
    page = read("docs/commands.md")
    typed = [name for name in commands.Name if name is not commands.Name.ANSWER]
    assert [name for name in typed if f"`{name}" not in page] == []


def test_the_page_promises_no_other_word() -> None:
    """Each command shown in the tables of the page and of the Chinese README is one the bot knows."""
    known = {*commands.Name, "1", "2"}
    for name in ("docs/commands.md", "README.zh-CN.md"):
        rows = [line for line in read(name).splitlines() if line.startswith("|")]
        shown = {said.split()[0] for row in rows for said in re.findall(r"`([^`]+)`", row)}
        shown = {word for word in shown if re.match(r"[\u4e00-\u9fff0-9]", word)}
        assert shown <= known, name
        assert len(shown) > 10


def test_every_role_is_in_the_configuration_page() -> None:
    page = read("docs/configuration.md")
    for role, label in texts.ROLE.items():
        if label != "居民":
            assert label in page
            assert f"`{role}`" in page


def anchors(page: Path) -> set[str]:
    """What a link may lead to: ids, and headings as GitHub names them."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'id="([^"]+)"', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), target
            assert not anchor or anchor in anchors(linked), target


def test_commands_in_the_pages_exist() -> None:
    """`xiaoge something` in any page is something."""
    known = {name.split()[0] for name, _ in command_options()} | {"COMMAND"}
    for page in PAGES:
        for word in re.findall(
            r"(?:^|[`/ ])xiaoge ([a-z-]+)(?=[ `\n])", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert word in known, f"{page.name}: xiaoge {word}"


def test_make_targets_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for page in PAGES:
        for word in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert word in targets, f"{page.name}: make {word}"
