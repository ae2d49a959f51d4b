"""One console per user (and per installation): a second one hands its link to the first and ends.

Who holds `console/lock` in the runtime folder is the console; he listens on `console/link` beside it. The
operating system drops the lock with its process, so after a kill the next one simply takes it and removes the
stale socket: there is no moment in which two processes believe themselves the first. The folder is the user's
only (0700). A message is one line, a link or nothing (bring the window to the front); whatever else arrives
is refused, and no more than `LIMIT` bytes are ever read.

QtNetwork is loaded only where it is needed: by the second process at once, by the first after its paint.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from sent.platform.config.paths import runtime_dir
from sent.platform.errors import Denied, Invalid, Unavailable
from sent.platform.links import Link, parse
from sent.platform.lock import FileLock

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

LIMIT = 4096
CALLERS = 8
HAND_OVER_S = 15.0
"""How long a second process waits for a first one that has the lock but does not listen yet."""
LINE_MS = 2000

Heard = Callable[[Link | None], None]
"""A link to follow, or None: only come to the front."""


class Single(QObject):
    """This process's part; keep it as long as the console runs."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._folder = _own(folder or runtime_dir() / "console")
        self._lock = FileLock(self._folder / "lock")
        self._server: QLocalServer | None = None

    @property
    def path(self) -> str:
        """Return the name the console listens on."""
        if sys.platform == "win32":
            return "sent-" + hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        return str(self._folder / "link")

    def begin(self, link: str = "", *, patience: float = HAND_OVER_S) -> bool:
        """Become the console (True), or hand `link` to the one that runs (False).

        Raises Invalid when it refused the link, Unavailable when it does not answer.
        """
        give_up = time.monotonic() + patience
        while not self._lock.acquire():
            if self._hand_over(link):
                return False
            if time.monotonic() > give_up:
                raise Unavailable(
                    "console.silent",
                    "another console of yours has the lock but does not answer; end it first",
                )
            time.sleep(0.05)
        return True

    def listen(self, heard: Heard) -> None:
        """Listen from now on; raises Unavailable when that is not possible."""
        from PySide6.QtNetwork import QLocalServer

        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.setMaxPendingConnections(CALLERS)
        # We hold the lock: whatever stands there was left by a process that is gone.
        QLocalServer.removeServer(self.path)
        if not server.listen(self.path):
            raise Unavailable("console.socket", f"links cannot be received: {server.errorString()}")
        server.newConnection.connect(lambda: self._called(server, heard))
        self._server = server

    def stop(self) -> None:
        """Stop listening and give the lock back."""
        if self._server is not None:
            self._server.close()
        self._lock.release()

    def _hand_over(self, link: str) -> bool:
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        socket.connectToServer(self.path)
        if not socket.waitForConnected(500):
            return False
        socket.write(f"{link}\n".encode())
        socket.flush()
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < LIMIT and socket.waitForReadyRead(5000):
            answer += bytes(socket.readAll().data())
        socket.disconnectFromServer()
        if answer.strip() == b"refused":
            raise Invalid("link.refused", "the running console refused the link")
        return answer.strip() == b"ok"

    def _called(self, server: QLocalServer, heard: Heard) -> None:
        while (socket := server.nextPendingConnection()) is not None:
            _Call(socket, heard, self)


class _Call(QObject):
    """One caller: reads his line, answers, hangs up."""

    def __init__(self, socket: QLocalSocket, heard: Heard, parent: QObject) -> None:
        super().__init__(parent)
        self._socket, self._heard = socket, heard
        self._read = b""
        socket.setParent(self)
        socket.setReadBufferSize(LIMIT + 1)
        socket.readyRead.connect(self._more)
        socket.disconnected.connect(self.deleteLater)
        QTimer.singleShot(LINE_MS, self, self._hang_up)
        self._more()

    def _more(self) -> None:
        if self._heard is _deaf:
            return
        self._read += bytes(self._socket.readAll().data())
        line, newline, rest = self._read.partition(b"\n")
        if len(self._read) > LIMIT or rest:
            self._answer("refused", None)
        elif newline:
            try:
                text = line.decode("utf-8")
                link = parse(text) if text else None
            except (Invalid, UnicodeDecodeError):
                self._answer("refused", None)
            else:
                self._answer("ok", partial(self._heard, link))

    def _answer(self, text: str, then: Callable[[], None] | None) -> None:
        self._heard = _deaf
        self._socket.write(f"{text}\n".encode())
        self._socket.flush()
        if then is not None:
            then()
        self._socket.disconnectFromServer()

    def _hang_up(self) -> None:
        self._socket.abort()
        self.deleteLater()


def _deaf(_link: Link | None) -> None:
    """Hear nothing more: the caller has been answered."""


def _own(folder: Path) -> Path:
    """Make the folder 0700; raises Denied when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "geteuid"):
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise Denied("folder.refused", f"{folder} belongs to another user")
        folder.chmod(0o700)
    return folder
