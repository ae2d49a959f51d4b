"""The login broker: checks passwords and second factors, and mints a database login for one membership.

It is the only holder of the right to mint. It listens on a unix socket inside a 0700 folder, one JSON line
per request, and runs inside `--service=db`. Every refusal of a login reads the same and costs the same
work, whether person, password or code was wrong.

A membership's database password is derived, not stored: HMAC-SHA256 of a key in a 0600 file over the
membership and a nonce that changes as soon as the login has run out. So two consoles of one person share
it, and a restarted broker continues where the old one stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import sent
from sent.platform.auth.client import LINE_LIMIT
from sent.platform.auth.login import Logins
from sent.platform.auth.passwords import Passwords
from sent.platform.auth.store import AuthStore
from sent.platform.clock import SYSTEM_CLOCK, Clock
from sent.platform.config import secrets
from sent.platform.crypto.keys import KeyRing
from sent.platform.crypto.root import Roots
from sent.platform.crypto.store import shred
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.ids import PLATFORM_ORG
from sent.platform.telemetry.log import Secret, get_logger

READ_TIMEOUT_S = 10.0
CALL_TIMEOUT_S = 20.0
MAX_CONNECTIONS = 64

_log = get_logger("broker")

Call = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Broker:
    """Serves `BrokerClient`s; `async with` or `serve` opens and closes its two database pools."""

    def __init__(
        self,
        server: Server,
        *,
        clock: Clock = SYSTEM_CLOCK,
        passwords: Passwords | None = None,
        key: bytes | None = None,
        root_key: bytes | None = None,
    ) -> None:
        self._server = server
        self._broker = _pool(server, "sent_broker", 4)
        self._minter = _pool(server, "sent_minter", 2)
        self._passwords = passwords or Passwords()
        store = AuthStore(self._broker, self._minter)
        self._logins = Logins(
            store,
            self._passwords,
            KeyRing(store, root_key or Roots(), shred(PLATFORM_ORG)),
            key or secrets.key("broker_key"),
            clock,
        )
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._calls: dict[str, Call] = {
            "status": self._status,
            "setup": self._setup,
            "login": self._login,
            "mint": self._mint,
            "accept": self._accept,
            "decline": self._decline,
            "renew": self._renew,
            "logout": self._logout,
            "totp_begin": self._totp_begin,
            "totp_confirm": self._totp_confirm,
            "totp_remove": self._totp_remove,
            "change_password": self._change_password,
        }

    async def serve(self, socket_path: Path) -> None:
        """Listen on `socket_path` until cancelled; the folder is made 0700, a stale socket removed."""
        socket_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket_path.parent.chmod(0o700)
        socket_path.unlink(missing_ok=True)
        async with self._broker, self._minter:
            listener = await asyncio.start_unix_server(self._answer, str(socket_path), limit=LINE_LIMIT)
            socket_path.chmod(0o600)
            inode = socket_path.stat().st_ino
            try:
                async with listener:
                    await listener.serve_forever()
            finally:
                self._passwords.close()
                with contextlib.suppress(OSError):
                    if socket_path.stat().st_ino == inode:
                        socket_path.unlink()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._slots.locked():
                await _reply(writer, _problem(Unavailable("broker.busy", "too many logins at once")))
                return
            async with self._slots, asyncio.timeout(READ_TIMEOUT_S + CALL_TIMEOUT_S):
                async with asyncio.timeout(READ_TIMEOUT_S):
                    line = await reader.readline()
                if line:
                    await _reply(writer, await self.handle(line))
        except (TimeoutError, OSError, ValueError) as error:
            _log.warning("broker.connection", reason=type(error).__name__)
        finally:
            writer.close()

    async def handle(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one request line: {"ok": ..} or {"error": ..}; never raises."""
        try:
            request = json.loads(line)
            name = request.pop("call", None) if isinstance(request, dict) else None
            call = self._calls.get(name) if isinstance(name, str) else None
            if call is None:
                raise Invalid("broker.call", "unknown call")
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return {"ok": await call(request)}
        except SentError as error:
            return _problem(error)
        except (ValueError, KeyError, TypeError, RecursionError):
            return _problem(Invalid("broker.request", "the request cannot be read"))
        except TimeoutError:
            return _problem(Unavailable("broker.timeout", "the database does not answer"))
        except Exception as error:  # a task boundary: the caller gets no details, the log does
            _log.error("broker.failed", exc_info=error)
            return _problem(Unavailable("broker.failed", "the login service failed; its log says why"))

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"initialised": await self._logins.initialised(), "version": sent.__version__}

    async def _setup(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.setup(
            _text(request, "organisation_name"),
            _text(request, "slug"),
            _text(request, "person_name"),
            _text(request, "email"),
            _secret(request, "password"),
        )
        return {}

    async def _login(self, request: dict[str, Any]) -> dict[str, Any]:
        code = request.get("code")
        return await self._logins.login(
            _text(request, "email"), _secret(request, "password"), None if code is None else str(code)
        )

    async def _mint(self, request: dict[str, Any]) -> dict[str, Any]:
        found = await self._logins.mint(_secret(request, "ticket"), _text(request, "membership_id"))
        return found | self._place()

    async def _accept(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.accept(
            _secret(request, "ticket"), _text(request, "membership_id"), _secret(request, "code")
        )
        return {}

    async def _decline(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.decline(_secret(request, "ticket"), _text(request, "membership_id"))
        return {}

    async def _renew(self, request: dict[str, Any]) -> dict[str, Any]:
        return await self._logins.renew(_secret(request, "session")) | self._place()

    async def _logout(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.logout(_secret(request, "session"))
        return {}

    async def _totp_begin(self, request: dict[str, Any]) -> dict[str, Any]:
        code = request.get("code")
        uri = await self._logins.totp_begin(
            _secret(request, "session"), _secret(request, "password"), None if code is None else str(code)
        )
        return {"uri": uri}

    async def _totp_confirm(self, request: dict[str, Any]) -> dict[str, Any]:
        codes = await self._logins.totp_confirm(_secret(request, "session"), _text(request, "code"))
        return {"recovery_codes": list(codes)}

    async def _totp_remove(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.totp_remove(_secret(request, "session"), _secret(request, "password"))
        return {}

    async def _change_password(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._logins.change_password(
            _secret(request, "session"), _secret(request, "old"), _secret(request, "new")
        )
        return {}

    def _place(self) -> dict[str, Any]:
        return {"host": self._server.host, "port": self._server.port, "dbname": self._server.dbname}


def _pool(server: Server, role: str, size: int) -> Database:
    password = fixed(secrets.role_password(role))
    return Database(server, role, password, trusted=False, size=size, name="sent broker")


def _text(request: dict[str, Any], name: str) -> str:
    value = request[name]
    if not isinstance(value, str) or not 0 < len(value) <= 4096:
        raise Invalid("broker.request", f"{name} must be text", field=name)
    return value


def _secret(request: dict[str, Any], name: str) -> Secret:
    return Secret(_text(request, name))


def _problem(error: SentError) -> dict[str, Any]:
    return {
        "error": {
            "kind": type(error).__name__,
            "code": error.code,
            "message": error.message,
            "data": error.data,
        }
    }


async def _reply(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer, default=str).encode() + b"\n")
    await writer.drain()
