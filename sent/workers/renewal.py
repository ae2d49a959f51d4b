"""A service goes on with the version that was installed beneath it: it drains, ends, and is started again.

It stays the same process (`exec`), or that of the starter that waits for it, so whoever watches it need not
know. The starter judges the new version and goes back when it does not start. Children of a supervisor do
nothing: it is replaced with all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

from sent.platform.update import renew, trial
from sent.platform.update.layout import Layout, installation


class Renewal:
    """Notices that the installation's current version is another than this process's own."""

    def __init__(self, layout: Layout | None, own: str, environment: Mapping[str, str]) -> None:
        self._layout = None if "SENT_SUPERVISOR_PID" in environment else layout
        self._own = own

    @classmethod
    def of_this_process(cls) -> Renewal:
        """Return that of the version running here; never due where SENT is not installed to update itself."""
        return cls(installation(), trial.own_version(), os.environ)

    def due(self) -> str | None:
        """Return the version to go on with; None while it is the own one."""
        current = None if self._layout is None else self._layout.running()
        return None if current == self._own else current

    def start_again(self, arguments: Sequence[str]) -> NoReturn:
        """Replace this process by the current version with the same arguments."""
        if self._layout is None:
            raise RuntimeError("this program does not update itself")
        renew.start_again(self._layout, arguments)
