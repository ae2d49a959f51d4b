"""The console's arguments."""

from __future__ import annotations

import pytest

from sent.ui import boot


@pytest.mark.parametrize("word", ["--themee=x", "--Demo", "-platform"])
def test_an_unknown_argument_is_a_usage_error(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert boot.main(["--quit-after-paint", word]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert word in told
    for known in boot.ARGUMENTS:
        assert known in told
