"""Real peers of notifications on loopback: a mail server (RFC 5321) and a site, both with TLS."""

from __future__ import annotations

import base64
import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def certificate(folder: Path, name: str = "peer.test") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts of a server with a certificate for `name` and of a client that trusts only it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


@dataclass
class Mailbox:
    """What a mail server saw, and how it answers: `replies` maps a command to answers used up in order."""

    port: int = 0
    mails: list[tuple[str, list[str], str]] = field(default_factory=list)
    logins: list[tuple[str, str, bool]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=dict)
    password: str = "correct horse"
    endless: bool = False
    silent: bool = False
    starttls: bool = True


class _Smtp(socketserver.StreamRequestHandler):
    """One conversation; keeps the state that RFC 5321 asks for."""

    def handle(self) -> None:
        """Talk until QUIT or the end."""
        box: Mailbox = self.server.box  # type: ignore[attr-defined]
        tls: ssl.SSLContext = self.server.tls  # type: ignore[attr-defined]
        self.secure, self.name, self.sender, self.to = False, "", "", [""]
        self.to.clear()
        if box.silent:
            self.rfile.read()
            return
        self.say("220 peer.test ESMTP")
        while line := self.rfile.readline(2048):
            words = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = words.split(" ")[0].upper()
            box.commands.append(verb)
            if box.replies.get(verb):
                self.say(box.replies[verb].pop(0))
            elif verb in ("EHLO", "HELO"):
                self.name = words
                self.greet(box)
            elif verb == "STARTTLS":
                self.say("220 go ahead")
                self.rfile.close()
                self.connection = tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                self.secure, self.name = True, ""
            elif verb == "AUTH":
                self.log_in(box, words)
            elif verb == "MAIL":
                self.sender = words.partition("<")[2].partition(">")[0]
                self.say("250 ok" if self.name else "503 say EHLO first")
            elif verb == "RCPT":
                self.to.append(words.partition("<")[2].partition(">")[0])
                self.say("250 ok" if self.sender else "503 say MAIL first")
            elif verb == "DATA":
                self.take(box)
            elif verb == "RSET":
                self.sender = ""
                self.to.clear()
                self.say("250 ok")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 not known")

    def finish(self) -> None:
        """Close the connection that TLS made of the first one, too."""
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def say(self, text: str) -> None:
        """Send a line."""
        self.wfile.write(text.encode() + b"\r\n")

    def greet(self, box: Mailbox) -> None:
        """Answer EHLO with what can be done now."""
        while box.endless:
            self.say("250-AGAIN")
        lines = ["peer.test", "8BITMIME", "SMTPUTF8"]
        lines += ["AUTH PLAIN"] if self.secure else (["STARTTLS"] if box.starttls else [])
        for line in lines[:-1]:
            self.say(f"250-{line}")
        self.say(f"250 {lines[-1]}")

    def log_in(self, box: Mailbox, words: str) -> None:
        """Take AUTH PLAIN (RFC 4616), with TLS only."""
        _, user, password = base64.b64decode(words.split(" ")[2]).decode().split("\0")
        box.logins.append((user, password, self.secure))
        good = self.secure and password == box.password
        self.say("235 welcome" if good else f"535 no, not {password}")

    def take(self, box: Mailbox) -> None:
        """Take a mail up to the line with a single dot."""
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        end = box.replies.get("END", [])
        if end:
            self.say(end.pop(0))
            return
        box.mails.append((self.sender, list(self.to), b"".join(lines).decode()))
        self.say("250 taken")


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextmanager
def mail_server(tls: ssl.SSLContext) -> Iterator[Mailbox]:
    """Run a mail server and give its mailbox."""
    box = Mailbox()
    with _Threads(("127.0.0.1", 0), _Smtp) as server:
        server.box, server.tls = box, tls  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Site:
    """What a site was sent, and how it answers: `answers` (status, headers) are used up in order."""

    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    endless: bool = False


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Note the request and answer."""
        site: Site = self.server.site  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        site.requests.append((self.path, dict(self.headers.items()), body))
        status, headers = site.answers.pop(0) if site.answers else (200, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if site.endless:
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@contextmanager
def site(tls: ssl.SSLContext | None) -> Iterator[Site]:
    """Run a site and give what it sees."""
    found = Site()

    class Handler(_Handler):
        def setup(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.request.close()

    with _Threads(("127.0.0.1", 0), Handler) as server:
        server.site = found  # type: ignore[attr-defined]
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
