"""Files for a platform without an interface."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Upstream
from bot.sync.courier import Courier
from bot.sync.folder import Folder
from bot.sync.mapping import columns
from storage import upstreams
from storage.model import TicketState
from tests.unit.sync.house import LABELS, SOURCE, WORDS, House, validator


def furnished(house: House, folder: Path, **keys: Any) -> Courier:
    above = Upstream(**{"name": "street", "kind": "folder", "folder": str(folder), "wait_seconds": 0, **keys})
    return Courier(house.store, above, SOURCE, Folder(above, SOURCE), LABELS, house.clock, seed=1)


def table(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


async def test_tickets_and_tombstones_are_rows(house: House, tmp_path: Path) -> None:
    drop = tmp_path / "drop" / "up"
    courier = furnished(
        house, drop, formats=("csv", "json"), fields={"text": "诉求内容", "place": "", "id": "编号", "version": "版本"}
    )
    await house.file(2)
    await courier.step()
    await house.change(2, state=TicketState.WITHDRAWN)
    await courier.step()
    assert sorted(path.name for path in drop.iterdir()) == [
        f"{SOURCE}-000001.csv",
        f"{SOURCE}-000001.jsonl",
        f"{SOURCE}-000002.csv",
        f"{SOURCE}-000002.jsonl",
    ]
    first, second = table(drop / f"{SOURCE}-000001.csv")
    assert (first["编号"], first["诉求内容"], first["deleted"], first["times.closed"]) == ("S1", WORDS, "false", "")
    assert (second["category.code"], second["版本"]) == ("0501", "1")
    assert not any(name.startswith("place") for name in first)
    (gone,) = table(drop / f"{SOURCE}-000002.csv")
    assert (gone["编号"], gone["deleted"], gone["reason"], gone["诉求内容"]) == ("S2", "true", "withdrawn", "")
    assert list(gone) == list(first)
    assert stat.S_IMODE((drop / f"{SOURCE}-000001.csv").stat().st_mode) & 0o027 == 0


async def test_lines_fit_the_schema(house: House, tmp_path: Path) -> None:
    await house.file(3)
    await furnished(house, tmp_path / "up", formats=("json",)).step()
    lines = (tmp_path / "up" / f"{SOURCE}-000001.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["S1", "S2", "S3"]
    for line in lines:
        validator().validate(json.loads(line))


async def test_no_cell_begins_a_formula(house: House, tmp_path: Path) -> None:
    await house.file(text='=HYPERLINK("http://x","点我")')
    await furnished(house, tmp_path / "up").step()
    (row,) = table(tmp_path / "up" / f"{SOURCE}-000001.csv")
    assert row["text"].startswith("'=")


async def test_after_a_crash_the_same_number_is_written_once_more(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.file(2)
    courier = furnished(house, tmp_path / "up")

    async def killed(_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(courier, "_settle", killed)
    with pytest.raises(SystemExit):
        await courier.step()
    before = (tmp_path / "up" / f"{SOURCE}-000001.csv").read_bytes()
    await furnished(house, tmp_path / "up").step()
    assert [path.name for path in (tmp_path / "up").iterdir()] == [f"{SOURCE}-000001.csv"]
    assert (tmp_path / "up" / f"{SOURCE}-000001.csv").read_bytes() == before
    await house.file()
    await furnished(house, tmp_path / "up").step()
    assert len(list((tmp_path / "up").iterdir())) == 2


async def test_a_folder_that_cannot_be_written_is_tried_again(house: House, tmp_path: Path) -> None:
    (tmp_path / "up").write_text("a file where the folder should be")
    await house.file()
    courier = furnished(house, tmp_path / "up")
    again_at = await courier.step()
    assert again_at is not None
    link = await house.store.read(lambda tx: upstreams.link(tx, "street"))
    assert link.code == "folder"
    assert str(tmp_path / "up") in str(link.message)
    (tmp_path / "up").unlink()
    house.clock.advance(again_at)
    await courier.step()
    assert len(list((tmp_path / "up").iterdir())) == 1


def test_a_group_that_is_renamed_or_left_out_is_so_in_the_header() -> None:
    above = Upstream(name="x", kind="folder", folder="x", fields={"place": "where", "times": "", "grid.code": "area"})
    header = columns(above)
    assert {"where.building", "where.room", "area", "grid.name", "hash"} <= set(header)
    assert not any(name.startswith(("place", "times")) for name in header)
    assert len(set(header)) == len(header)
