"""Ask a gateway whether it is there and takes our token: one call on a channel of its own.

No event stream is opened: a gateway has one listener, and that is the running bot.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from bot.transports.base import Offline, Rejected

ROUTE = "/wechaty.Puppet/Version"


async def probe(endpoint: str, token: str, *, tls_ca: Path | None = None, within: float = 5.0) -> str:
    """The version that the gateway names. `within` is in seconds.

    Raises Offline where nobody answers, Rejected for a wrong token; each text holds the cure."""
    from grpclib.client import Channel
    from grpclib.const import Cardinality, Status
    from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
    from wechaty_grpc.wechaty import puppet

    host, _, port = endpoint.rpartition(":")
    channel = Channel(host, int(port), ssl=_trust(tls_ca))
    try:
        async with (
            asyncio.timeout(within),
            channel.request(
                ROUTE,
                Cardinality.UNARY_UNARY,
                puppet.VersionRequest,
                puppet.VersionResponse,
                metadata={"authorization": f"Wechaty {token}"},
            ) as stream,
        ):
            await stream.send_message(puppet.VersionRequest(), end=True)
            reply = await stream.recv_message()
    except GRPCError as error:
        if error.status in (Status.UNAUTHENTICATED, Status.PERMISSION_DENIED):
            raise Rejected(
                "the gateway refuses the token: put the gateway's own token into the configuration"
            ) from None
        if error.status is Status.UNIMPLEMENTED:
            return "unknown"
        raise Offline(f"the gateway answers {error.status.name}: look into its log") from None
    except ssl.SSLError as error:
        raise Offline(f"TLS failed ({error.reason}): check tls_ca, or leave it out for a gateway without TLS") from None
    except (TimeoutError, OSError, StreamTerminatedError, ProtocolError) as error:
        why = f"no answer within {within:g} s" if isinstance(error, TimeoutError) else type(error).__name__
        raise Offline(f"nobody answers at {endpoint} ({why}): start the gateway or mend endpoint") from None
    finally:
        channel.close()
    return reply.version if reply is not None else "unknown"


def _trust(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    return context
