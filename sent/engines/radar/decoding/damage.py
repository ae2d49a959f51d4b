"""What is changed about an event so that it can be read and stored is counted here, for the whole process.

Nothing is refused for being strange: NUL and bytes that are no UTF-8 become U+FFFD, what is too long loses
its end, what is nested too deep loses its inner parts. The worker's figures tell how often.
"""

from __future__ import annotations

from sent.engines.radar.decoding.syslog import MAX_MESSAGE


class Tally:
    """Counts what happened to events."""

    def __init__(self) -> None:
        self.total = 0

    def add(self) -> None:
        """Count one more."""
        self.total += 1


CUT = Tally()
"""Events longer than what is kept of a message."""

NUL = Tally()
ENCODING = Tally()
"""Events that are no UTF-8."""

DEEP = Tally()
"""Records nested deeper than 16, or with more than 2,000 fields: the rest is left out."""

BROKEN = Tally()
"""Lines of a JSON source that are no JSON object, and are kept as text."""


def note(payload: bytes) -> None:
    """Count what is strange about a payload."""
    if len(payload) >= MAX_MESSAGE:
        CUT.add()
    if b"\x00" in payload or b"\\u0000" in payload:
        NUL.add()
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError:
            ENCODING.add()
