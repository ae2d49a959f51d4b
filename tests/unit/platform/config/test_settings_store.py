"""Which values a setting's declaration allows."""

from __future__ import annotations

from typing import Any

import pytest

from sent.platform.config.settings_store import check
from sent.platform.errors import Invalid
from sent.platform.manifest import Setting

COUNT = Setting("n", "Count", "int", 5, minimum=1, maximum=10)
CHOICE = Setting("c", "Choice", "choice", "a", choices=("a", "b"))
FLAG = Setting("b", "Flag", "bool", False)
TEXT = Setting("t", "Text", "text", "")


@pytest.mark.parametrize(
    ("setting", "value"), [(COUNT, 1), (COUNT, 10), (CHOICE, "b"), (FLAG, True), (TEXT, "x" * 10_000)]
)
def test_allowed(setting: Setting, value: Any) -> None:
    check(setting, value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [(COUNT, 0), (COUNT, 11), (COUNT, True), (COUNT, "5"), (COUNT, 5.0), (CHOICE, "c"), (CHOICE, 1),
     (FLAG, 1), (FLAG, "true"), (TEXT, 1), (TEXT, None), (TEXT, "x" * 10_001)],
)  # fmt: skip
def test_refused(setting: Setting, value: Any) -> None:
    with pytest.raises(Invalid):
        check(setting, value)
