"""Sealed columns: bound to their place, equal for equal texts, readable after a rotation of the keys."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.crypto import Sealer, load_key_file, make_key_file
from storage.errors import StoreError

OLD, NEW = bytes(range(64)), bytes(range(64, 128))


@given(st.text())
def test_what_is_sealed_opens_again(text: str) -> None:
    sealer = Sealer([OLD])
    assert sealer.open("t.c", sealer.seal("t.c", text)) == text


def test_a_sealed_text_opens_only_in_its_place_and_unaltered() -> None:
    sealer = Sealer([OLD])
    sealed = sealer.seal("reporters.contact", "13800000001")
    assert b"138" not in sealed
    altered = bytes([sealed[0] ^ 1]) + sealed[1:]
    for place, content in (("people.name", sealed), ("reporters.contact", altered), ("reporters.contact", b"short")):
        with pytest.raises(StoreError, match=place):
            sealer.open(place, content)


def test_equality_can_be_looked_up() -> None:
    sealer = Sealer([OLD])
    assert sealer.forms("t.c", "x") == [sealer.seal("t.c", "x")]
    assert sealer.seal("t.c", "x") != sealer.seal("t.d", "x")


def test_after_a_rotation_the_new_key_seals_and_both_open() -> None:
    before, after = Sealer([OLD]), Sealer([NEW, OLD])
    sealed = before.seal("t.c", "x")
    assert after.open("t.c", sealed) == "x"
    assert after.seal("t.c", "x") == Sealer([NEW]).seal("t.c", "x")
    assert sealed in after.forms("t.c", "x")
    assert before.digests("t.c", "x")[0] in after.digests("t.c", "x")
    with pytest.raises(StoreError):
        Sealer([NEW]).open("t.c", sealed)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, b""]])
def test_keys_have_their_length(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="64"):
        Sealer(keys)


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "xiaoge.key"
    made = make_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key_file(path).open("t.c", made.seal("t.c", "x")) == "x"
    with pytest.raises(FileExistsError):
        make_key_file(path)
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_who_make_one_at_once_all_have_the_same(tmp_path: Path) -> None:
    def make_or_load(_: int) -> Sealer:
        try:
            return make_key_file(tmp_path / "xiaoge.key")
        except FileExistsError:
            return load_key_file(tmp_path / "xiaoge.key")

    with ThreadPoolExecutor(16) as pool:
        sealers = list(pool.map(make_or_load, range(64)))
    assert {sealer.open("t.c", sealers[0].seal("t.c", "x")) for sealer in sealers} == {"x"}


def test_a_key_file_with_two_keys(tmp_path: Path) -> None:
    path = tmp_path / "xiaoge.key"
    lines = ["# new", base64.b64encode(NEW).decode(), "", "# old", base64.b64encode(OLD).decode()]
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    assert load_key_file(path).forms("t.c", "x") == Sealer([NEW, OLD]).forms("t.c", "x")
