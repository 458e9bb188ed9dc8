"""The reference platform by hand.

python -m tests.upstream --port 8080 --secret s3cret --file upstream.db --faults 0.25 --seed 7
python -m tests.upstream --file upstream.db --answer S12 done "已更换水泵"
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.upstream.faults import Faults
from tests.upstream.server import Upstream
from tests.upstream.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0: any that is free")
    parser.add_argument("--secret", help="what is shared with the grid; needed to serve")
    parser.add_argument("--file", type=Path, help="the SQLite file; in memory without it")
    parser.add_argument("--faults", type=float, default=0.0, help="the share of requests that fail, 0..1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", default="xiaoge", help="whose ticket --answer is about ([sync] source)")
    parser.add_argument(
        "--answer", nargs=3, metavar=("ID", "STATE", "WORDS"), help="put an answer into the feed, and end"
    )
    given = parser.parse_args()
    store = Store(given.file)
    if given.answer is not None:
        name, state, words = given.answer
        said = {"result": words} if state == "done" else {"reason": words}
        print(store.answer(given.source, name, state=state, at=datetime.now(UTC).isoformat(), **said))
        return
    if not given.secret:
        parser.error("--secret is needed: the one of [[upstreams]] in the grid's config.toml")
    asyncio.run(_serve(Upstream(store, given.secret, faults=Faults(given.faults, given.seed)), given.host, given.port))


async def _serve(upstream: Upstream, host: str, port: int) -> None:
    await upstream.start(port, host)
    print(f"Ctrl-C ends the reference platform on http://{host}:{upstream.port}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print(f"{upstream.requests} requests, {len(upstream.store.applied())} versions applied")
        await upstream.stop()


main()
