"""What can be wrong with `[alerts]`: each fault with its place and cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from string import Formatter

from bot.checking import Fault, shown
from bot.settings import AlertSource, Sections

WORDS = ("place", "text", "time")  # what a template may hold in {}


def faults(sections: Sections) -> Iterator[Fault]:
    """Yield every fault of the sources that is not one of a single value."""
    alerts = sections.alerts
    if alerts.listen is not None and not 0 < int(alerts.listen.rpartition(":")[2]) <= 65535:
        yield "[alerts] listen", f"the port must be 1..65535, got {shown(alerts.listen)}"
    if alerts.sources and alerts.listen is None and sections.sync.listen is None:
        yield "[alerts] listen", 'missing: [[alerts.sources]] needs it; write where to listen, like "127.0.0.1:8790"'
    for name, times in Counter(source.name for source in alerts.sources).items():
        if times > 1:
            yield "[[alerts.sources]] name", f"{shown(name)} stands {times} times, keep one"
    for number, source in enumerate(alerts.sources, 1):
        yield from _source(f"[[alerts.sources]] #{number}", source)


def _source(place: str, source: AlertSource) -> Iterator[Fault]:
    ways = [way for way in (source.secret, source.secret_env, source.secret_file) if way is not None]
    if len(ways) != 1:
        yield f"{place} secret", f"give one of secret, secret_env, secret_file, got {len(ways)} of them"
    if source.template is not None:
        if not source.notice:
            yield f"{place} template", "is for notice = true, leave it out or add that"
        yield from _template(f"{place} template", source.template)
    for name, device in source.devices.items():
        if not device.grid.startswith(source.grid or ""):
            yield f"{place} devices.{name} grid", f"{shown(device.grid)} is outside the source's grid {source.grid}"


def _template(place: str, template: str) -> Iterator[Fault]:
    allowed = ", ".join(f"{{{word}}}" for word in WORDS)
    try:
        fields = [(name, spec, turned) for _, name, spec, turned in Formatter().parse(template) if name is not None]
    except ValueError:
        yield place, f"a brace is open or stands alone; write {allowed}, and {{{{ for a brace itself"
        return
    for name, spec, turned in fields:
        if name not in WORDS or spec or turned:
            yield place, f"may hold {allowed}, got {shown(f'{{{name}}}')}"
