"""Mail and webhooks against real peers, well-behaved and hostile."""

from __future__ import annotations

import email
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from uuid import uuid4

import pytest
from peers import Mailbox, Site, certificate, closed_port, mail_server, site

from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.notify.channel import Message, Rejected
from sent.platform.notify.smtp import Smtp, SmtpConfig
from sent.platform.notify.webhook import Later, Webhook, WebhookConfig
from sent.platform.telemetry.log import Secret

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]

MESSAGE = Message(
    id=uuid4(), notice=uuid4(), topic="radar.alert.raised", severity="critical", title="Critical: Ärger",
    body="Host: web1", link="sent://org/alpha/radar", count=2, at=datetime(2026, 5, 5, tzinfo=UTC),
    organization="Alpha", to_address="anna@example.com", to_name="Anna Ört",
)  # fmt: skip


def here(_host: str, _port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def tls(tmp_path: Path) -> Contexts:
    """Return contexts of a server called peer.test and of a client that trusts it."""
    return certificate(tmp_path)


@pytest.fixture
def mailbox(tls: Contexts) -> Iterator[Mailbox]:
    """Run a mail server."""
    with mail_server(tls[0]) as box:
        yield box


@pytest.fixture
def web(tls: Contexts) -> Iterator[Site]:
    """Run a site with TLS."""
    with site(tls[0]) as found:
        yield found


def smtp(
    box: Mailbox, client: ssl.SSLContext, *, password: str = "correct horse", host: str = "peer.test",
    security: str = "starttls", deadline: float = 30.0,
) -> Smtp:  # fmt: skip
    """Return the channel to the mail server."""
    config = SmtpConfig.parse(
        {
            "host": host, "port": box.port, "security": security, "allow_private": True,
            "username": "" if security == "none" else "sent", "sender": "sent@example.com",
        }
    )  # fmt: skip
    return Smtp(config, Secret(password), tls=client, resolver=here, deadline=deadline)


def hook(
    web: Site, client: ssl.SSLContext | None, *, host: str = "peer.test", private: bool = True
) -> Webhook:
    """Return the channel to the site."""
    config = WebhookConfig.parse({"url": f"https://{host}:{web.port}/in?x=1", "allow_private": private})
    return Webhook(config, Secret("s3cret"), tls=client, resolver=here, now=lambda: 1_800_000_000.5)


async def test_a_mail_is_handed_in_over_verified_tls(mailbox: Mailbox, tls: Contexts) -> None:
    await smtp(mailbox, tls[1]).send(MESSAGE)
    await smtp(mailbox, tls[1]).send(MESSAGE)
    assert mailbox.logins == [("sent", "correct horse", True)] * 2
    first, second = (email.message_from_string(mail[2], policy=policy.default) for mail in mailbox.mails)
    assert mailbox.mails[0][:2] == ("sent@example.com", ["anna@example.com"])
    assert first["Subject"] == "Critical: Ärger"
    assert first["To"].addresses[0].display_name == "Anna Ört"
    assert first["Message-ID"] == second["Message-ID"] == f"<{MESSAGE.id}@example.com>"
    assert {"List-Id", "List-Unsubscribe", "Auto-Submitted"} <= set(first.keys())
    text = first.get_content()
    assert "Host: web1" in text
    assert "(2x)" in text
    assert "sent://org/alpha/radar" in text


@pytest.mark.parametrize("evil", ["x\r\nBcc: all@evil.test", "x\nBcc: b@evil.test\n\nbody", "\r\n.\r\nMAIL"])
async def test_headers_cannot_be_injected(mailbox: Mailbox, tls: Contexts, evil: str) -> None:
    await smtp(mailbox, tls[1]).send(
        replace(MESSAGE, title=evil, to_name=evil, organization=evil, body=f"a\r\n.\r\nQUIT\r\n{evil}")
    )
    (sender, to, text) = mailbox.mails[0]
    mail = email.message_from_string(text, policy=policy.default)
    assert (sender, to) == ("sent@example.com", ["anna@example.com"])
    assert mail["Bcc"] is None
    assert len(mail["To"].addresses) == len(mail["From"].addresses) == 1
    assert len(mailbox.mails) == 1
    for address in (f"anna@example.com{evil}", "a@example.com>, <b@evil.test", "a b@example.com", ""):
        with pytest.raises(Rejected):
            await smtp(mailbox, tls[1]).send(replace(MESSAGE, to_address=address))
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("verb", "reply", "kind"),
    [
        ("MAIL", "451 later", Unavailable),
        ("RCPT", "450 greylisted", Unavailable),
        ("RCPT", "550 no such user", Rejected),
        ("END", "452 full", Unavailable),
        ("END", "554 spam", Rejected),
        ("MAIL", "nonsense", Unavailable),
    ],
)
async def test_4xx_may_be_tried_again_and_5xx_is_the_end(
    mailbox: Mailbox, tls: Contexts, verb: str, reply: str, kind: type[SentError]
) -> None:
    mailbox.replies[verb] = [reply]
    with pytest.raises(kind) as caught:
        await smtp(mailbox, tls[1]).send(MESSAGE)
    assert reply.split(" ", 1)[-1] not in caught.value.message
    await smtp(mailbox, tls[1]).send(MESSAGE)
    assert len(mailbox.mails) == 1


async def test_a_refused_password_is_dead_and_never_repeated(mailbox: Mailbox, tls: Contexts) -> None:
    with pytest.raises(Rejected, match="refused the password 535") as caught:
        await smtp(mailbox, tls[1], password="hunter2").send(MESSAGE)
    shown, error = "", caught.value
    while error is not None:
        shown += repr(error) + str(error)
        error = error.__cause__  # type: ignore[assignment]
    assert "hunter2" not in shown


async def test_no_password_goes_to_a_server_without_tls_or_under_another_name(
    mailbox: Mailbox, tls: Contexts
) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        await smtp(mailbox, tls[1], host="other.test").send(MESSAGE)
    with pytest.raises(Unavailable, match="certificate"):
        await smtp(mailbox, ssl.create_default_context()).send(MESSAGE)
    mailbox.starttls = False
    with pytest.raises(Rejected):
        await smtp(mailbox, tls[1]).send(MESSAGE)
    assert mailbox.logins == []
    with pytest.raises(Invalid, match="without TLS no password"):
        SmtpConfig.parse({"host": "a.test", "security": "none", "username": "x", "sender": "a@b.test"})


async def test_a_mail_server_that_talks_or_waits_for_ever_is_left(mailbox: Mailbox, tls: Contexts) -> None:
    mailbox.endless = True
    with pytest.raises(Unavailable):
        await smtp(mailbox, tls[1]).send(MESSAGE)
    mailbox.endless, mailbox.silent = False, True
    with pytest.raises(Unavailable, match="too long"):
        await smtp(mailbox, tls[1], deadline=0.5).send(MESSAGE)


async def test_private_addresses_are_refused_before_anything_is_sent(
    mailbox: Mailbox, web: Site, tls: Contexts
) -> None:
    with pytest.raises(Invalid, match="private network"):
        await hook(web, tls[1], private=False).send(MESSAGE)
    config = SmtpConfig.parse({"host": "peer.test", "port": mailbox.port, "sender": "a@b.test"})
    with pytest.raises(Invalid, match="private network"):
        await Smtp(config, None, tls=tls[1], resolver=here).send(MESSAGE)
    assert (web.requests, mailbox.commands) == ([], [])


async def test_a_webhook_is_signed_over_time_and_body(web: Site, tls: Contexts) -> None:
    await hook(web, tls[1]).send(MESSAGE)
    path, headers, body = web.requests[0]
    assert path == "/in?x=1"
    assert headers["Host"] == f"peer.test:{web.port}"
    assert headers["Idempotency-Key"] == str(MESSAGE.id)
    expected = hmac.new(b"s3cret", b"1800000000." + body, "sha256").hexdigest()
    assert headers["SENT-Signature"] == f"t=1800000000,v1={expected}"
    assert b"s3cret" not in body


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (302, {"Location": "http://127.0.0.1/"}, Rejected),
        (307, {"Location": "https://peer.test/other"}, Rejected),
        (400, {}, Rejected),
        (410, {}, Rejected),
        (429, {"Retry-After": "30"}, Later),
        (503, {}, Later),
    ],
)
async def test_answers_say_whether_it_is_tried_again(
    web: Site, tls: Contexts, status: int, headers: dict[str, str], kind: type[SentError]
) -> None:
    web.answers = [(status, headers)]
    with pytest.raises(kind) as caught:
        await hook(web, tls[1]).send(MESSAGE)
    assert len(web.requests) == 1
    if status == 429:
        assert caught.value.data["after"] == 30.0


async def test_a_site_under_another_name_endless_or_away_is_no_harm(web: Site, tls: Contexts) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        await hook(web, tls[1], host="other.test").send(MESSAGE)
    web.endless = True
    await hook(web, tls[1]).send(MESSAGE)
    web.port = closed_port()
    with pytest.raises(Unavailable, match="could not be reached"):
        await hook(web, tls[1]).send(MESSAGE)


async def test_a_site_that_answers_at_its_own_pace_holds_no_thread() -> None:
    """The answer's body is never waited for: a byte every few seconds would keep a thread for hours."""
    told = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                for _ in range(200):
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        break
                    if told.wait(0.05):
                        break

        site = threading.Thread(target=trickle)
        site.start()
        config = WebhookConfig(f"http://127.0.0.1:{listening.getsockname()[1]}/", allow_private=True)
        began = time.monotonic()
        await Webhook(config, Secret("s3cret")).send(MESSAGE)
        took = time.monotonic() - began
        told.set()
        site.join(20)
    assert took < 5, "the ten seconds of the body were not waited for"
