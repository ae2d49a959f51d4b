"""Log lines are JSON with their fields; secrets never show."""

from __future__ import annotations

import json
import subprocess
import sys

from sent.platform.telemetry.log import Secret

LINE = """
from sent.platform.telemetry.log import Secret, configure, get_logger
configure("probe", level="info")
log = get_logger("part")
log.debug("hidden")
log.info("thing.done", count=3, password=Secret("hunter2"))
try:
    raise ValueError("why")
except ValueError as error:
    log.error("thing.failed", exc_info=error)
"""


def test_lines_are_json_with_service_logger_event_and_fields() -> None:
    done = subprocess.run([sys.executable, "-c", LINE], capture_output=True, text=True, check=True)
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert {
        "service": "probe",
        "logger": "part",
        "event": "thing.done",
        "count": 3,
        "level": "info",
    }.items() <= (first.items())
    assert first["ts"].endswith("+00:00")
    assert "ValueError: why" in second["exception"]
    assert "hunter2" not in done.stderr


def test_a_secret_hides_in_every_text_form() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} { ({'a': secret}) }"
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert hash(secret) == hash(Secret("hunter2"))


def test_importing_a_logger_loads_no_structlog() -> None:
    code = "import sys, sent.platform.telemetry.log; print('structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
