"""What 误报 teaches."""

from __future__ import annotations

from datetime import timedelta

from storage import negatives
from storage.engine import Store
from tests.contract.conftest import Database
from tests.contract.fill import NOW


async def test_the_lesson_outlives_the_text(store: Store, backend: Database) -> None:
    for text, at in (("打牌手气太坏了", NOW - timedelta(days=31)), ("股票又跌停了", NOW)):
        await store.write(
            lambda tx, text=text, at=at: negatives.add(
                tx, at=at, rules=["fault"], terms=["坏"], lexicon="abc", category="0503", text=text
            )
        )
    month = NOW - timedelta(days=30)
    assert await store.write(lambda tx: negatives.purge_text(tx, month)) == 1
    assert await store.write(lambda tx: negatives.purge_text(tx, month)) == 0
    old, young = await store.read(negatives.every)
    assert (old.text, old.rules, old.terms, old.lexicon, old.category) == ("", ("fault",), ("坏",), "abc", "0503")
    assert (young.text, young.at) == ("股票又跌停了", NOW)
    assert "打牌手气太坏了".encode() not in backend.on_disk()
