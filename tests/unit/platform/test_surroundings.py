"""The packaged program's children see the environment it was started in."""

from __future__ import annotations

import pytest

from sent.platform.surroundings import restore


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/opt/sent/_internal"}, {}),
        (
            {"LD_LIBRARY_PATH": "/opt/sent/_internal:/mine", "LD_LIBRARY_PATH_ORIG": "/mine"},
            {"LD_LIBRARY_PATH": "/mine"},
        ),
        ({"LD_LIBRARY_PATH": "/opt/sent/_internal:", "LD_LIBRARY_PATH_ORIG": ""}, {"LD_LIBRARY_PATH": ""}),
        ({"_PYI_ARCHIVE_FILE": "/opt/sent/sent", "_PYI_PARENT_PROCESS_LEVEL": "1"}, {}),
        ({"PATH": "/bin", "PYI": "mine"}, {"PATH": "/bin", "PYI": "mine"}),
    ],
)
def test_b1_the_loaders_traces_are_taken_back(before: dict[str, str], after: dict[str, str]) -> None:
    restore(before)
    assert before == after
