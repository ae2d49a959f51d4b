"""A service starts, says that it is ready, drains on SIGTERM and leaves with the right code."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MANIFEST = """
from __future__ import annotations
from sent.platform.manifest import Manifest, Service
MANIFEST = Manifest(id="probe", title="Probe", area="admin", icon="x", summary="For tests.", services=tuple(
    Service(name, name, f"sent.engines.probe.workers:{name.capitalize()}")
    for name in ("idle", "slow", "stuck", "broken", "crash")))
"""
WORKERS = '''
from __future__ import annotations
import asyncio, pathlib, os
from sent.platform.errors import Invalid
from sent.workers.base import Worker
class Idle(Worker):
    needs_database = False
    async def start(self): ...
    async def run(self):
        await asyncio.Event().wait()
    def metrics(self):
        return {"things_total": 3.0, "depth": 2.0}
class Slow(Idle):
    """Has one unit of work in flight when it is told to stop."""
    async def drain(self):
        await asyncio.sleep(0.3)
        pathlib.Path(os.environ["PROBE_OUT"]).write_text("finished")
class Stuck(Idle):
    async def drain(self):
        await asyncio.Event().wait()
class Broken(Idle):
    async def start(self):
        raise Invalid("probe.config", "the file is wrong")
class Crash(Idle):
    async def run(self):
        raise RuntimeError("defect")
'''


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a made-up engine with workers that need no database."""
    folder = tmp_path / "engines" / "probe"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "manifest.py").write_text(MANIFEST)
    (folder / "workers.py").write_text(WORKERS)
    return {
        **os.environ,
        "SENT_ENGINE_PATH": str(folder.parent),
        "SENT_STATE_DIR": str(tmp_path / "s"),
        "PROBE_OUT": str(tmp_path / "out"),
    }


@contextmanager
def running(
    environment: dict[str, str], service: str, *options: str
) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """Start a service and wait for its READY=1 as a service manager does."""
    address = Path(environment["SENT_STATE_DIR"]).with_name("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-m", "sent", "--mode=worker", f"--service={service}", *options],
            env={**environment, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "400000"},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert manager.recv(64) == b"READY=1"
            yield process, manager
        finally:
            process.kill()
            process.communicate()


def get(environment: dict[str, str], service: str, path: str) -> tuple[str, str]:
    """Return status line and body of one probe."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        probe.connect(str(Path(environment["SENT_STATE_DIR"]) / "run" / "health" / f"{service}.sock"))
        probe.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: probe.recv(4096), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return head.splitlines()[0], body


def test_h11_idle_service_ends_within_a_second_of_sigterm(environment: dict[str, str]) -> None:
    with running(environment, "idle") as (process, _):
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began <= 1.0


def test_h11_work_in_flight_is_finished_before_the_end(environment: dict[str, str]) -> None:
    with running(environment, "slow") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert Path(environment["PROBE_OUT"]).read_text() == "finished"


def test_a_second_sigterm_ends_a_stuck_drain_at_once(environment: dict[str, str]) -> None:
    with running(environment, "stuck") as (process, manager):
        process.send_signal(signal.SIGTERM)
        while manager.recv(64) != b"STOPPING=1":
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 75
        assert time.monotonic() - began < 0.5


def test_a_drain_ends_with_its_grace(environment: dict[str, str]) -> None:
    with running(environment, "stuck", "--grace=0.3") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_readiness_goes_before_the_service(environment: dict[str, str]) -> None:
    with running(environment, "stuck") as (process, manager):
        assert get(environment, "stuck", "/readyz")[0].endswith("200 OK")
        process.send_signal(signal.SIGTERM)
        while manager.recv(64) != b"STOPPING=1":
            pass
        status, body = get(environment, "stuck", "/readyz")
        assert "503" in status
        assert json.loads(body)["reasons"] == ["draining"]
        assert get(environment, "stuck", "/livez")[0].endswith("200 OK")


def test_metrics_speak_prometheus(environment: dict[str, str]) -> None:
    with running(environment, "idle"):
        _, body = get(environment, "idle", "/metrics")
    assert 'sent_things_total{service="idle"} 3.0' in body
    assert 'sent_depth{service="idle"} 2.0' in body
    assert "# TYPE sent_things counter" in body or "# TYPE sent_things_total counter" in body


def test_watchdog_is_kept_quiet(environment: dict[str, str]) -> None:
    with running(environment, "idle") as (_, manager):
        manager.settimeout(2)
        assert manager.recv(64) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("service", "code", "said"), [("broken", 65, "the file is wrong"), ("crash", 70, "defect")]
)
def test_failure_leaves_with_its_code_and_reason(
    environment: dict[str, str], service: str, code: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sent", "--mode=worker", f"--service={service}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == code
    assert said in done.stderr


def test_an_unknown_service_is_a_usage_error_that_names_the_choices(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sent", "--mode=worker", "--service=nope"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert "idle" in done.stderr


def test_a_supervised_service_leaves_when_its_supervisor_is_gone(environment: dict[str, str]) -> None:
    orphaned = {**environment, "SENT_SUPERVISOR_PID": "1"}
    with running(orphaned, "idle") as (process, _):
        assert process.wait(10) == 0
