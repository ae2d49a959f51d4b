"""A folder in which dpkg installs, removes and purges packages as on a machine of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class DebianRoot:
    """A folder with a package database of its own, in which dpkg installs as on a machine.

    Its maintainer scripts run outside of it (`DPKG_ROOT`), as dpkg does it for images.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        database = root / "var/lib/dpkg"
        for name in ("info", "updates", "triggers", "parts"):
            (database / name).mkdir(parents=True)
        for name in ("status", "available"):
            (database / name).touch()
        (root / "etc").mkdir()

    def dpkg(self, *words: str) -> str:
        """Run dpkg and return what it said; libraries are the machine's, so none is missing in truth."""
        fake = [] if os.geteuid() == 0 else ["fakeroot"]
        forced = ["--force-script-chrootless", "--force-depends", "--force-not-root", "--force-unsafe-io"]
        done = subprocess.run(
            [*fake, "dpkg", f"--root={self.root}", f"--log={self.root}/dpkg.log", *forced, *words],
            env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
