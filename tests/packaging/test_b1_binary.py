"""B1: the packaged program runs every mode with documented libraries only, and is small."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.timeout(500)


def test_b1_every_library_is_documented(app: Path, smoke: ModuleType) -> None:
    assert smoke.libraries(app)


def test_b1_version_knows_its_commit(app: Path, smoke: ModuleType) -> None:
    said = dict(line.split(": ", 1) for line in smoke.version(app).splitlines()[1:])
    assert len(said["commit"].rstrip("+")) == 40
    assert said["platform"].startswith("linux-")


def test_b1_programs_of_the_system_get_the_environment_of_the_start(app: Path, smoke: ModuleType) -> None:
    without, with_one = smoke.surroundings(app)
    assert "LD_LIBRARY_PATH" not in without
    assert with_one["LD_LIBRARY_PATH"] == "/mine"


def test_b1_console_paints_without_the_workers_libraries(app: Path, smoke: ModuleType) -> None:
    assert "PySide6" in smoke.console(app)["modules"]


def test_b1_every_worker_loads_without_qt(app: Path, smoke: ModuleType) -> None:
    assert {"db", "radar", "core"} <= set(smoke.workers(app))


def test_b1_database_comes_up_and_migrates(app: Path, smoke: ModuleType) -> None:
    smoke.database(app)


def test_b1_database_comes_up_for_an_ordinary_user(app: Path, smoke: ModuleType) -> None:
    smoke.ordinary(app)


def test_b1_demo_writes_nothing_outside_its_folders(app: Path, smoke: ModuleType) -> None:
    written = smoke.demo(app)
    assert any(path.endswith("/state/demo/endpoint.json") for path in written), "the witness saw nothing"
    assert any(path.endswith("/out/demo/radar.png") for path in written)


def test_b1_the_witness_sees_what_is_written_anywhere(tmp_path: Path, smoke: ModuleType) -> None:
    there = tmp_path / "elsewhere"
    there.mkdir()
    script = f"cd {there}; : >made; mkdir folder; (mv made moved; ln -s moved link) & wait; cat /etc/passwd"
    command = [*smoke.witness.COMMAND, tmp_path / "calls", "sh", "-c", script]
    subprocess.run(command, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    expected = {str(there / name) for name in ("made", "folder", "moved", "link")}
    assert smoke.witness.written(tmp_path / "calls") - {"/dev/null", "/dev/tty"} == expected


def test_b1_base_is_at_most_300_mb(app: Path) -> None:
    files = [path for path in app.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= 300e6


def test_b1_record_lists_every_file_of_the_base(app: Path) -> None:
    record = json.loads((app.parent / "build.json").read_text())
    there = {str(path.relative_to(app)) for path in app.rglob("*") if path.is_symlink() or path.is_file()}
    assert {row["path"] for row in record["files"]} == there
    assert {row["pack"] for row in record["files"]} == {"base"}
