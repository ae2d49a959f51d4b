"""K7 20: one console per user; others hand their link over and end."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sent.platform.errors import Denied, Unavailable
from sent.platform.links import Link, parse
from sent.ui import single as module
from sent.ui.single import Single

LINK = "sent://org/acme/radar/alert/7"
SECOND = "import sys; from pathlib import Path; from sent.ui.single import Single; "


def second(folder: Path, link: str = "") -> subprocess.Popen[str]:
    """Start another process that wants to be the console; prints whether it became it."""
    code = SECOND + f"print(Single(Path({str(folder)!r})).begin({link!r}), flush=True)"
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class First:
    """The console that runs, and what it heard."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[Link | None] = []
        self.single = Single(folder)
        assert self.single.begin()
        self.single.listen(self.heard.append)


@pytest.fixture
def first(qtbot: QtBot, short: Path) -> Iterator[First]:
    """Return the first console."""
    found = First(short)
    yield found
    found.single.stop()


@pytest.fixture
def short() -> Iterator[Path]:
    """Return a folder whose path fits in a socket's name."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="sent-k7-") as name:
        yield Path(name) / "console"


def test_k7_20_a_second_start_hands_its_link_over_and_ends(qtbot: QtBot, first: First, short: Path) -> None:
    for link, wanted in ((LINK, parse(LINK)), ("", None)):
        process = second(short, link)
        qtbot.waitUntil(lambda p=process: p.poll() is not None, timeout=30_000)
        out, error = process.communicate()
        assert out.strip() == "False", error
        assert first.heard.pop() == wanted
    assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert stat.S_IMODE((short / "link").stat().st_mode) & 0o077 == 0


HOSTILE = [
    b"sent://org/acme/radar/../../etc\n",
    b"quit\n",
    b"\xff\xfe\n",
    b"x" * 5000,
    b"sent://org/acme/radar\nsent://org/acme/audit\n",
    b"\x00" * 50 + b"\n",
    b"sent://org/acme/radar?q=%00\n",
]


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_k7_20_a_hostile_message_is_refused_and_heard_by_nobody(
    qtbot: QtBot, first: First, message: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(first.single.path)
        caller.setblocking(False)
        caller.sendall(message)
        answer = b""

        def hung_up() -> bool:
            nonlocal answer
            try:
                part = caller.recv(100)
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True
            answer += part
            return not part

        qtbot.waitUntil(hung_up, timeout=20_000)
    assert answer in (b"refused\n", b"")
    assert first.heard == []


def test_k7_20_a_caller_that_says_nothing_is_hung_up_on(
    qtbot: QtBot, first: First, monkeypatch: pytest.MonkeyPatch, short: Path
) -> None:
    monkeypatch.setattr(module, "LINE_MS", 50)
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(first.single.path)
        qtbot.waitUntil(lambda: first.single.findChildren(module._Call) != [], timeout=20_000)
        qtbot.waitUntil(lambda: first.single.findChildren(module._Call) == [], timeout=20_000)
    process = second(short, LINK)
    qtbot.waitUntil(lambda: first.heard == [parse(LINK)], timeout=30_000)
    process.communicate()


def test_k7_20_after_kill_9_the_next_one_takes_over_in_spite_of_the_stale_socket(
    qtbot: QtBot, short: Path
) -> None:
    code = (
        SECOND + "from PySide6.QtCore import QCoreApplication; app = QCoreApplication([]); "
        f"s = Single(Path({str(short)!r})); s.begin(); s.listen(print); print('up', flush=True); app.exec()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "up"
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdout.close()
    assert (short / "link").exists(), "the socket was left behind"
    again = First(short)
    other = second(short, LINK)
    qtbot.waitUntil(lambda: again.heard == [parse(LINK)], timeout=30_000)
    other.communicate()
    again.single.stop()


def test_k7_20_of_many_that_start_at_once_exactly_one_becomes_the_console(qtbot: QtBot, short: Path) -> None:
    code = (
        SECOND + "from PySide6.QtCore import QCoreApplication, QTimer; app = QCoreApplication([]); "
        f"s = Single(Path({str(short)!r})); won = s.begin({LINK!r}, patience=60)\n"
        "print(won, flush=True)\n"
        "heard = []\n"
        "if won:\n"
        "    hear = lambda l: (heard.append(l), len(heard) == 4 and app.quit())\n"
        "    QTimer.singleShot(300, lambda: s.listen(hear))\n"
        "    app.exec()\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(5)
    ]
    answers = [process.communicate(timeout=90)[0].strip() for process in started]
    assert sorted(answers) == ["False"] * 4 + ["True"]


def test_k7_20_a_console_that_hangs_is_told_of_instead_of_waited_for(short: Path) -> None:
    holder = Single(short)
    assert holder.begin()
    with pytest.raises(Unavailable, match="does not answer"):
        Single(short).begin(LINK, patience=0.2)
    holder.stop()
    assert Single(short).begin()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")
def test_k7_20_a_folder_that_is_a_link_is_refused(short: Path, tmp_path: Path) -> None:
    short.symlink_to(tmp_path)
    with pytest.raises(Denied):
        Single(short)
