"""Lines for people's terminals: what somebody logged must not steer the terminal that shows it.

JSON escapes the controls below U+0020 only. U+007F to U+009F (C1: 0x9B begins a sequence as ESC [ does) and
the marks that turn the reading direction round or end a line are as dangerous, and JSON allows them raw.
Escaped they mean the same to whoever parses the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f]")


def json_line(values: Mapping[str, Any], *, default: Callable[[Any], Any] | None = None) -> str:
    """Return `values` as one line of JSON without its end; `default` is that of `json.dumps`."""
    return harmless_json(json.dumps(values, ensure_ascii=False, default=default))


def harmless_json(text: str) -> str:
    """Return JSON with the characters escaped that it allows and a terminal obeys."""
    return _STEERING.sub(_escaped, text)


def harmless(text: str) -> str:
    r"""Return a text with every control but tab and line feed written as \u001b: it does not come back."""
    return _CONTROLS.sub(_escaped, _STEERING.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
