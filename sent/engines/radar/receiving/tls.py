"""TLS of listeners: RFC 5425 syslog and HTTP, with client certificates.

A source names an identity, never a file: whoever manages sources must not reach the server's other keys. The
identity's files lie in the administrator's `tls_dir` (`tls` in the config folder):

    front.crt            the server's certificate and what leads to its root, PEM
    front.key            its private key, PEM, readable for its owner only
    front-clients.crt    the authorities whose client certificates are taken, PEM

Renewed files are taken up within seconds; connections that exist go on.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sent.platform.errors import Invalid, SentError, Unavailable

Clients = Literal["none", "optional", "required"]

MAX_ALLOWED = 200
HANDSHAKE_S = 10.0
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """What a source says: its identity, whether clients show certificates, and whose are taken.

    `allow` holds `sha256:<hex of the certificate>`, `cn:<common name>` and `dns:<alternative name>`; empty
    takes everybody whom the identity's authorities vouch for.
    """

    identity: str
    clients: Clients = "required"
    allow: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"identity": self.identity, "clients": self.clients, "allow": list(self.allow)}


def checked(stored: Mapping[str, Any]) -> TlsOptions:
    """Return the options in their normal form; raises Invalid naming the cure."""
    identity, clients = str(stored.get("identity") or ""), str(stored.get("clients") or "required")
    if not _NAME.fullmatch(identity):
        raise Invalid("radar.tls.identity", f"{identity!r}: name an identity in small letters, such as front")
    if clients not in ("none", "optional", "required"):
        raise Invalid("radar.tls.clients", f"{clients!r}: client certificates are none, optional or required")
    allow = stored.get("allow") or []
    if not isinstance(allow, list | tuple) or len(allow) > MAX_ALLOWED:
        raise Invalid("radar.tls.allow", f"allow at most {MAX_ALLOWED} certificates or names")
    if allow and clients != "required":
        raise Invalid("radar.tls.allow", "who allows some clients only must require their certificates")
    known: Clients = "none" if clients == "none" else "optional" if clients == "optional" else "required"
    return TlsOptions(identity, known, tuple(_entry(str(entry)) for entry in allow))


def _entry(text: str) -> str:
    kind, _, value = text.strip().partition(":")
    if kind == "sha256":
        value = value.replace(":", "").lower()
        if _FINGERPRINT.fullmatch(value):
            return f"sha256:{value}"
    elif kind in ("cn", "dns") and 0 < len(value) <= 255 and value.isprintable():
        return f"{kind}:{value.lower()}"
    raise Invalid("radar.tls.allow", f"{text!r}: write sha256:<fingerprint>, cn:<name> or dns:<name>")


class Identity:
    """A server context that follows its files."""

    def __init__(self, options: TlsOptions, folder: Path | None = None) -> None:
        """Load the files; raises Unavailable naming what is wrong with which."""
        self._options = options
        base = folder or _folder()
        self._certificate = base / f"{options.identity}.crt"
        self._key = base / f"{options.identity}.key"
        self._authorities = base / f"{options.identity}-clients.crt"
        self._state = self._looked()
        self.context = self._loaded()

    def refresh(self) -> None:
        """Load the files again if they changed; on trouble the former ones serve on (raises SentError)."""
        state = self._looked()
        if state != self._state:
            self.context = self._loaded()
            self._state = state

    def admits(self, peer: ssl.SSLObject) -> bool:
        """Say whether the peer's certificate, verified before, is one of those allowed."""
        if not self._options.allow:
            return True
        der = peer.getpeercert(binary_form=True)
        if not der:
            return False
        fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"
        names = _names(peer.getpeercert() or {})
        return any(
            hmac.compare_digest(entry, fingerprint) if entry.startswith("sha256:") else entry in names
            for entry in self._options.allow
        )

    def _looked(self) -> tuple[tuple[int, int], ...]:
        found = []
        for path in (self._certificate, self._key, self._authorities):
            try:
                status = path.stat()
                found.append((status.st_ino, status.st_mtime_ns))
            except FileNotFoundError:
                found.append((0, 0))
            except OSError as error:
                raise _unreadable(path, error) from error
        return tuple(found)

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        path = self._key
        try:
            _private(path)
            path = self._certificate
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
            if self._options.clients != "none":
                path = self._authorities
                context.load_verify_locations(path)
                required = self._options.clients == "required"
                context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        return context


def _private(path: Path) -> None:
    mode = path.stat().st_mode
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PermissionError(f"others can read it; run chmod 600 {path}")


def _no_password() -> str:
    raise ValueError("a key with a password cannot be used: nobody is there to type it")


def _unreadable(path: Path, error: Exception) -> SentError:
    why = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return Unavailable("radar.tls.files", f"{path}: {why}")


def _names(certificate: Mapping[str, Any]) -> set[str]:
    """Return `cn:` and `dns:` names of a certificate as `getpeercert` shows it (RFC 5425, 5.2)."""
    found = {
        f"cn:{value.lower()}"
        for part in certificate.get("subject", ())
        for name, value in part
        if name == "commonName"
    }
    return found | {
        f"dns:{value.lower()}" for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"
    }


@cache
def _folder() -> Path:
    from sent.platform.config import paths
    from sent.platform.config.settings import load

    return Path(load().tls_dir or paths.config_dir() / "tls")
