"""Makes a checkout ready: Debian libraries, `.venv`, fonts and icons. Runs under the system's Python.

What may not be done here (no root, no network) is said at the end with the one command that cures it; only
a missing Python environment is fatal.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def main() -> int:
    """Set up everything and report."""
    if sys.version_info < (3, 11):  # noqa: UP036  the system's Python may be older than ours
        print(f"SENT needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
        print("Cure: make setup PYTHON=python3.11")
        return 1
    notes = install_debian_packages()
    if not make_environment():
        for note in notes:
            print(note)
        return 1
    notes += unpack_debian_packages()
    notes += build_assets()
    for note in notes:
        print(f"setup: {note}")
    print("setup: ready" if not notes else "setup: ready, with the limits named above")
    return 0


def install_debian_packages() -> list[str]:
    """Install what dpkg misses; return what is left to say."""
    if shutil.which("dpkg-query") is None:
        return ["this is no Debian: install Qt's libraries yourself (build/debian.txt names them)"]
    missing = [name for name in wanted_packages() if not installed(name)]
    if not missing:
        return []
    prefix = root_prefix()
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if prefix is None:
        return [f"these Debian packages are missing; as root run once: apt-get update && {' '.join(command)}"]
    print(f"setup: installing {len(missing)} Debian packages")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*prefix, "apt-get", "update", "-qq"], env=environment, check=False)
    done = subprocess.run([*prefix, *command, "-qq"], env=environment, check=False, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        return [f"apt-get failed (code {done.returncode}); as root run: {' '.join(command)}"]
    return []


def wanted_packages() -> list[str]:
    """Return package names of build/debian.txt whose condition holds."""
    wanted = []
    for line in (ROOT / "build/debian.txt").read_text().splitlines():
        name, _, condition = line.partition(" ")
        if not name or name.startswith("#"):
            continue
        kind, _, subject = condition.partition(" ")
        if kind == "unless-program" and shutil.which(subject):
            continue
        if kind == "unless-module" and importlib.util.find_spec(subject):
            continue
        if kind == "unpacked":
            continue
        wanted.append(name)
    return wanted


def unpack_debian_packages() -> list[str]:
    """Unpack servers that only tests start into `.venv/debian`: installed, they would run all day."""
    if shutil.which("apt-get") is None:
        return []
    lines = (ROOT / "build/debian.txt").read_text().splitlines()
    names = [line.split()[0] for line in lines if line.endswith(" unpacked")]
    missing = [name for name in names if not (VENV / "debian/usr/sbin" / name).exists()]
    return [
        f"{name} could not be fetched, its tests are skipped; as root run: apt-get update, then make setup"
        for name in missing
        if not unpack(name)
    ]


def unpack(package: str) -> bool:
    """Fetch a package and unpack it; say whether it worked."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package]
        if subprocess.run(fetch, cwd=folder, capture_output=True, check=False).returncode != 0:
            prefix = root_prefix()
            if prefix is None:
                return False
            subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False)
            subprocess.run(fetch, cwd=folder, capture_output=True, check=False)
        archives = list(Path(folder).glob("*.deb"))
        place = ["dpkg", "-x", *map(str, archives), str(VENV / "debian")]
        return bool(archives) and subprocess.run(place, check=False).returncode == 0


def installed(package: str) -> bool:
    """Say whether dpkg knows `package` as installed."""
    query = ["dpkg-query", "-W", "-f=${db:Status-Status}", package]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return "installed" in found.stdout and "not-installed" not in found.stdout


def root_prefix() -> list[str] | None:
    """Return how to become root without a question, or None."""
    if os.geteuid() == 0:
        return []
    asked = (
        subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if shutil.which("sudo")
        else None
    )
    return ["sudo", "-n"] if asked is not None and asked.returncode == 0 else None


def make_environment() -> bool:
    """Make `.venv` from the lock; say whether it stands."""
    python = VENV / "bin" / "python"
    if not python.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
        if made.returncode != 0:
            print("setup: python cannot make a virtual environment (Debian: apt-get install python3-venv)")
            return False
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = (
        [*pip, "--require-hashes", "-r", str(ROOT / "requirements/dev.lock")],
        [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    )
    for step in steps:
        if subprocess.run(step, check=False).returncode != 0:
            print("setup: pip failed; the lines above say why. Run `make setup` again when it is cured.")
            return False
    return True


def build_assets() -> list[str]:
    """Build fonts and icons; return what could not be made."""
    built = subprocess.run([str(VENV / "bin/python"), str(ROOT / "build/assets.py")], check=False)
    if built.returncode != 0:
        return ["fonts and icons were not built: the console uses the system's font (see above)"]
    return []


if __name__ == "__main__":
    sys.exit(main())
