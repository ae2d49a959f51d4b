"""A signed POST to a site of the customer's own.

    SENT-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>" under the channel's secret>
    Idempotency-Key: <the delivery's id, the same at each attempt>

A receiver checks the signature in constant time, refuses a `t` more than five minutes off, and remembers
keys for a day. Redirects are not followed, at most 4 KiB of the answer are read and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sent.platform.errors import Invalid, Unavailable
from sent.platform.notify import guard
from sent.platform.notify.channel import DEADLINE_S, TIMEOUT_S, Message, Rejected, flag, text
from sent.platform.notify.threads import in_thread
from sent.platform.telemetry.log import Secret

LATER = {408, 421, 425, 429, *range(500, 600)}
LONGEST_TOLD_S = 3600


class Later(Unavailable):
    """The peer asked for a pause; `data["after"]` has the seconds."""


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where to post."""

    url: str
    allow_private: bool = False

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> WebhookConfig:
        """Return the configuration; raises Invalid naming the field."""
        url, private = text(config, "url", most=1000), flag(config, "allow_private")
        _split(url, private)
        return cls(url, private)


class Webhook:
    """A site as a channel."""

    def __init__(
        self,
        config: WebhookConfig,
        secret: Secret | None,
        *,
        tls: ssl.SSLContext | None = None,
        resolver: guard.Resolver = guard.resolve,
        now: Callable[[], float] = time.time,
        timeout: float = TIMEOUT_S,
        deadline: float = DEADLINE_S,
    ) -> None:
        self._config, self._secret = config, secret
        self._tls, self._resolver, self._now = tls, resolver, now
        self._timeout, self._deadline = timeout, deadline

    async def send(self, message: Message) -> None:
        """Post the message; see `Channel`."""
        if self._secret is None:
            raise Rejected("notify.secret", "the channel's secret is missing: type it again")
        body = body_of(message)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "SENT",
            "Idempotency-Key": str(message.id),
            "SENT-Signature": signature(self._secret, body, int(self._now())),
        }
        connections: list[_Connection] = []
        try:
            async with asyncio.timeout(self._deadline):
                status, after = await in_thread(self._post, body, headers, connections)
        except TimeoutError as error:
            for connection in connections:
                guard.close(connection.raw)
            raise Unavailable("notify.timeout", "the site took too long") from error
        _judge(status, after)

    def _post(
        self, body: bytes, headers: dict[str, str], connections: list[_Connection]
    ) -> tuple[int, float | None]:
        secure, host, port, path = _split(self._config.url, self._config.allow_private)
        found = guard.target(host, port, allow_private=self._config.allow_private, resolver=self._resolver)
        tls = (self._tls or ssl.create_default_context()) if secure else None
        connection = _Connection(found, tls, self._timeout)
        connections.append(connection)
        try:
            connection.request("POST", path, body, headers)
            # The answer's body is of no use, and reading it would be at the site's pace.
            answer = connection.getresponse()
            return answer.status, _after(answer.getheader("Retry-After"))
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(
                "notify.certificate", f"the certificate is not valid: {error.verify_message}"
            ) from None
        except ssl.SSLError:
            raise Unavailable("notify.tls", "no TLS connection could be made") from None
        except TimeoutError:
            raise Unavailable("notify.timeout", "the site took too long") from None
        except (OSError, http.client.HTTPException):
            raise Unavailable(
                "notify.connection", "the site could not be reached, or its answer makes no sense"
            ) from None
        finally:
            connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was judged; name and certificate are those of the host."""

    def __init__(self, found: guard.Target, tls: ssl.SSLContext | None, timeout: float) -> None:
        super().__init__(found.host, found.port, timeout=timeout)
        self.default_port = 443 if tls is not None else 80
        self._found, self._tls = found, tls
        self.raw: socket.socket | None = None
        """The socket, also when the library has let go of it because the site closes after its answer."""

    def connect(self) -> None:
        """Connect without asking for the name again."""
        plain = guard.connect(self._found, self.timeout or TIMEOUT_S)
        self.sock: socket.socket = plain
        self.raw = plain
        if self._tls is not None:
            secure = self._tls.wrap_socket(
                plain, server_hostname=self._found.host, do_handshake_on_connect=False
            )
            self.sock = self.raw = secure
            secure.do_handshake()


def body_of(message: Message) -> bytes:
    """Return what is posted: the same bytes at each attempt while the notice is the same."""
    return json.dumps(
        {
            "id": str(message.id),
            "notice": str(message.notice),
            "topic": message.topic,
            "severity": message.severity,
            "title": message.title,
            "body": message.body,
            "link": message.link,
            "count": message.count,
            "at": message.at.isoformat(),
            "organization": message.organization,
        },
        ensure_ascii=True,
        separators=(",", ":"),
    ).encode()


def signature(secret: Secret, body: bytes, at: int) -> str:
    """Return the header's value for a body sent at `at` (Unix seconds)."""
    digest = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, "sha256")
    return f"t={at},v1={digest.hexdigest()}"


def _split(url: str, private: bool) -> tuple[bool, str, int, str]:
    """Return (TLS, host, port, path) of an address that may be posted to."""
    wrong = Invalid("notify.config", "url is an address such as https://example.com/sent")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise wrong
    if parts.scheme == "http" and not private:
        raise Invalid("notify.config", "url begins with https: (http: only inside a private network)")
    if parts.username is not None or parts.password is not None:
        raise Invalid("notify.config", "url holds no name or password")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, host, port or (443 if secure else 80), path


def _judge(status: int, after: float | None) -> None:
    words = f"the site answered {status}"
    if 200 <= status < 300:
        return
    if status in LATER:
        raise Later("notify.http", words, after=after)
    if 300 <= status < 400:
        words += ": redirects are not followed"
    raise Rejected("notify.http", words)


def _after(header: str | None) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3); a date there is ignored."""
    return (
        float(min(int(header), LONGEST_TOLD_S)) if header and header.isdigit() and len(header) < 8 else None
    )


__all__ = ["Later", "Webhook", "WebhookConfig", "body_of", "signature"]
