"""B3: a version that does not start is taken back by the starter, whatever way it fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sent.platform.update import trial
from sent.platform.update.layout import Layout

STARTER = Path(__file__).resolve().parents[2] / "build" / "linux" / "starter.sh"

GOOD = 'rm -f "$HERE/../../update/pending"; echo "{version} $*"; exit 0'
"""Proves itself at once, as a window that is painted does."""

OLD = 'echo "{version} $*"; exit 0'


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an installation of 1.0 that works."""
    made = Layout(tmp_path / "sent root")
    made.update.mkdir(parents=True)
    shutil.copy(STARTER, made.starter)
    add(made, "1.0", OLD)
    made.current.symlink_to("versions/1.0")
    return made


def add(layout: Layout, version: str, body: str) -> None:
    """Write a program of that version, a shell script."""
    folder = layout.versions / version
    folder.mkdir(parents=True)
    program = folder / "sent"
    text = body.replace("{version}", version)
    program.write_text(f'#!/bin/sh\nHERE=$(dirname "$(readlink -f "$0")")\n{text}\n')
    program.chmod(0o755)


def switch(layout: Layout, version: str, before: str = "1.0") -> None:
    """Have `current` name the version on trial, as an update does."""
    trial.begin(layout, version, before)
    layout.current.unlink()
    layout.current.symlink_to(f"versions/{version}")


def start(layout: Layout, *arguments: str, seconds: int = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(layout.starter), *arguments],
        env={**os.environ, "SENT_TRIAL_SECONDS": str(seconds)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_b3_without_a_trial_the_current_version_runs(layout: Layout) -> None:
    done = start(layout, "--mode=worker", "--service=a b")
    assert (done.returncode, done.stdout) == (0, "1.0 --mode=worker --service=a b\n")


def test_b3_a_version_that_proves_itself_stays(layout: Layout) -> None:
    add(layout, "1.1", GOOD)
    switch(layout, "1.1")
    assert start(layout).stdout.startswith("1.1")
    assert (layout.running(), trial.trial(layout), trial.failed(layout)) == ("1.1", None, {})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("exit 1", "ended with code 1"),
        ("exit 70", "ended with code 70"),
        ("kill -SEGV $$", "ended with code 139"),
        ("exec /nowhere/at/all", "ended with code 12"),
        ("exec sleep 300", "did not prove itself within 2 s"),
        ("trap '' TERM; while :; do sleep 1; done", "did not prove itself within 2 s"),
    ],
    ids=["fails", "defect", "crashes", "missing", "hangs", "hangs and will not end"],
)
def test_b3_a_version_that_does_not_start_is_taken_back(layout: Layout, body: str, why: str) -> None:
    add(layout, "1.1", body)
    switch(layout, "1.1")
    began = time.monotonic()
    done = start(layout, "sent://org/x", seconds=2)
    assert time.monotonic() - began < 30
    assert done.stdout == "1.0 sent://org/x\n", "the one before runs instead"
    assert layout.running() == "1.0"
    assert trial.trial(layout) is None
    assert trial.failed(layout)["1.1"].startswith(why)
    assert "going back to 1.0" in done.stderr


@pytest.mark.parametrize("code", [2, 69, 75])
def test_b3_what_is_missing_outside_says_nothing_of_the_version(layout: Layout, code: int) -> None:
    """As when the database is away: the trial goes on at the next start."""
    add(layout, "1.1", f"exit {code}")
    switch(layout, "1.1")
    assert start(layout, "--mode=worker").returncode == code
    assert layout.running() == "1.1"
    assert trial.trial(layout) == trial.Trial("1.1", "1.0", 0, 0)


def test_b3_a_command_of_the_admin_is_no_trial(layout: Layout) -> None:
    add(layout, "1.1", "exit 1")
    switch(layout, "1.1")
    assert start(layout, "org", "list").returncode == 1
    assert layout.running() == "1.1"


def test_b3_a_machine_that_is_cut_off_at_each_start_goes_back_in_the_end(layout: Layout) -> None:
    """Nobody is left to judge: neither the program nor the starter that watched it."""
    add(layout, "1.1", "kill -KILL $PPID; exec sleep 0.1")
    switch(layout, "1.1")
    for starts in (1, 2, 3):
        assert start(layout).returncode == -signal.SIGKILL
        found = trial.trial(layout)
        assert found is not None
        assert found.starts == starts
    assert start(layout).stdout == "1.0 \n"
    assert "3 times" in trial.failed(layout)["1.1"]


def test_b3_a_trial_whose_version_is_not_the_current_one_is_forgotten(layout: Layout) -> None:
    """The update was cut off between its note and the switch."""
    add(layout, "1.1", "exit 1")
    trial.begin(layout, "1.1", "1.0")
    assert start(layout).stdout == "1.0 \n"
    assert layout.running() == "1.0"
    trial.recover(layout)
    assert not layout.pending.exists()


def test_b3_a_note_that_makes_no_sense_stops_nothing(layout: Layout) -> None:
    for text in ("", "\n\n\n\n", "1.0\n../../etc\nx\ny\n", "1.0\n0.9\n0\n0\n"):
        layout.pending.write_text(text)
        assert start(layout).stdout == "1.0 \n"
    assert layout.running() == "1.0"


def test_b3_signals_reach_a_program_on_trial(layout: Layout, tmp_path: Path) -> None:
    add(
        layout,
        "1.1",
        f'trap "echo drained >{tmp_path}/told; exit 0" TERM; echo up; while :; do sleep 0.1; done',
    )
    switch(layout, "1.1")
    with subprocess.Popen([str(layout.starter), "--mode=worker"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    assert (tmp_path / "told").read_text() == "drained\n"
    assert layout.running() == "1.1"


def test_b3_a_service_on_trial_that_is_renewed_leaves_no_starter_waiting(layout: Layout) -> None:
    """Its end with code 88 asks for the version that is current by now."""
    switched = 'cd "$HERE/../.."; rm update/pending; ln -sfn versions/1.2 current'
    renewed = f'{switched}; [ "$SENT_STARTER" = $PPID ] && exit 88'
    add(layout, "1.1", renewed)
    add(layout, "1.2", 'echo "{version} $*"; exit 0')
    switch(layout, "1.1")
    assert start(layout, "--mode=worker", "x").stdout == "1.2 --mode=worker x\n"
    assert trial.failed(layout) == {}


def test_b3_a_version_is_confirmed_by_its_own_name_only(layout: Layout) -> None:
    add(layout, "1.1", GOOD)
    switch(layout, "1.1")
    assert not trial.confirm(layout, "1.0")
    assert trial.confirm(layout, "1.1")
    assert not trial.confirm(layout, "1.1")


def test_b3_a_version_that_says_it_gets_on_has_time(layout: Layout) -> None:
    """As while it migrates: longer than the trial lasts, and to the end of it."""
    tells = 'for n in 1 2 3 4; do date +%s >"$HERE/../../update/busy"; sleep 1; done'
    add(layout, "1.1", f"{tells}; {GOOD}")
    switch(layout, "1.1")
    assert start(layout, seconds=2).stdout.startswith("1.1")
    assert trial.failed(layout) == {}


def test_b3_a_version_that_stops_getting_on_is_taken_back(layout: Layout) -> None:
    add(layout, "1.1", 'echo 7 >"$HERE/../../update/busy"; exec sleep 300')
    switch(layout, "1.1")
    assert start(layout, seconds=2).stdout == "1.0 \n"
    assert not layout.busy.exists()


def test_b3_a_start_during_anothers_migration_does_not_take_the_version_back(layout: Layout) -> None:
    add(layout, "1.1", GOOD)
    switch(layout, "1.1")
    long_ago = int(time.time()) - 500
    layout.pending.write_text(f"1.1\n1.0\n{long_ago}\n1\n")
    layout.busy.write_text(f"{int(time.time()) - 1}\n")
    assert start(layout, seconds=20).stdout.startswith("1.1")


@pytest.mark.parametrize(
    "body", ["sleep 1; exit 1", "exec sleep 300", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
)
def test_b3_two_services_of_a_bad_version_both_come_back(layout: Layout, body: str) -> None:
    """One starter takes it back; the other's program must not be left as it is."""
    add(layout, "1.1", body)
    switch(layout, "1.1")
    command = [str(layout.starter), "--mode=worker"]
    environment = {**os.environ, "SENT_TRIAL_SECONDS": "2"}
    both = [
        subprocess.Popen([*command, name], env=environment, stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    said = {one.communicate(timeout=30)[0].splitlines()[-1] for one in both}
    assert said == {"1.0 --mode=worker a", "1.0 --mode=worker b"}
    assert layout.running() == "1.0"


def test_b3_many_services_that_go_over_together_are_one_start(layout: Layout) -> None:
    """Each is a unit of its own; the first that is ready proves the version for all."""
    ready = '[ "$2" = first ] && { sleep 1.5; rm -f "$HERE/../../update/pending"; }; exec sleep 3'
    add(layout, "1.1", ready)
    switch(layout, "1.1")
    names = ("first", "second", "third", "fourth", "fifth", "sixth")
    running = []
    for name in names:
        running.append(subprocess.Popen([str(layout.starter), "--mode=worker", name]))
        if name == "first":
            wait_for(lambda: len(layout.pending.read_text().splitlines()) == 5)
    assert [one.wait(20) for one in running] == [0] * len(names)
    assert (layout.running(), trial.failed(layout)) == ("1.1", {})


def test_b3_who_ends_a_program_on_trial_condemns_no_version(layout: Layout) -> None:
    """The machine is shut down, or Ctrl-C comes before anything is caught."""
    add(layout, "1.1", "echo up; exec sleep 30")
    switch(layout, "1.1")
    with subprocess.Popen([str(layout.starter), "--mode=worker"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 143
    assert (layout.running(), trial.failed(layout)) == ("1.1", {})
    found = trial.trial(layout)
    assert found is not None and found.starts == 1, "it was a start all the same"


@pytest.mark.parametrize("since", [1, 4_000_000_000], ids=["power cut a day ago", "clock was ahead"])
def test_b3_a_start_that_was_cut_off_leaves_the_next_its_minute(layout: Layout, since: int) -> None:
    add(layout, "1.1", GOOD)
    switch(layout, "1.1")
    ended = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout
    layout.pending.write_text(f"1.1\n1.0\n{since}\n1\n{ended}")
    assert start(layout, seconds=5).stdout == "1.1 \n"
    assert (layout.running(), trial.failed(layout)) == ("1.1", {})


def test_b3_a_note_leads_nowhere_but_to_versions(layout: Layout, tmp_path: Path) -> None:
    add(layout, "1.1", "exit 1")
    switch(layout, "1.1")
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "sent").write_text("#!/bin/sh\necho evil\n")
    (evil / "sent").chmod(0o755)
    layout.pending.write_text("1.1\n../../evil\n1\n9\n")
    assert start(layout).stdout == ""
    assert layout.running() == "1.1"


def test_b3_notes_are_for_their_owner_whatever_the_umask(layout: Layout) -> None:
    add(layout, "1.1", 'stat -c %a "$HERE/../../update/pending" >&2; exit 1')
    switch(layout, "1.1")
    run = ["sh", "-c", f"umask 0; exec '{layout.starter}'"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr.startswith("644")
    assert f"{layout.failed.stat().st_mode & 0o777:o}" == "644"


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds, ten seconds at most."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
