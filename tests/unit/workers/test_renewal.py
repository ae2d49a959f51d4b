"""A service goes on with the version that was installed beneath it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sent.platform.update.layout import Layout
from sent.workers.renewal import Renewal


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    for version in ("1.0", "1.1"):
        made.folder(version).mkdir(parents=True)
    made.current.symlink_to("versions/1.0")
    return made


def name(layout: Layout, version: str) -> None:
    layout.current.unlink()
    layout.current.symlink_to(f"versions/{version}")


def test_a_service_is_renewed_when_another_version_is_the_current_one(layout: Layout) -> None:
    renewal = Renewal(layout, "1.0", {})
    assert renewal.due() is None
    name(layout, "1.1")
    assert renewal.due() == "1.1"
    name(layout, "1.0")
    assert renewal.due() is None


def test_a_version_that_is_not_there_renews_nobody(layout: Layout) -> None:
    renewal = Renewal(layout, "1.0", {})
    for target in ("1.2", "../../etc", "."):
        name(layout, target)
        assert renewal.due() is None
    layout.current.unlink()
    assert renewal.due() is None


def test_children_of_a_supervisor_and_programs_that_do_not_update_themselves_stay(layout: Layout) -> None:
    name(layout, "1.1")
    assert Renewal(layout, "1.0", {"SENT_SUPERVISOR_PID": "1"}).due() is None
    assert Renewal(None, "1.0", {}).due() is None
    with pytest.raises(RuntimeError):
        Renewal(None, "1.0", {}).start_again([])


def test_it_stays_the_same_process_and_the_starter_does_not_take_itself_for_another(
    layout: Layout, tmp_path: Path
) -> None:
    layout.starter.write_text('#!/bin/sh\necho "$$ [$SENT_STARTER] $*"\n')
    layout.starter.chmod(0o755)
    script = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from sent.platform.update.layout import Layout
        from sent.workers.renewal import Renewal
        print(os.getpid(), flush=True)
        Renewal(Layout(Path({str(tmp_path)!r})), "1.0", {{}}).start_again(["--mode=worker", "--service=jobs"])
    """)
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SENT_STARTER": "1"},
    )
    before, after = said.stdout.splitlines()
    assert after == f"{before} [] --mode=worker --service=jobs"
    assert os.getpid() != int(before)
