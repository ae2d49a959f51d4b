"""Keeps the garbage collector from stopping the window.

A full collection walks every object of the process with the interpreter held: 70 to 100 ms while rows stream
in (measured, H7). What lives as long as the console (modules, classes, widgets) is set aside once loaded, so
that later collections only walk what came after; and they come less often.
"""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 20, 20)
"""Allocations before a young collection; young before a middle one; middle before a full one."""


def settle() -> None:
    """Collect once and set aside what is left; call it when nothing moves on the screen."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
