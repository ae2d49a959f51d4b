"""How the database's owner takes a migration that fails: an outage, or a version that must go back."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import pytest

from sent.platform.db.embedded import endpoint
from sent.platform.errors import SentError, Unavailable
from sent.platform.update import trial
from sent.workers.db import migrate

FAILS = [sys.executable, "-c", "import sys; print('db: half', file=sys.stderr); sys.exit('no room')"]
WORKS = [sys.executable, "-c", "import sys; print('db: done', file=sys.stderr)"]


@pytest.fixture(autouse=True)
def _no_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "busy", nullcontext)


def test_a_migration_that_comes_through_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "program", lambda: WORKS)
    migrate()


@pytest.mark.parametrize(("on_trial", "kind", "code"), [(False, Unavailable, 69), (True, SentError, 1)])
def test_a_migration_that_fails_takes_a_version_on_trial_back(
    monkeypatch: pytest.MonkeyPatch, on_trial: bool, kind: type[SentError], code: int
) -> None:
    """Code 1 is a failed first start for the starter, 69 is not."""
    monkeypatch.setattr(endpoint, "program", lambda: FAILS)
    monkeypatch.setattr(trial, "on_trial", lambda: on_trial)
    with pytest.raises(SentError, match="db: half / no room") as error:
        migrate()
    assert type(error.value) is kind
    assert error.value.exit_code == code
