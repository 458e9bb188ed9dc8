"""The link to one wechaty gateway: one channel at a time, opened again for ever, every call bounded in time and number.

Made on the stubs of wechaty's puppet layer instead of its facade, which ends itself on one upstream error and restarts
the WeChat session with every start (design/wechaty.md). This file is the only one that knows gRPC; importing it takes
0.1 s, so it is imported when a link is made.
"""

from __future__ import annotations

import asyncio
import random
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Optional, cast

import betterproto
import structlog
from grpclib.client import Channel, Handler
from grpclib.config import Configuration
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from grpclib.protocol import H2Protocol
from wechaty_grpc.wechaty import PuppetStub, puppet

from bot.transports import gateway_errors, gateway_files
from bot.transports import gateway_wire as wire
from bot.transports.base import Offline, OutcomeUnknown, Rejected, Throttled, TransportError
from bot.transports.gateway_errors import Sign
from storage.notice_files import File

log = structlog.get_logger(__name__)

DONG, LOGIN, LOGOUT = 3, 25, 26

IN_FLIGHT = 32
QUEUED = 256  # events between the wire and the program; a full queue holds back the wire
WINDOW = 4 << 20  # bytes of HTTP/2 flow control


# Calls that do something: when their answer is lost, nobody knows whether they did.
_EFFECTS = frozenset({"MessageSendText", "MessageSendFile", "FriendshipAccept", "RoomInvitationAccept", *wire.Setter})

_PERHAPS_DONE = (Status.DEADLINE_EXCEEDED, Status.CANCELLED, Status.UNAVAILABLE, Status.ABORTED)
_NO_ACCESS = (Status.UNAUTHENTICATED, Status.PERMISSION_DENIED)
_TOO_BIG = re.compile("larger than max", re.IGNORECASE)
_TIMED_OUT = re.compile("time(?:d )?.?out", re.IGNORECASE)

WRONG_TOKEN = "the gateway refuses the token"  # noqa: S105  no token


class LoggedOut(Offline):
    """The puppet says that the account is logged out, so the call did nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    deadline: float = 15.0  # of a call
    connect: float = 10.0  # until a new event stream says its first word
    quiet: float = 10.0  # of silence before a Ding
    idle: float = 25.0  # of silence, in spite of the Ding, before the link counts as dead
    login: float = 5.0  # before a gateway that is not logged in is asked to start its puppet
    backoff: float = 0.2
    backoff_cap: float = 3.0


@dataclass(frozen=True, slots=True)
class WireEvent:
    type: int
    payload: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is gone, or could not be made. `silent` is how many seconds ago the wire said its last word."""

    reason: str
    silent: float


@dataclass(eq=False, repr=False)
class _Text(betterproto.Message):
    """An answer of one string (a sent message's id, a topic), of both generations: 0.x answers in field 1, 1.x in field
    2 (and some still in 1)."""

    old: Optional[str] = betterproto.message_field(1, wraps=betterproto.TYPE_STRING)  # noqa: UP045  betterproto reads it
    new: str = betterproto.string_field(2)


@dataclass(eq=False, repr=False)
class _Setting(betterproto.Message):
    """RoomAnnounceRequest, RoomTopicRequest, ContactAliasRequest: 0.x reads the new text in field 2, 1.x in field 3;
    wechaty's own stubs know field 2 alone, so that a 1.x gateway answers what stands and sets nothing."""

    id: str = betterproto.string_field(1)
    old: Optional[str] = betterproto.message_field(2, wraps=betterproto.TYPE_STRING)  # noqa: UP045
    new: str = betterproto.string_field(3)


class _Gathering:
    """A socket's transport that writes once in a turn of the loop: grpclib alone writes twice a call, and with many
    calls in flight the writing is what costs."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._transport, name)


class _Protocol(H2Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, _Gathering(cast(asyncio.Transport, transport))))


class _Channel(Channel):
    def _protocol_factory(self) -> H2Protocol:
        return _Protocol(Handler(), self._config, self._h2_config)


class _Stub(PuppetStub):  # type: ignore[misc]
    """wechaty's own stub, its calls bounded and their errors translated."""

    def __init__(self, link: Link) -> None:
        super().__init__(None)
        self._link = link

    async def message_payload(self, *, id: str = "") -> wire.MessageReply:  # noqa: A002
        request = wire.MessageRequest(id)
        reply: wire.MessageReply = await self._link.call("/wechaty.Puppet/MessagePayload", request, wire.MessageReply)
        return reply

    async def _unary_unary(self, route: str, request: Any, response_type: Any, **_: Any) -> Any:  # noqa: ANN401
        return await self._link.call(route, request, response_type)


class Link:
    """A connection that comes back. `calls` offers wechaty's calls; they raise the four errors of base.py."""

    def __init__(
        self,
        endpoint: str,
        token: str,
        *,
        tls: ssl.SSLContext | None = None,
        timing: Timing | None = None,
        seed: int | None = None,
    ) -> None:
        """`endpoint` is host:port. `seed` fixes the jitter. Raises ValueError where the endpoint is none."""
        host, separator, port = endpoint.rpartition(":")
        if not separator or not host or not port.isdigit():
            raise ValueError(f"not host:port: {endpoint}")
        self._host, self._port = host.strip("[]"), int(port)
        self._metadata = {"authorization": f"Wechaty {token}"}
        self._tls = tls
        self._timing = timing or Timing()
        self._random = random.Random(seed)
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._channel: Channel | None = None
        self._queue: asyncio.Queue[WireEvent | Lost | Exception] | None = None
        self._up = False  # the current event stream has said something
        self._ever_up = False
        self._logged_in = False
        self._dongs = False  # this puppet answers a Ding with a Dong, as most do
        self._dongless = False  # it did not, on an event stream that was then made anew
        self._held = False  # the reader waits for the program, not for the wire
        self._doubted = False  # a call got no answer in time, and nothing was heard since
        self._missed = False  # a call got no answer in time, and nobody was told
        self._last_word = 0.0
        self._pumping: asyncio.Task[None] | None = None
        self.calls: Any = _Stub(self)

    @property
    def up(self) -> bool:
        return self._up

    @property
    def answers(self) -> bool:
        """Up, and not silent since a call ran into its deadline: what is sent into a doubted link is lost to a person's
        judgement, line after line, until the watchdog gives the link up."""
        return self._up and not self._doubted

    def missed(self) -> bool:
        """Whether calls ran into their deadline on this link since it was last asked: once something is heard again,
        what they were to bring can be had."""
        missed, self._missed = self._missed, False
        return missed

    # ---------------------------------------------------------------- listening
    async def listen(self) -> AsyncGenerator[WireEvent | Lost, None]:
        """Yield what the wire brings, for ever. Raises `Rejected` for a wrong token before the first success.

        Ending it leaves the channel open: calls go on until `close()`.
        """
        queue: asyncio.Queue[WireEvent | Lost | Exception] = asyncio.Queue(QUEUED)
        self._queue = queue
        pump = self._pumping = asyncio.create_task(self._pump(queue), name=f"link:{self._host}:{self._port}")
        try:
            while True:
                heard = await queue.get()
                if isinstance(heard, Exception):
                    raise heard
                yield heard
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump

    async def _pump(self, queue: asyncio.Queue[WireEvent | Lost | Exception]) -> None:
        loop = asyncio.get_running_loop()
        self._last_word = loop.time()
        failures = 0
        while True:
            opened = loop.time()
            self._drop()
            try:
                await self._listen_once(queue)
                reason = "the gateway ended the event stream"
            except Rejected as error:
                if not self._ever_up:
                    await queue.put(error)
                    return
                reason = str(error)
            except Exception as error:  # noqa: BLE001  whatever breaks a link, the link is made again
                reason = _describe(error)
            self._drop()
            log.info("link lost", action="down", gateway=f"{self._host}:{self._port}", reason=reason)
            await queue.put(Lost(reason, loop.time() - self._last_word))
            failures = 1 if loop.time() - opened > self._timing.idle else failures + 1
            longest = min(self._timing.backoff_cap, self._timing.backoff * 2 ** min(failures, 16))
            await asyncio.sleep(longest * self._random.uniform(0.5, 1.0))

    async def _listen_once(self, queue: asyncio.Queue[WireEvent | Lost | Exception]) -> None:
        config = Configuration(http2_connection_window_size=WINDOW, http2_stream_window_size=WINDOW)
        self._channel = _Channel(self._host, self._port, ssl=self._tls, config=config)
        self._logged_in = self._held = self._doubted = self._missed = False
        reading = asyncio.create_task(self._read(self._channel, queue), name="read")
        watching = asyncio.create_task(self._watch(), name="watch")
        try:
            await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, watching):
                task.cancel()
            ends = await asyncio.gather(reading, watching, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _read(self, channel: Channel, queue: asyncio.Queue[WireEvent | Lost | Exception]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with channel.request(
                "/wechaty.Puppet/Event",
                Cardinality.UNARY_STREAM,
                puppet.EventRequest,
                wire.Event,
                metadata=self._metadata,
            ) as stream:
                await stream.send_message(puppet.EventRequest(), end=True)
                async for event in stream:
                    self._last_word = loop.time()
                    self._up = self._ever_up = True
                    self._doubted = False
                    wire_event = WireEvent(event.type, event.payload)
                    self._dongs = self._dongs or wire_event.type == DONG
                    if wire_event.type in (LOGIN, LOGOUT):
                        self._logged_in = wire_event.type == LOGIN
                    if queue.full():
                        self._held = True
                        await queue.put(wire_event)
                        self._held = False
                        self._last_word = loop.time()
                    else:
                        queue.put_nowait(wire_event)
        except GRPCError as error:
            if error.status in _NO_ACCESS:
                raise Rejected(WRONG_TOKEN) from None  # its message repeats the token
            raise

    async def _watch(self) -> None:
        """Raise TimeoutError when the event stream is dead, though its socket may look alive."""
        timing = self._timing
        loop = asyncio.get_running_loop()
        opened, asked, answered = loop.time(), False, False
        heard, stood_still = opened, 0.0
        while True:
            turn = loop.time()
            await asyncio.sleep(timing.quiet / 4)
            now = loop.time()
            if self._held:
                continue
            since = self._last_word if self._up else opened
            # The wire may have spoken while this very process, or its machine, stood still: that was no silence.
            heard, stood_still = since, now - turn - timing.quiet / 4 + (stood_still if since == heard else 0.0)
            silent = now - since - stood_still
            if silent >= (timing.idle if self._up else timing.connect):
                # Calls that are answered prove the gateway, not this stream of events: one that the gateway no longer
                # feeds looks like a puppet that never says Dong. A new stream tells them apart.
                self._dongless = answered and not self._dongs
                raise TimeoutError(f"nothing heard for {silent:.0f} s")
            if not self._up:
                continue
            if silent >= timing.quiet or self._doubted:
                answered = await self._patiently(self.calls.ding(data="xiaoge"))
                if answered and self._dongless and not self._dongs:
                    self._last_word = loop.time()  # of a puppet that never says Dong, an answered call must do
            if not self._logged_in and not asked and now - opened >= timing.login:
                # Idempotent; a stock gateway waits for its first client to say so. Stop is never sent.
                asked = True
                await self._patiently(self.calls.start())

    async def _patiently(self, call: Any) -> bool:  # noqa: ANN401
        """Make a call whose failure is no news beside the silence. Returns whether it was answered."""
        with suppress(TransportError, TimeoutError):
            async with asyncio.timeout(self._timing.quiet):
                await call
                return True
        return False

    # ---------------------------------------------------------------- calling
    async def send_text(self, conversation: str, text: str, mentions: list[str]) -> str | None:
        """Returns the message id, None where the puppet gives none."""
        request = puppet.MessageSendTextRequest(conversation_id=conversation, text=text, mentonal_ids=mentions)
        reply = await self.call("/wechaty.Puppet/MessageSendText", request, _Text)
        return reply.new or reply.old or None

    async def set(self, what: wire.Setter, of: str, text: str) -> None:
        """Change a room's announcement or topic, or the alias of a contact, and read it back: puppets that cannot do it
        report success all the same. `of` is the id of the room or contact.

        Raises ValueError for an empty text, `Rejected` where the old text still stands, `OutcomeUnknown` where the
        puppet does not tell, and the other errors of base.py."""
        if not text:
            raise ValueError("an empty text cannot be told from none on this wire")
        route = f"/wechaty.Puppet/{what}"
        await self.call(route, _Setting(id=of, old=text, new=text), _Text)
        try:
            stands = await self.call(route, _Setting(id=of), _Text)
        except TransportError as error:
            raise OutcomeUnknown(f"set, but it cannot be read back: {error}") from error
        if (stands.new or stands.old) != text:
            raise Rejected(f"the puppet did not set the {what.name.lower()}")

    async def send_file(self, conversation: str, file: File) -> str | None:
        """Returns the message id, None where the puppet gives none."""
        box = await gateway_files.boxed(self, file)
        request = puppet.MessageSendFileRequest(conversation_id=conversation, filebox=box)
        reply = await self.call("/wechaty.Puppet/MessageSendFile", request, _Text, within=gateway_files.WITHIN)
        return reply.new or reply.old or None

    async def file_of(self, message_id: str, *, picture: bool) -> File:
        """What a message shows. Raises `TooLarge` beyond what a notice may have."""
        return await gateway_files.fetch(self, message_id, picture=picture)

    async def call(
        self,
        route: str,
        request: Any,  # noqa: ANN401
        reply_type: Any,  # noqa: ANN401
        *,
        shape: Cardinality = Cardinality.UNARY_UNARY,
        take: Callable[[AsyncIterator[Any]], Awaitable[Any]] | None = None,
        within: float | None = None,
    ) -> Any:  # noqa: ANN401
        """One call, at most `IN_FLIGHT` at a time, each with a deadline, or `within` so many seconds. Where a stream
        goes out `request` is a sequence; one that comes in is given to `take`, whose result this returns.

        Raises the four errors of base.py, and what `take` raises of them."""
        effect = route.rpartition("/")[2] in _EFFECTS
        left = False
        requests = request if shape.client_streaming else (request,)
        async with self._slots:
            channel = self._channel
            if channel is None or not self._up:
                raise Offline("no link to the gateway")
            try:
                # Not grpclib's own timeout: it goes along as a header that differs every time, which HTTP/2 cannot
                # compress and both sides work on.
                async with (
                    asyncio.timeout(within or self._timing.deadline),
                    channel.request(route, shape, type(requests[0]), reply_type, metadata=self._metadata) as stream,
                ):
                    await stream.send_request()
                    left = True
                    for one in requests[:-1]:
                        await stream.send_message(one)
                    await stream.send_message(requests[-1], end=True)
                    reply = await (stream.recv_message() if take is None else take(stream))
            except GRPCError as error:
                self._doubted = False
                meant = translate(error, effect=effect)
                if isinstance(meant, LoggedOut):
                    self._log_out()
                raise meant from None
            except TimeoutError as error:
                self._doubted = self._missed = self._channel is channel
                raise (OutcomeUnknown if effect and left else Offline)(_describe(error)) from None
            except (OSError, StreamTerminatedError, ProtocolError) as error:
                if effect and left:
                    raise OutcomeUnknown(_describe(error)) from None
                raise Offline(_describe(error)) from None
            except TransportError:
                raise
            except Exception as error:
                if effect and left:
                    raise OutcomeUnknown(_describe(error)) from error
                raise Rejected(_describe(error)) from error
        self._doubted = False
        if reply is None:
            raise OutcomeUnknown("an empty answer") if effect else Offline("an empty answer")
        return reply

    def _log_out(self) -> None:
        """A puppet that was thrown out does not always say so by the event that is meant for it."""
        if self._logged_in and self._queue is not None and not self._queue.full():
            self._logged_in = False
            self._queue.put_nowait(WireEvent(LOGOUT, '{"contactId": "said by an error"}'))

    def close(self) -> None:
        """Let go of the wire for good; calls in flight fail. Never tells the gateway to stop."""
        if self._pumping is not None:
            self._pumping.cancel()
        self._drop()

    def _drop(self) -> None:
        self._up = False
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def translate(error: GRPCError, *, effect: bool) -> TransportError:
    """A gateway's error in our terms. `effect`: the call would have done something, as a send does."""
    words = error.message or ""
    if error.status in _NO_ACCESS:
        return Rejected(WRONG_TOKEN)
    if _TOO_BIG.search(words):
        return Rejected(_describe(error))
    sign = gateway_errors.read(words)
    if error.status is Status.RESOURCE_EXHAUSTED or sign is Sign.TOO_FAST:
        return Throttled(_describe(error))
    if sign is Sign.LOGGED_OUT:
        return LoggedOut("the account is logged out")
    if error.status in _PERHAPS_DONE or _TIMED_OUT.search(words):
        return OutcomeUnknown(_describe(error)) if effect else Offline(_describe(error))
    return Rejected(_describe(error))


def _describe(error: Exception) -> str:
    """An error for logs and for people: no text of a message, no name, no long number can be in it."""
    if isinstance(error, GRPCError):
        name, words = error.status.name, error.message or ""
    else:
        name, words = type(error).__name__, str(error)
    words = re.sub(r"[^ -~]+", "…", words.split("\n", 1)[0])
    words = re.sub(r"\d{6,}", "#", words)[:120]
    return f"{name}: {words}" if words else name
