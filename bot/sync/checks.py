"""What `xiaoge doctor` looks at of the platforms above: does each answer, take our secret, get what it is to get?"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import Config, ConfigError
from bot.doctor import Finding, State
from bot.settings import Upstream
from bot.sync import cures, mapping
from bot.sync.client import Client, Fault
from nlp.categories import Category
from storage import upstreams
from storage.engine import Store, StoreError, Tx

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NAMED = 10  # categories


async def of_config(config: Config, known: Mapping[str, Category]) -> AsyncIterator[Finding]:
    """Everything about every upstream; without a database what can be told without one."""
    for upstream in config.upstreams:
        what = f"upstream {upstream.name}"
        yield _mapped(what, upstream, known)
        yield _writable(what, upstream) if upstream.kind == "folder" else await _reached(what, config, upstream)
    try:
        store = await Store.open(config.database.url, key_file=config.key_file, read_only=True)
    except StoreError:
        return  # another check says what is wrong with it
    try:
        for upstream in config.upstreams:
            yield await _flowing(f"upstream {upstream.name}", store, upstream)
        for name, waits in (
            await store.read(partial(upstreams.left, known=[one.name for one in config.upstreams]))
        ).items():
            found = f"not in the config any more, {waits} tickets wait for it"
            cure = f"put [[upstreams]] {name} back, or run `xiaoge sync forget {name}`"
            yield Finding(f"upstream {name}", State.WARNING, found, cure)
    finally:
        await store.close()


def _mapped(what: str, upstream: Upstream, known: Mapping[str, Category]) -> Finding:
    """Whether each category that goes there has a code of theirs."""
    missing = []
    for code in known:
        if not upstream.categories or code.startswith(upstream.categories):
            try:
                mapping.code(upstream, code)
            except mapping.Unmapped:
                missing.append(code)
    if not missing:
        found = "every category has a code of theirs" if upstream.codes else "it gets our own category codes"
        return Finding(what, State.OK, found)
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    found = f"no code of theirs for {', '.join(missing[:_NAMED])}{more}: such tickets are parked"
    return Finding(what, State.FAULT, found, f'add them, or "{mapping.DEFAULT}", under {upstream.place} codes')


def _writable(what: str, upstream: Upstream) -> Finding:
    folder = Path(str(upstream.folder))
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent  # it is made with the first file
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        cure = f"give it to the user who runs xiaoge, or mend {upstream.place} folder"
        return Finding(what, State.FAULT, f"{place} is no folder that can be written", cure)
    return Finding(what, State.OK, f"files go to {folder}")


async def _reached(what: str, config: Config, upstream: Upstream) -> Finding:
    """Whether it answers a signed question."""
    from bot.app import upward_session

    try:
        async with upward_session() as session:
            client = Client(upstream, str(config.sync.source), session, lambda: datetime.now(UTC))
            page = await client.get("/tickets", {"after": "", "limit": "1"})
            silent = await _without_answers(client, upstream)
    except ConfigError as error:
        found, _, cure = str(error).rpartition(", ")
        return Finding(what, State.FAULT, found, cure)
    except Fault as fault:
        return Finding(what, State.FAULT, str(fault), cures.of_upstream(upstream, fault.code))
    found = f"{upstream.url} answers, secret accepted, {page.get('count', '?')} tickets there"
    parts = urlsplit(str(upstream.url))
    if silent:
        cure = f"where they have no answers to ask for set {upstream.place} answers_seconds = 0"
        return Finding(what, State.WARNING, f"{found}; their answers cannot be asked for: {silent}", cure)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return Finding(what, State.WARNING, f"{found}; readable on its way", f"use https in {upstream.place} url")
    return Finding(what, State.OK, found)


async def _without_answers(client: Client, upstream: Upstream) -> str:
    """Why its answers cannot be read; empty where they can, or need not."""
    if not upstream.answers_seconds:
        return ""
    try:
        await client.get("/answers", {"after": "", "limit": "1"})
    except Fault as fault:
        return str(fault)
    return ""


async def _flowing(what: str, store: Store, upstream: Upstream) -> Finding:
    """Whether anything is parked, or waits behind a failure."""

    async def look(tx: Tx) -> tuple[upstreams.Link, list[upstreams.Delivery]]:
        return await upstreams.link(tx, upstream.name), await upstreams.parked(tx, upstream.name)

    link, parked = await store.read(look)
    if parked:
        first = parked[0]
        found = f"{len(parked)} tickets parked, first: S{first.ticket}: {first.code}: {first.message}"
        return Finding(what, State.WARNING, found, cures.of_ticket(upstream, first) or "see `xiaoge sync status`")
    if link.code is not None:
        return Finding(what, State.WARNING, cures.trouble(link), cures.of_upstream(upstream, link.code))
    return Finding(what, State.OK, "nothing is parked")
