"""The packaged program, built once and only when its inputs have changed, and its Debian package."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import binaries
import pytest
from debian_root import DebianRoot

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    """Return a module of build/, which is no package."""
    sys.path.insert(0, str(ROOT / "build"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "build"))


@pytest.fixture(scope="session")
def smoke() -> ModuleType:
    """Return build/smoke.py."""
    return script("smoke")


@pytest.fixture(scope="session")
def app() -> Path:
    """Return the built program of the present source."""
    return binaries.built()


@pytest.fixture(scope="session")
def package(app: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Debian package of the built program, without compression.

    In a process of its own: it is written from the program's commands, whose language tests may have changed.
    """
    out = tmp_path_factory.mktemp("package")
    command = [sys.executable, ROOT / "build/deb.py", "--plain", "--app", app, "--out", out]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (made,) = out.glob("*.deb")
    return made


@pytest.fixture(scope="session")
def deb() -> ModuleType:
    """Return build/deb.py."""
    return script("deb")


@pytest.fixture(scope="session")
def scratch_root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the package is installed; nobody changes it."""
    root = tmp_path_factory.mktemp("root")
    DebianRoot(root).dpkg("-i", str(package))
    return root


@pytest.fixture(scope="session")
def archive() -> ModuleType:
    """Return build/archive.py."""
    return script("archive")
