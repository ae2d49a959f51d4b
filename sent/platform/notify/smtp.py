"""Mail over SMTP (RFC 5321), one message for one person.

The standard library's client in a thread, on a connection to a judged address (see `guard`). TLS is
verified against the name that was configured; without TLS no password is sent. The message is the same at
each attempt (Message-ID), so a mailbox that got it twice can tell.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime
from typing import Any, Literal

from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.notify import guard
from sent.platform.notify.channel import (
    DEADLINE_S,
    TIMEOUT_S,
    Message,
    Rejected,
    flag,
    number,
    text,
)
from sent.platform.notify.template import cleaned
from sent.platform.notify.threads import in_thread
from sent.platform.telemetry.log import Secret

Security = Literal["starttls", "tls", "none"]
REPLY_LINES = 100

# SMTP replies (RFC 5321, 4.2.1): 4yz may work later, 5yz will not.
_PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """Where mail is handed in. `sender` is the address it comes from."""

    host: str
    port: int
    security: Security
    username: str
    sender: str
    allow_private: bool = False

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> SmtpConfig:
        """Return the configuration; raises Invalid naming the field."""
        security = text(config, "security", default="starttls")
        if security not in ("starttls", "tls", "none"):
            raise Invalid("notify.config", f"security is starttls, tls or none; not {security[:20]!r}")
        username = text(config, "username", default="")
        if username and security == "none":
            raise Invalid("notify.config", "without TLS no password may be sent: choose starttls or tls")
        return cls(
            host=text(config, "host"),
            port=number(config, "port", 465 if security == "tls" else 587),
            security=security,  # type: ignore[arg-type]  # was looked at above
            username=username,
            sender=_address(text(config, "sender"), "sender"),
            allow_private=flag(config, "allow_private"),
        )


class Smtp:
    """A mail server as a channel."""

    def __init__(
        self,
        config: SmtpConfig,
        secret: Secret | None,
        *,
        tls: ssl.SSLContext | None = None,
        resolver: guard.Resolver = guard.resolve,
        timeout: float = TIMEOUT_S,
        deadline: float = DEADLINE_S,
    ) -> None:
        self._config, self._secret = config, secret
        self._tls, self._resolver = tls, resolver
        self._timeout, self._deadline = timeout, deadline

    async def send(self, message: Message) -> None:
        """Hand the message in; see `Channel`."""
        mail = mail_of(message, self._config.sender)
        session: list[_Client] = []
        try:
            async with asyncio.timeout(self._deadline):
                await in_thread(self._deliver, mail, message.to_address, session)
        except TimeoutError as error:
            for client in session:
                guard.close(client.sock)
            raise Unavailable("notify.timeout", "the mail server took too long") from error

    def _deliver(self, mail: EmailMessage, address: str, session: list[_Client]) -> None:
        config = self._config
        found = guard.target(
            config.host, config.port, allow_private=config.allow_private, resolver=self._resolver
        )
        try:
            tls = self._tls or ssl.create_default_context()
            client = _Client(found, tls if config.security == "tls" else None, self._timeout)
            session.append(client)
            with client:
                client.begin()
                client.ehlo_or_helo_if_needed()
                if config.security == "starttls":
                    client.starttls(context=tls)
                    client.ehlo()
                if config.username:
                    if self._secret is None:
                        raise Rejected("notify.secret", "the channel's password is missing: type it again")
                    client.login(config.username, self._secret.reveal())
                client.send_message(mail, from_addr=config.sender, to_addrs=[address])
        except SentError:
            raise
        except (smtplib.SMTPException, ssl.SSLError, OSError, ValueError) as error:
            # Not chained: what the server said stands in the error and may repeat what it was sent.
            raise _judged(error) from None


class _Client(smtplib.SMTP):
    """The library's client on an address that was judged; a server cannot keep it reading for ever."""

    def __init__(self, found: guard.Target, tls: ssl.SSLContext | None, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._found, self._context = found, tls
        # The name that certificates are verified against.
        self._host = found.host
        self._lines = 0

    def begin(self) -> None:
        """Connect and hear the greeting."""
        sock = guard.connect(self._found, TIMEOUT_S)
        self.sock = sock if self._context is None else self._wrapped(sock, self._context)
        self.file = None
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)

    def _wrapped(self, sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
        try:
            return context.wrap_socket(sock, server_hostname=self._found.host)
        except BaseException:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """Return a reply of a bounded number of lines (the library reads on while lines go on)."""
        if self.file is None and self.sock is not None:
            self.file = self.sock.makefile("rb")
        lines: list[bytes] = []
        while len(lines) < REPLY_LINES:
            line = self.file.readline(2049) if self.file is not None else b""
            if not line.endswith(b"\n"):
                self.close()
                raise smtplib.SMTPServerDisconnected("the connection ended or a line was too long")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return (int(line[:3]) if line[:3].isdigit() else -1), b"\n".join(lines)
        self.close()
        raise smtplib.SMTPServerDisconnected("the reply did not end")


def mail_of(message: Message, sender: str) -> EmailMessage:
    """Return the mail; raises Rejected for an address that is none."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=POLICY)
    try:
        mail["From"] = Address(cleaned(f"SENT {message.organization}", 100), addr_spec=sender)
        mail["To"] = Address(
            cleaned(message.to_name, 100), addr_spec=_address(message.to_address, "the person's address")
        )
    except (ValueError, IndexError, Invalid) as error:
        raise Rejected("notify.recipient", "the person's mail address cannot be used") from error
    mail["Subject"] = cleaned(message.title, 200)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"SENT notifications <{message.topic}.notifications.{domain}>"
    mail["List-Post"] = "NO"
    mail["List-Unsubscribe"] = f"<mailto:{sender}?subject=unsubscribe%20{message.topic}>"
    mail["X-SENT-Delivery"] = str(message.id)
    if message.severity == "critical":
        mail["Importance"] = "high"
    times = f" ({message.count}x)" if message.count > 1 else ""
    parts = [message.title + times, message.body, message.link, f"{message.topic} - {message.organization}"]
    mail.set_content("\n\n".join(part for part in parts if part) + "\n")
    return mail


def _address(typed: str, what: str) -> str:
    name, _, host = typed.rpartition("@")
    if not name or "." not in host or not typed.isprintable() or set(typed) & set(' <>,;:"\\()[]'):
        raise Invalid("notify.config", f"{what} is an address such as sent@example.com")
    return typed


def _judged(error: Exception) -> SentError:
    """Return what a failure means; texts of the peer are not repeated: they may hold anything."""
    code: int | None = None
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next((reply[0] for reply in error.recipients.values()), 550)
    elif isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    if code is not None:
        what = "refused the password" if isinstance(error, smtplib.SMTPAuthenticationError) else "answered"
        words = f"the mail server {what} {code}"
        if code in _PERMANENT:
            return Rejected("notify.smtp", words)
        return Unavailable("notify.smtp", words)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Rejected("notify.smtp", "the mail server lacks what is needed (TLS, log-in or such addresses)")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable("notify.certificate", f"the certificate is not valid: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Unavailable("notify.tls", "no TLS connection could be made")
    if isinstance(error, TimeoutError):
        return Unavailable("notify.timeout", "the mail server took too long")
    return Unavailable("notify.connection", "the mail server could not be reached, or hung up")
