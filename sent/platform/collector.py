"""Keeps the garbage collector from stopping what must not stop.

A full collection walks every object of the process with the interpreter held: 0.7 s with three thousand rules
in memory (measured, R1). What is made for long (rules, matchers) is set aside, so that collections walk only
what came after. Set aside is not kept: an object goes when nobody refers to it any more, unless it refers to
itself in a circle.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_making = 0


@contextmanager
def for_long() -> Iterator[None]:
    """Collect nothing while something large is made, and set it aside; it must hold no circles."""
    global _making
    with _lock:
        _making += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _making -= 1
            if not _making:
                gc.freeze()
                gc.enable()
