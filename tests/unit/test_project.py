"""The project as it lies on the disk: what is at its top, what its locks hold, what its Makefile does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "README.zh-CN.md",
    "benchmarks",
    "bot",
    "config.example.toml",
    "docs",
    "handlers",
    "nlp",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "storage",
    "tests",
}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return [name for name in done.stdout.split("\0") if name]


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_top_holds_what_the_architecture_lists() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP


def test_nothing_private_or_generated_is_committed() -> None:
    wrong = re.compile(r"(^|/)(node_modules|var|\.wechaty|__pycache__|config\.toml)(/|$)|\.(db|key|pyc|pem|log)$")
    assert [name for name in tracked() if wrong.search(name)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert " @ " not in text
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    entries = [entry for entry in entries if "==" in entry]
    assert len(entries) > 40
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_locks_agree() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=!~;]", one)[0].strip().lower().replace("_", "-") for one in wanted}
    locked = {name.replace("_", "-") for name in pins("requirements-dev.lock")}
    assert names <= locked
    assert "setuptools" in pins("requirements.lock")  # the Makefile puts it in first


def test_the_npm_lock_holds_no_addresses() -> None:
    locks = [lock for lock in (ROOT / "tests").rglob("package-lock.json") if "node_modules" not in lock.parts]
    assert locks
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert '"resolved"' not in text
        assert '"integrity"' in text


def test_ci_runs_the_very_same_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if line.startswith(("export ", "make "))] == [
        "export CI=true",
        "make test",
        "make test-long",
    ]


def test_ci_holds_the_classifier_to_its_floors_where_the_messages_lie(tmp_path: Path) -> None:
    """The floors' part of .ci/run, with a folder and without."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    part = script[script.index("messages=") :]
    assert part.index("make test-long") > part.index("fi\n")
    part = part[: part.index("fi\n") + 3].replace(".venv/bin/xiaoge", "echo")

    def run(folder: Path) -> str:
        environment = {**os.environ, "XIAOGE_DEV_DATA": str(folder)}
        done = subprocess.run(  # noqa: S603
            ["/bin/bash", "-euc", part], cwd=ROOT, capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout

    assert run(tmp_path) == f"evaluate {tmp_path} --floors .ci/floors.toml --errors 0\n"
    assert run(tmp_path / "absent").startswith(f"no labelled messages in {tmp_path / 'absent'}")


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["make", *arguments],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_a_python_that_fails_when_run_is_passed_over(tmp_path: Path) -> None:
    """A version manager leaves names on the PATH that only complain."""
    (tmp_path / "python3.13").write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    (tmp_path / "python3.12").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    for shim in tmp_path.iterdir():
        shim.chmod(0o755)
    recipe = '.PHONY: which\nwhich:\n\t@$(FIND_PYTHON); echo "chosen $$python"\n'
    extra = tmp_path / "extra.mk"
    extra.write_text(f"include {ROOT / 'Makefile'}\n{recipe}", encoding="utf-8")
    done = make("-s", "-f", str(extra), "which", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.stdout == "chosen python3.11\n"
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    for name in ("python3", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = make("-s", "-f", str(extra), "which", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode != 0
    assert "xiaoge needs Python 3.11 or newer: install it, or name it" in done.stderr


def test_the_package_carries_its_data() -> None:
    """Data files that the program reads lie where pyproject.toml takes them from."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    for room in ("bot", "handlers", "nlp", "storage"):
        shipped = {path for pattern in patterns.get(room, []) for path in (ROOT / room).glob(pattern)}
        data = {ROOT / name for name in tracked() if name.startswith(f"{room}/") and not name.endswith(".py")}
        assert data - shipped == set(), f"{room}: not in package-data"
