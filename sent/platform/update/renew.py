"""Goes over to the current version in the same place: by the starter, which judges it.

A starter that waits for this process (its version is on trial) is told by an exit code, so that no row of
waiting scripts grows; else this process becomes the starter (`exec`), and whoever watches it need not know.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sent.platform.update.layout import Layout

AGAIN = 88
"""Exit code by which a starter that waits for this process starts the current version."""


def start_again(layout: Layout, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the current version with these arguments."""
    if os.environ.get("SENT_STARTER") == str(os.getppid()):
        sys.exit(AGAIN)
    starter = str(layout.starter)
    environment = {name: value for name, value in os.environ.items() if name != "SENT_STARTER"}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(starter, [starter, *arguments], environment)  # noqa: S606  no shell is wanted
