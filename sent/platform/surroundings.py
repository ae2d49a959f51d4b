"""The environment as whoever started the packaged program meant it; the standard library only.

PyInstaller's loader points `LD_LIBRARY_PATH` at the program's own libraries, and leaves notes for copies of
itself. The running process has read both by the time Python code runs; a program of the system that it
starts (a key command, xdg-open, ssh) would load our libraries instead of its own and may fail. So the first
thing the packaged program does is to take them back: no place that starts a process has to think of it. A
copy of the program that is started later is a first start of its own, and gets what it needs from its loader.
"""

from __future__ import annotations

from collections.abc import MutableMapping

LIBRARIES = "LD_LIBRARY_PATH"
_BEFORE = f"{LIBRARIES}_ORIG"
"""Where the loader keeps what stood there before; missing when there was nothing."""
_NOTES = "_PYI_"


def restore(environment: MutableMapping[str, str]) -> None:
    """Take back what the loader of the packaged program put into its environment."""
    before = environment.pop(_BEFORE, None)
    environment.pop(LIBRARIES, None)
    if before is not None:
        environment[LIBRARIES] = before
    for name in [name for name in environment if name.startswith(_NOTES)]:
        del environment[name]
