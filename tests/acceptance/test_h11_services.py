"""H11: real services are small when idle and leave within a second."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installation import Installation, installation

from sent.platform import registry

NOT_IDLE_ALONE = {"db", "supervisor"}
IDLE = sorted(set(registry.services()) - NOT_IDLE_ALONE)


@pytest.fixture(scope="module")
def site() -> Iterator[Installation]:
    """Return an installation whose database runs."""
    with tempfile.TemporaryDirectory(prefix="sent-h11-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            yield found


@pytest.mark.parametrize("service", IDLE)
def test_h11_idle_service_is_small_and_leaves_within_a_second(site: Installation, service: str) -> None:
    running = site.start(service)
    rss = running.rss_mb()
    limit = registry.service(service).rss_limit_mb
    code, seconds = running.stop()
    print(f"{service}: {rss:.1f} MB, left in {seconds:.2f} s")
    assert code == 0, running.log.read_text()[-2000:]
    assert rss <= limit, f"{service} takes {rss:.1f} MB of {limit}"
    assert seconds <= 1.0, f"{service} took {seconds:.2f} s to leave"


def test_h11_the_database_owner_is_small_too(site: Installation) -> None:
    assert site._running[0].rss_mb() <= 60


def test_h11_supervisor_starts_a_killed_child_again_and_takes_all_along(site: Installation) -> None:
    supervisor = site.start("supervisor", "--services=core,radar")
    _wait(lambda: site.ready("core") and site.ready("radar"))
    children = (
        Path(f"/proc/{supervisor.process.pid}/task/{supervisor.process.pid}/children").read_text().split()
    )
    assert len(children) == 2
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    _wait(lambda: "sent_restarts_total" in site.probe("supervisor", "/metrics") and _restarts(site) == 2)
    _wait(lambda: site.ready("core") and site.ready("radar"))
    code, _ = supervisor.stop()
    assert code == 0
    assert site.probe("core", "/livez") == ""
    assert site.probe("radar", "/livez") == ""


def _restarts(site: Installation) -> float:
    lines = site.probe("supervisor", "/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("sent_restarts_total{"))


def _wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come about in time"
        time.sleep(0.05)


def test_status_tells_revision_and_answers(site: Installation) -> None:
    said = json.loads(site.run("db", "status").stdout)
    assert said["answers"] is True
    assert said["at_head"] is True


def test_doctor_finds_nothing_wrong(site: Installation) -> None:
    done = site.run("doctor")
    assert done.returncode == 0, done.stdout
    assert {"database", "disk", "secrets"} <= {json.loads(line)["check"] for line in done.stdout.splitlines()}
