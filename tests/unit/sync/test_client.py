"""Requests as they travel: against the platform of the tests, and against servers that answer nonsense."""

from __future__ import annotations

import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.settings import ConfigError
from bot.sync import rendering, signing
from bot.sync.client import Batch, Client, Closed, Failed, Fault, Refused, Result, Throttled, TooLarge
from bot.sync.rendering import Reason
from tests.unit.sync.house import SOURCE, upstream

SECRET = "a-secret-of-both-sides"  # noqa: S105
ITEMS = [rendering.sealed(rendering.tombstone(number, 1, Reason.WITHDRAWN)) for number in (1, 2)]
BATCH = Batch.of(SOURCE, ITEMS, replays=[0, 0], number=1)
ACCEPTED = {"results": [{"id": f"S{n}", "version": 1, "status": "accepted", "ref": f"A{n}"} for n in (1, 2)]}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def above(handler: Handler, tls: ssl.SSLContext | None = None, **keys: Any) -> AsyncIterator[Client]:
    """A client of a server that answers every request so."""
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(upstream(**{"url": url, "secret": SECRET, **keys}), SOURCE, session, lambda: datetime.now(UTC))
    finally:
        await runner.cleanup()


def answering(status: int, body: str = "", **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


@pytest.mark.parametrize("squeezed", [False, True])
async def test_a_batch_travels_signed(squeezed: bool) -> None:
    seen: list[tuple[str, str, Any]] = []

    async def handler(request: web.Request) -> web.Response:
        # aiohttp's server unpacks what is compressed; the signature is of the bytes on the wire.
        body = await request.read()
        wire = gzip.compress(body, mtime=0) if squeezed else body
        signing.check(SECRET, request.method, request.raw_path, wire, request.headers, now=datetime.now(UTC))
        seen.append((request.raw_path, request.headers["Idempotency-Key"], json.loads(body)))
        return web.json_response(ACCEPTED)

    async with above(handler, gzip=squeezed) as client:
        results = await client.deliver(BATCH)
        assert [(one.status, one.ref) for one in results] == [("accepted", "A1"), ("accepted", "A2")]
    assert seen == [("/api/tickets", BATCH.key, {"schema": "xiaoge.ticket/1", "source": SOURCE, "items": ITEMS})]


async def test_a_question_is_signed_with_its_query() -> None:
    async def handler(request: web.Request) -> web.Response:
        signing.check(SECRET, "GET", request.raw_path, b"", request.headers, now=datetime.now(UTC))
        return web.json_response(dict(request.query))

    async with above(handler) as client:
        assert await client.get("/tickets", {"after": "S1 桂花&x=", "limit": "5"}) == {
            "source": SOURCE,
            "after": "S1 桂花&x=",
            "limit": "5",
        }


def test_the_key_is_of_the_content_and_of_the_replays() -> None:
    same = Batch.of(SOURCE, ITEMS, replays=[0, 0], number=2)
    assert (same.key, same.body) == (BATCH.key, BATCH.body)
    assert Batch.of(SOURCE, ITEMS[:1], replays=[0], number=1).key != BATCH.key
    assert Batch.of(SOURCE, ITEMS, replays=[0, 1], number=1).key != BATCH.key


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (400, '{"code": "invalid", "message": "no such area", "id": "S2"}', Refused, "invalid", "400 no such area"),
        (422, "<html>oops</html>", Refused, "refused", "422 <html>oops</html>"),
        (401, '{"message": "who are you"}', Closed, "unauthorized", "401 who are you"),
        (403, "", Closed, "unauthorized", "403"),
        (404, "", Closed, "wrong_address", "404"),
        (405, "", Closed, "wrong_address", "405"),
        (302, "", Closed, "wrong_address", "302"),
        (413, "", TooLarge, "too_large", "413"),
        (408, "", Throttled, "throttled", "408"),
        (429, "", Throttled, "throttled", "429"),
        (500, "x" * 5000, Failed, "server_error", "500 " + "x" * 496),
        (503, "", Failed, "server_error", "503"),
        (200, "thank you", Failed, "bad_answer", "200 with something that is no JSON object"),
        (200, '{"results": []}', Failed, "bad_answer", "200 without a result for each of 2 items"),
        (
            200,
            json.dumps({"results": ACCEPTED["results"][::-1]}),
            Failed,
            "bad_answer",
            "200 with a result that is not",
        ),
        (200, json.dumps(ACCEPTED).replace("accepted", "ok"), Failed, "bad_answer", "200 with the unknown status 'ok'"),
        (200, "[" * 100_000, Failed, "bad_answer", "200 with something that is no JSON object"),
        (202, '{"message": "queued"}', Failed, "bad_answer", "202 queued"),
        (500, '{"a":' * 100_000, Failed, "server_error", '500 {"a":'),
        (400, r'{"message": "half \ud800a\n\n character\u0000"}', Refused, "refused", "400 half a character"),
    ],
)
async def test_what_goes_wrong_has_a_kind_and_their_words(
    status: int, body: str, kind: type[Fault], code: str, words: str
) -> None:
    async with above(answering(status, body)) as client:
        with pytest.raises(kind) as caught:
            await client.deliver(BATCH)
    assert caught.value.code == code
    assert caught.value.words.startswith(words)
    assert len(caught.value.words) <= 500


async def test_what_they_quote_is_masked_and_their_code_is_a_word() -> None:
    quoted = {"code": "电话 13900001234", "message": "bad text: 请拨13900001234"}
    async with above(answering(400, json.dumps(quoted))) as client:
        with pytest.raises(Refused) as caught:
            await client.deliver(BATCH)
    assert (caught.value.code, caught.value.words) == ("refused", "400 bad text: 请拨139****1234")
    rejected = [{**one, "status": "rejected", **quoted} for one in ACCEPTED["results"]]
    async with above(answering(200, json.dumps({"results": rejected}))) as client:
        result, _ = await client.deliver(BATCH)
    assert result == Result("rejected", "A1", "rejected", "bad text: 请拨139****1234")


async def test_what_no_database_takes_is_left_out_of_their_words() -> None:
    said = {"status": "rejected", "message": "no\ud800 such\x00\r\narea", "ref": "A\x001\udfff"}
    rejected = [{**one, **said} for one in ACCEPTED["results"]]
    async with above(answering(200, json.dumps({"results": rejected}))) as client:
        result, _ = await client.deliver(BATCH)
    assert result == Result("rejected", "A1", "rejected", "no such area")


@pytest.mark.parametrize("squeezed", [False, True])
async def test_an_answer_without_an_end_is_not_held_in_memory(squeezed: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"} if squeezed else {})
        await response.prepare(request)
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros = bytes(2**20)
        for _ in range(100):
            await response.write(pack.compress(zeros) + pack.flush(zlib.Z_SYNC_FLUSH) if squeezed else zeros)
        return response

    async with above(handler) as client:
        with pytest.raises(Failed, match="bad_answer: 200 with more than 8 MiB"):
            await client.deliver(BATCH)


async def test_the_culprit_is_the_one_they_name() -> None:
    async with above(answering(400, '{"message": "bad", "id": "S2"}')) as client:
        with pytest.raises(Refused) as caught:
            await client.deliver(BATCH)
    assert caught.value.culprit == "S2"


@pytest.mark.parametrize(
    ("status", "text", "pause"),
    [
        (429, "90", timedelta(seconds=90)),
        (503, "7", timedelta(seconds=7)),
        (429, "999999", timedelta(hours=1)),
        (429, "soon", None),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", timedelta()),
    ],
)
async def test_a_pause_that_they_ask_for(status: int, text: str, pause: timedelta | None) -> None:
    async with above(answering(status, Retry_After=text)) as client:
        with pytest.raises(Throttled) as caught:
            await client.deliver(BATCH)
    assert caught.value.pause == pause


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server with a CA of its own needs, and the file of that CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "platform")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(made.public_bytes(pem))
    (folder / "server.pem").write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "ca.pem"


async def test_their_certificate_is_checked(tmp_path: Path) -> None:
    context, ca = certified(tmp_path)
    async with above(answering(200, json.dumps(ACCEPTED)), tls=context) as client:
        with pytest.raises(Failed) as caught:
            await client.deliver(BATCH)
        assert caught.value.code == "untrusted"
    async with above(answering(200, json.dumps(ACCEPTED)), tls=context, tls_ca=str(ca)) as client:
        assert len(await client.deliver(BATCH)) == 2
    with pytest.raises(ConfigError, match=r"\[\[upstreams\]\] street tls_ca: cannot use .*none.pem \(No such file"):
        async with above(answering(200), tls_ca=str(tmp_path / "none.pem")):
            pass


async def test_an_answer_that_breaks_off_and_one_that_never_comes() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"results"')
        assert request.transport is not None
        request.transport.abort()
        return response

    async with above(cut) as client:
        with pytest.raises(Failed) as caught:
            await client.deliver(BATCH)
        assert caught.value.code == "aborted"
    async with aiohttp.ClientSession() as session:  # nobody listens there any more
        client = Client(upstream(secret=SECRET), SOURCE, session, lambda: datetime.now(UTC))
        with pytest.raises(Failed) as caught:
            await client.deliver(BATCH)
        assert caught.value.code == "unreachable"
