"""K8: an hour of use leaves console and services as they were: memory, threads, tasks, connections."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
HOUR_S = float(os.environ.get("SENT_K8_SECONDS", "3600"))
GROWTH = 1.10
CONNECTIONS = (
    "select application_name, count(*) from pg_stat_activity where datname = 'sent'"
    " and backend_type = 'client backend' group by 1"
)


class Demo:
    """The demo organisation with its real services, kept alive for some seconds."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "SENT_STATE_DIR": str(folder),
            "SENT_PROFILE": "demo",
            "QT_QPA_PLATFORM": "offscreen",
        }
        self._lines: list[str] = []
        self._running = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sent", "demo", "--headless", "--seconds", str(int(seconds))],
            env=self.environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.append(line)
            del self._lines[:-200]
            if "running for" in line:
                self._running.set()

    def ready(self) -> None:
        """Wait until the organisation is there."""
        assert self._running.wait(120), "".join(self._lines)

    def services(self) -> dict[str, float]:
        """Return the resident memory of every service, in MB."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                mine = str(self.folder).encode() in (folder / "environ").read_bytes()
                pages = int((folder / "statm").read_text().split()[1])
            except (OSError, ValueError, IndexError):
                continue
            service = next((word for word in words if word.startswith("--service=")), None)
            if mine and service is not None:
                found[service.removeprefix("--service=")] = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return found

    def connections(self) -> dict[str, int]:
        """Return how many connections each program holds."""
        code = (
            "from sent.platform.db.admin import admin_connection\n"
            "import json\n"
            f"with admin_connection() as c: print(json.dumps(dict(c.execute({CONNECTIONS!r}).fetchall())))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found: dict[str, int] = json.loads(done.stdout)
        return found

    def stop(self) -> None:
        """End it in good order."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder for a whole installation."""
    with tempfile.TemporaryDirectory(prefix="sent-k8-") as found:
        Path(found).chmod(0o755)
        yield Path(found)


def used(folder: Path, seconds: float) -> dict[str, Any]:
    """Use a console for some seconds; return its lines and what the services held early and late."""
    demo = Demo(folder, seconds * 2 + 300)
    try:
        demo.ready()
        report = folder / "held.jsonl"
        with (folder / "console.log").open("w") as log:
            console = subprocess.Popen(
                [sys.executable, str(HERE / "used_console.py"), str(seconds), str(report)],
                env=demo.environment,
                stdout=log,
                stderr=log,
            )
            try:
                time.sleep(seconds * 0.3)
                early = (demo.services(), demo.connections())
                time.sleep(seconds * 0.65)
                late = (demo.services(), demo.connections())
                assert console.wait(seconds * 0.5 + 120) == 0, (folder / "console.log").read_text()[-2000:]
            finally:
                console.kill()
                console.wait()
        said = (folder / "console.log").read_text()
        assert "Traceback" not in said, said[-3000:]
        lines = [json.loads(line) for line in report.read_text().splitlines()]
    finally:
        demo.stop()
    return {"lines": lines, "early": early, "late": late}


def spread(lines: list[dict[str, Any]], name: str) -> tuple[float, float]:
    """Return a figure early (after warming up) and late, as medians."""
    values = [float(line[name]) for line in lines]
    count = len(values)
    return statistics.median(values[count // 5 : count * 2 // 5]), statistics.median(values[-count // 5 :])


@pytest.mark.timeout(300)
def test_k8_twenty_seconds_of_use_leak_no_thread_task_file_or_connection(folder: Path) -> None:
    found = used(folder, 20)
    lines = found["lines"]
    assert len(lines) >= 5 and lines[-1]["rounds"] >= 1
    for name in ("threads", "tasks", "files"):
        early, late = spread(lines, name)
        assert late <= early + 3, (name, [line[name] for line in lines])
    early, late = found["early"][1], found["late"][1]
    assert late.get("sent console", 0) <= 8, late
    assert sum(late.values()) <= sum(early.values()) + 6, (early, late)


@pytest.mark.soak
@pytest.mark.timeout(5400)
def test_k8_an_hour_of_use_leaves_everything_as_it_was(folder: Path) -> None:
    found = used(folder, HOUR_S)
    lines = found["lines"]
    print(json.dumps({"first": lines[0], "early": lines[len(lines) // 5], "last": lines[-1]}))
    print(json.dumps({"services_early": found["early"], "services_late": found["late"]}))
    early, late = spread(lines, "rss_mb")
    assert late <= early * GROWTH, f"the console grew from {early:.1f} to {late:.1f} MB"
    for name in ("threads", "tasks", "files", "objects"):
        early, late = spread(lines, name)
        assert late <= early * 1.02 + 3, (name, early, late)
    for service, before in found["early"][0].items():
        after = found["late"][0].get(service)
        assert after is not None and after <= before * GROWTH, f"{service} grew from {before:.1f} to {after}"
    early, late = found["early"][1], found["late"][1]
    assert sum(late.values()) <= sum(early.values()) + 3, (early, late)
