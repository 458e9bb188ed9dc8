"""A backup is whole, has its key, and is proven before it is called one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import config as configuration
from bot.backup import backup
from bot.config import Config
from storage import audit, grids
from storage.engine import Store
from storage.errors import StoreError
from storage.model import AuditEntry, Grid
from storage.testing import fresh_store, url_of

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
async def config(tmp_path: Path):
    """A configuration whose database is open in a running bot."""
    (tmp_path / "var").mkdir()
    path = tmp_path / "config.toml"
    path.write_text("", encoding="utf-8")
    async with await fresh_store(tmp_path / "var") as store:
        await store.write(lambda tx: grids.put(tx, [Grid("519999001001", "青禾社区")]))
        await store.write(lambda tx: audit.append(tx, AuditEntry(at=NOW, action="enable")))
        yield configuration.load(path)


async def test_the_copy_can_be_used(config: Config, tmp_path: Path) -> None:
    made = await backup(config, tmp_path / "copy.db", NOW)
    assert made.audit.ok
    assert made.audit.count == 1
    assert made.database.stat().st_mode & 0o777 == 0o600
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert made.key.read_bytes() == config.key_file.read_bytes()
    async with await Store.open(url_of(made.database), key_file=made.key) as store:
        assert await store.read(grids.names) == {"519999001001": "青禾社区"}


async def test_a_directory_gets_a_file_named_by_the_time(config: Config, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    made = await backup(config, tmp_path / "backups", NOW)
    assert made.database == tmp_path / "backups" / "xiaoge-20261120T040000.db"


async def test_nothing_is_overwritten(config: Config, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="is there already"):
        await backup(config, tmp_path / "copy.db", NOW)
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "mine"
    (tmp_path / "other.db.key").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="is there already"):
        await backup(config, tmp_path / "other.db", NOW)
    assert (tmp_path / "other.db.key").read_text(encoding="utf-8") == "mine"


async def test_half_a_backup_goes(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def damaged(_tx: object) -> list[str]:
        return ["page 3 is never used"]

    monkeypatch.setattr("storage.health.integrity", damaged)
    with pytest.raises(StoreError, match="page 3 is never used"):
        await backup(config, tmp_path / "copy.db", NOW)
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "copy.db.key").exists()


async def test_nothing_to_copy_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="does not exist"):
        await backup(configuration.load(path), tmp_path / "copy.db", NOW)


async def test_words_of_ones_own_go_with_it(config: Config, tmp_path: Path) -> None:
    assert (await backup(config, tmp_path / "without.db", NOW)).lexicon is None
    own = tmp_path / "var" / "lexicon"
    (own / "v1").mkdir(parents=True)
    (own / "v1" / "objects.csv").write_text("word\n道闸\n", encoding="utf-8")
    made = await backup(config, tmp_path / "copy.db", NOW)
    assert made.lexicon == tmp_path / "copy.db.lexicon"
    assert (made.lexicon / "v1" / "objects.csv").read_text(encoding="utf-8") == "word\n道闸\n"
    (tmp_path / "other.db.lexicon").mkdir()
    with pytest.raises(StoreError, match=r"other\.db\.lexicon is there already"):
        await backup(config, tmp_path / "other.db", NOW)
    assert not (tmp_path / "other.db").exists()
