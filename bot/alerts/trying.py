"""A signed alert to our own listener, marked as a drill: everything is checked, nothing is done."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from bot.config import Config
from bot.settings import AlertSource
from bot.sync import signing

PATIENCE = 10.0  # seconds
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "*": "127.0.0.1"}  # noqa: S104 - where we are reached there


@dataclass(frozen=True, slots=True)
class Tried:
    """What was answered. `status` is None where nothing listens, 0 where something else does; `said` is our listener's
    own word."""

    address: str
    status: int | None
    said: str


async def drill(config: Config, source: AlertSource, device: str | None, now: datetime) -> Tried:
    """Send it; `device`: else the first of the source's table. Raises ConfigError where the secret cannot be read."""
    import aiohttp

    from bot.app import upward_session

    host, _, port = str(config.alerts_listen).rpartition(":")
    address = f"{_EVERYWHERE.get(host, host)}:{port}"
    target = f"/alerts/{source.name}"
    alert = {
        "id": f"drill-{secrets.token_hex(8)}",
        "device": device or next(iter(source.devices), "drill"),
        "kind": "演练",
        "level": "blue",
        "at": now.astimezone(config.timezone).isoformat(timespec="seconds"),
        "drill": True,
    }
    body = json.dumps(alert, ensure_ascii=False).encode()
    headers = signing.headers(source.shared_secret(), "POST", target, body, key=str(alert["id"]), now=now)
    try:
        async with (
            upward_session() as session,
            session.post(
                f"http://{address}{target}",
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                allow_redirects=False,
            ) as response,
        ):
            answer = await response.json(content_type=None)
            said = answer.get("message") or answer.get("status")
            return Tried(address, response.status, str(said)) if said else Tried(address, 0, "")
    except aiohttp.ClientConnectorError as error:
        return Tried(address, None, error.strerror or str(error))
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError):
        return Tried(address, 0, "")
