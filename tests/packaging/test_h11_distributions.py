"""H11, B6: wheel, sdist and checkout each migrate an empty database to head, and that of a release."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql.gz"))

UPGRADE = """
import sys
from pathlib import Path
import sent
from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import endpoint
from sent.platform.db.embedded.cluster import PORT, SUPERUSER
from sent.platform.db.engine import Server
from sent.platform.db.migrate import upgrade
assert Path(sent.__file__).is_relative_to(sys.argv[1]), sent.__file__
server = Server(host=str(endpoint.socket_dir()), port=PORT, dbname=sys.argv[2])
print(upgrade(server, SUPERUSER, role_password(SUPERUSER)))
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and sdist once."""
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(ROOT)],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """Return the name of a database nobody has touched."""
    name = f"empty_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0")
    yield name
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.mark.parametrize("kind", ["checkout", "wheel", "sdist"])
def test_h11_migrates_an_empty_database_to_head(
    kind: str, distributions: Path, empty_database: str, tmp_path: Path
) -> None:
    _migrate(kind, distributions, empty_database, tmp_path)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_b6_migrates_the_database_of_the_last_release(
    kind: str, distributions: Path, cluster: Cluster, empty_database: str, tmp_path: Path
) -> None:
    with cluster.connect(empty_database) as connection:
        connection.execute(gzip.decompress(RELEASES[-1].read_bytes()))
    _migrate(kind, distributions, empty_database, tmp_path)


def _migrate(kind: str, distributions: Path, database: str, tmp_path: Path) -> None:
    from sent.platform.db import schema

    place = ROOT if kind == "checkout" else _unpacked(kind, distributions, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE, str(place), database],
        env={**os.environ, "PYTHONPATH": str(place)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == schema.head()


def test_h11_wheel_carries_the_history_and_no_tests(distributions: Path) -> None:
    names = zipfile.ZipFile(next(distributions.glob("*.whl"))).namelist()
    assert "sent/_migrations/env.py" in names
    travelled = {name.rpartition("/")[2] for name in names if name.startswith("sent/_migrations/versions/0")}
    assert travelled == {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}
    assert not [name for name in names if name.startswith(("tests/", "migrations/", "build/"))]


def test_build_is_not_a_package_and_not_ignored() -> None:
    assert not (ROOT / "build" / "__init__.py").exists()
    ignored = subprocess.run(["git", "check-ignore", "-q", "build/setup.py"], cwd=ROOT, check=False)
    assert ignored.returncode == 1


def _unpacked(kind: str, distributions: Path, target: Path) -> Path:
    if kind == "wheel":
        zipfile.ZipFile(next(distributions.glob("*.whl"))).extractall(target / "wheel")
        return target / "wheel"
    subprocess.run(["tar", "-xzf", next(distributions.glob("*.tar.gz")), "-C", target], check=True)
    return next(target.glob("sent-*"))
