"""Syslog over TLS (RFC 5425) with client certificates, from real clients of the ssl module."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from certificates import Authority

from sent.engines.radar.receiving import listen, tls
from sent.engines.radar.receiving.backlog import Backlog
from sent.engines.radar.receiving.listen import TcpListener
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Invalid, SentError, Unavailable


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An identity `front` whose clients are vouched for by the same authority."""
    made = Authority(tmp_path)
    made.issue("front", server=True)
    (tmp_path / "front-clients.crt").write_bytes(made.certificate.read_bytes())
    monkeypatch.setattr(tls, "_folder", lambda: tmp_path)
    return made


def source(**options: object) -> Source:
    said = {"identity": "front", **options}
    return Source(
        uuid4(), UUID(int=1), None, "s", "syslog_tls", "127.0.0.1:0", None, None, None, "UTC", 1, said
    )


@asynccontextmanager
async def listening(**options: object) -> AsyncIterator[tuple[TcpListener, int, Backlog]]:
    backlog = Backlog()
    listener = TcpListener(source(**options), backlog)
    port = await listener.start()
    try:
        yield listener, port, backlog
    finally:
        await listener.stop()


def client(authority: Authority, files: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if files is not None:
        context.load_cert_chain(*files)
    return context


async def send(port: int, context: ssl.SSLContext, data: bytes) -> bool:
    """Send and close in good order; False when the server refused."""

    def work() -> bool:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
            ):
                secured.sendall(data)
                secured.unwrap()
                return True
        except OSError:
            return False

    return await asyncio.to_thread(work)


async def messages(backlog: Backlog, amount: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(10):
        while len(found) < amount:
            found += [payload for parcel in await backlog.take(1, 0) for payload in parcel.payloads]
    return found


async def refused(listener: TcpListener, sending: Awaitable[bool]) -> None:
    before = listener.dropped
    await sending
    async with asyncio.timeout(5):
        while listener.dropped == before:
            await asyncio.sleep(0.01)


async def test_r7_octet_counted_messages_of_a_client_with_a_certificate(authority: Authority) -> None:
    lines = [b"<13>1 - h p - - - \xef\xbb\xbfline\nbreak", b"<13>1 - h p - - - " + b"x" * 65_000]
    async with listening() as (_, port, backlog):
        context = client(authority, authority.issue("agent"))
        assert await send(port, context, b"".join(b"%d %s" % (len(line), line) for line in lines))
        assert await messages(backlog, 2) == lines


async def test_r7_messages_split_over_tls_records(authority: Authority) -> None:
    line = b"<13>1 - h p - - - " + b"y" * 40_000
    async with listening() as (_, port, backlog):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client(authority, authority.issue("agent"))
        )
        framed = b"%d %s" % (len(line), line)
        for start in range(0, len(framed), 7001):
            writer.write(framed[start : start + 7001])
            await writer.drain()
            await asyncio.sleep(0)
        assert await messages(backlog, 1) == [line]
        writer.close()
        await reader.read()


async def test_r7_who_shows_no_certificate_or_a_strangers_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    async with listening() as (listener, port, backlog):
        await refused(listener, send(port, client(authority), b"9 <13>hello"))
        await refused(listener, send(port, client(authority, stranger.issue("agent")), b"9 <13>hello"))
        assert backlog.lines == 0


async def test_who_speaks_no_tls_is_refused(authority: Authority) -> None:
    async with listening() as (listener, port, backlog):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"<13>plain text\n" * 10)
        async with asyncio.timeout(5):
            while not listener.dropped:
                await asyncio.sleep(0.01)
        writer.close()
        assert backlog.lines == 0


async def test_a_handshake_that_never_ends_is_given_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "HANDSHAKE_S", 0.1)
    async with listening() as (listener, port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            while not listener.dropped:
                await asyncio.sleep(0.01)
        writer.close()


async def test_tls_1_2_is_the_oldest_version_taken(authority: Authority) -> None:
    context = client(authority, authority.issue("agent"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening() as (_, port, backlog):
        assert await send(port, context, b"9 <13>hello")
        await messages(backlog, 1)
    assert tls.Identity(tls.checked({"identity": "front"})).context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("how", ["fingerprint", "common name", "alternative name"])
async def test_r7_only_those_allowed_may_send(authority: Authority, how: str) -> None:
    files = authority.issue("agent", dns="agent.example")
    der = ssl.PEM_cert_to_DER_cert(files[0].read_text())
    allow = {
        "fingerprint": f"sha256:{hashlib.sha256(der).hexdigest().upper()}",
        "common name": "cn:Agent",
        "alternative name": "dns:agent.example",
    }[how]
    async with listening(allow=[allow]) as (listener, port, backlog):
        other = client(authority, authority.issue("other", dns="other.example"))
        await refused(listener, send(port, other, b"9 <13>hello"))
        assert await send(port, client(authority, files), b"9 <13>hello")
        assert await messages(backlog, 1) == [b"<13>hello"]


async def test_optional_certificates_are_optional(authority: Authority) -> None:
    async with listening(clients="optional") as (_, port, backlog):
        assert await send(port, client(authority), b"9 <13>hello")
        assert await messages(backlog, 1) == [b"<13>hello"]


async def test_renewed_certificates_are_taken_up(authority: Authority, tmp_path: Path) -> None:
    async with listening() as (listener, port, backlog):
        (tmp_path / "new").mkdir()
        successor = Authority(tmp_path / "new", "successor")
        successor.issue("front", server=True)
        for name in ("front.crt", "front.key"):
            (tmp_path / "new" / name).replace(tmp_path / name)
        listener.refresh()
        agent = authority.issue("agent")
        await refused(listener, send(port, client(authority, agent), b"9 <13>hello"))
        assert await send(port, client(successor, agent), b"9 <13>hello")
        assert await messages(backlog, 1) == [b"<13>hello"]
        (tmp_path / "front.key").write_text("broken")
        with pytest.raises(SentError, match=r"front\.crt"):
            listener.refresh()
        assert await send(port, client(successor, agent), b"9 <13>hello"), "the former ones serve on"


async def test_a_full_backlog_makes_tls_senders_wait(authority: Authority) -> None:
    backlog = Backlog(max_lines=100)
    listener = TcpListener(source(clients="none"), backlog)
    port = await listener.start()
    sent = [b"<13>message number %06d" % number for number in range(20_000)]
    sending = asyncio.gather(send(port, client(authority), b"".join(line + b"\n" for line in sent)))
    await asyncio.sleep(0.2)
    assert backlog.waiting == 1
    assert await messages(backlog, len(sent)) == sent
    await sending
    await listener.stop()


def broken_key(folder: Path) -> None:
    (folder / "front.key").chmod(0o640)


def no_certificate(folder: Path) -> None:
    (folder / "front.crt").unlink()


def no_authorities(folder: Path) -> None:
    (folder / "front-clients.crt").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (broken_key, "chmod 600"),
        (no_certificate, r"front\.crt: No such file"),
        (no_authorities, r"front-clients\.crt: No such file"),
    ],
)
async def test_what_is_wrong_with_the_files_is_told(
    authority: Authority, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(tmp_path)
    with pytest.raises(Unavailable, match=said):
        await TcpListener(source(), Backlog()).start()


@pytest.mark.parametrize(
    "options",
    [
        {"identity": "../secrets/root"},
        {"identity": ""},
        {"identity": "Front"},
        {"identity": "front", "clients": "maybe"},
        {"identity": "front", "allow": ["agent"]},
        {"identity": "front", "allow": ["sha256:ab"]},
        {"identity": "front", "allow": ["cn:a"] * 201},
        {"identity": "front", "clients": "optional", "allow": ["cn:a"]},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        tls.checked(options)
