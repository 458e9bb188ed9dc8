"""What can be wrong with `[[upstreams]]`: each fault with its place and cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bot.checking import Fault, shown
from bot.settings import Sections, Upstream
from bot.sync.mapping import DEFAULT, FIELDS, FIXED, GROUPS, REPORTER_FIELDS, TOMBSTONE_FIELDS

_PATHS = frozenset((*FIELDS, *REPORTER_FIELDS, *TOMBSTONE_FIELDS, *GROUPS))


def faults(sections: Sections) -> Iterator[Fault]:
    """Yield every fault of the upstreams that is not one of a single value."""
    if sections.upstreams and sections.sync.source is None:
        yield "[sync] source", 'missing: [[upstreams]] needs it; write who we are, like "519999001001"'
    if sections.sync.listen is not None and not 0 < int(sections.sync.listen.rpartition(":")[2]) <= 65535:
        yield "[sync] listen", f"the port must be 1..65535, got {shown(sections.sync.listen)}"
    for name, times in Counter(upstream.name for upstream in sections.upstreams).items():
        if times > 1:
            yield "[[upstreams]] name", f"{shown(name)} stands {times} times, keep one"
    for folder, times in Counter(Path(one.folder) for one in sections.upstreams if one.folder).items():
        if times > 1:  # their files have the same names
            yield "[[upstreams]] folder", f"{shown(str(folder))} stands {times} times, give each one of its own"
    for number, upstream in enumerate(sections.upstreams, 1):
        place = f"[[upstreams]] #{number}"
        yield from (_folder if upstream.kind == "folder" else _http)(place, upstream)
        yield from _mapping(place, upstream)


def _http(place: str, upstream: Upstream) -> Iterator[Fault]:
    if upstream.url is None:
        yield f"{place} url", 'missing: kind = "http" needs it'
    else:
        yield from _url(place, upstream.url)
    ways = [way for way in (upstream.secret, upstream.secret_env, upstream.secret_file) if way is not None]
    if len(ways) != 1:
        yield f"{place} secret", f"give one of secret, secret_env, secret_file, got {len(ways)} of them"
    if upstream.folder is not None:
        yield f"{place} folder", 'is for kind = "folder", leave it out'


def _url(place: str, url: str) -> Iterator[Fault]:
    wanted = 'must be like "https://platform.example/api", without a password, ? and #'
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        yield f"{place} url", f"{wanted}, got an address that cannot be read"
        return
    if parts.username is not None or parts.password is not None:
        yield f"{place} url", f"{wanted}, got one with a user or a password"  # not repeated
    elif parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or parts.query or parts.fragment:
        yield f"{place} url", f"{wanted}, got {shown(url)}"


def _folder(place: str, upstream: Upstream) -> Iterator[Fault]:
    if upstream.folder is None:
        yield f"{place} folder", 'missing: kind = "folder" needs the folder that the files go to'
    for key in ("url", "secret", "secret_env", "secret_file", "tls_ca"):
        if getattr(upstream, key) is not None:
            yield f"{place} {key}", 'is for kind = "http", leave it out'
    if upstream.gzip:
        yield f"{place} gzip", 'is for kind = "http", leave it out'


def _mapping(place: str, upstream: Upstream) -> Iterator[Fault]:
    for code, theirs in upstream.codes.items():
        if code != DEFAULT and not (code.isascii() and code.isdigit() and len(code) <= 4):
            yield f"{place} codes", f"{shown(code)} is no category code (1 to 4 digits) and not {DEFAULT}"
        if not theirs:
            yield f"{place} codes", f"{shown(code)} has an empty code of theirs, write one"
    fixed = ("hash",) if upstream.kind == "folder" else FIXED
    for path in upstream.fields:
        if path in fixed:
            yield f"{place} fields", f"{shown(path)} keeps its name: the sync itself reads it"
        elif path not in _PATHS:
            yield f"{place} fields", f"there is no field {shown(path)}, docs/sync.md lists them"
    if "category" in upstream.fields and any(path.startswith("category.") for path in upstream.fields):
        yield f"{place} fields", '"category" and a part of it cannot both be moved, keep one'
    names = [name for name in upstream.fields.values() if name] + list(upstream.constants)
    taken = {path.partition(".")[0] for path in _PATHS} | {"hash"}
    for name, times in Counter(names).items():
        if times > 1 or name in taken:
            yield f"{place} fields", f"the name {shown(name)} is taken already, choose another"
