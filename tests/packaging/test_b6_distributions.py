"""B6: wheel, sdist and binary migrate an empty database and that of the kept release to head.

Wheel and sdist are installed by pip into a place of their own, without a network: their dependencies are
those of this environment. Each migrates as its users do, by `sent db migrate`.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from sent.platform.config.secrets import role_password
from sent.platform.db import schema
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster

ROOT = Path(__file__).resolve().parents[2]
RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql.gz"))
DISTRIBUTIONS = ["wheel", pytest.param("sdist", marks=pytest.mark.soak), "binary"]
"""The sdist becomes a wheel before it is installed: as dear as the rest together."""

pytestmark = pytest.mark.timeout(500)


@dataclass(frozen=True, slots=True)
class Program:
    """An installed SENT: how it is started."""

    command: list[str]
    environment: dict[str, str]

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *words],
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            cwd="/",
        )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    """Return what was installed already, by kind of distribution."""
    return {}


@pytest.fixture
def program(
    request: pytest.FixtureRequest, programs: dict[str, Program], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """Return the program of a distribution, installed once."""
    kind = request.param
    if kind == "binary":
        app: Path = request.getfixturevalue("app")
        return Program([str(app / "sent")], dict(os.environ))
    if kind not in programs:
        programs[kind] = installed(ROOT, kind, tmp_path_factory.mktemp(kind))
    return programs[kind]


def installed(source: Path, kind: str, folder: Path) -> Program:
    """Build a distribution of `source` and let pip install it below `folder`, without an index."""
    quietly = {"check": True, "capture_output": True, "timeout": 300}
    built = folder / "dist"
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(built)]
    subprocess.run([*command, str(source)], **quietly)
    (found,) = built.iterdir()
    place = folder / "site"
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--ignore-installed"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *offline, "--prefix", str(place), str(found)],
        **quietly,
    )
    paths = {"base": str(place), "platbase": str(place)}
    site = sysconfig.get_path("purelib", "posix_prefix", paths)
    script = Path(sysconfig.get_path("scripts", "posix_prefix", paths)) / "sent"
    assert script.is_file()
    return Program([sys.executable, str(script)], {**os.environ, "PYTHONPATH": site})


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Return the name of an empty database."""
    name = f"dist_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0")
    yield name
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


def url(cluster: Cluster, database: str) -> str:
    return f"postgresql://{SUPERUSER}@/{database}?host={cluster.socket_dir}&port={PORT}"


def migrated(program: Program, cluster: Cluster, database: str) -> str:
    """Let a program migrate; returns the revision it says."""
    done = program.run(
        "db",
        "migrate",
        "--no-snapshot",
        SENT_DATABASE_URL=url(cluster, database),
        PGPASSWORD=role_password(SUPERUSER).reveal(),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return str(json.loads(done.stdout)["revision"])


@pytest.mark.parametrize("program", DISTRIBUTIONS, indirect=True)
def test_b6_migrates_an_empty_database_and_that_of_the_kept_release(
    program: Program, cluster: Cluster, database: str
) -> None:
    assert migrated(program, cluster, database) == schema.head()
    with cluster.connect(database) as connection:
        assert schema.up_to_date(connection)
        # The same database, emptied, becomes that of the release.
        connection.execute(
            "do $$ declare s text; begin for s in select nspname from pg_namespace"
            " where nspname !~ '^pg_' and nspname <> 'information_schema' loop"
            " execute format('drop schema %I cascade', s); end loop; end $$"
        )
        connection.execute("create schema public authorization pg_database_owner")
        connection.execute(gzip.decompress(RELEASES[-1].read_bytes()))
        assert schema.noted(connection.execute(schema.NOTED).fetchone()) is None
    assert migrated(program, cluster, database) == schema.head()
    with cluster.connect(database) as connection:
        assert schema.up_to_date(connection)
        found = schema.noted(connection.execute(schema.NOTED).fetchone())
    assert found is not None and found.revision == schema.head()


@pytest.mark.parametrize("program", DISTRIBUTIONS[:1], indirect=True)
def test_b6_the_installed_program_is_not_the_checkout(program: Program) -> None:
    said = program.run("--version")
    assert said.returncode == 0, said.stderr
    code = "import sent; print(sent.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", code],
        env=program.environment,
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert not Path(where.stdout.strip()).is_relative_to(ROOT)


REVISION = '''
"""What a later release might add."""
import sqlalchemy as sa
from alembic import op
revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None
def upgrade():
    op.create_tenant_table("core.later", sa.Column("name", sa.Text(), nullable=False))
    op.sql("alter table core.client add column later_note text not null default ''")
'''


def successor(program: Program, folder: Path) -> Program:
    """Return the program of the next release: this one with a revision more."""
    if len(program.command) == 1:
        place = shutil.copytree(
            Path(program.command[0]).parent, folder / "next", symlinks=True, copy_function=os.link
        )
        inside, made = place / "_internal", Program([str(place / "sent")], program.environment)
    else:
        inside = shutil.copytree(program.environment["PYTHONPATH"], folder / "next")
        made = Program(program.command, {**program.environment, "PYTHONPATH": str(inside)})
    number = f"{int(schema.head()) + 1:04}"
    revision = inside / "sent" / "_migrations" / "versions" / f"{number}_core_later.py"
    revision.write_text(REVISION.format(number=number, before=schema.head()))
    return made


def works(program: Program, address: str, folder: Path) -> None:
    """Let a program make an organisation, start services and end them in good order."""
    made = program.run("org", "create", "Northwind", f"n{uuid4().hex[:8]}", SENT_DATABASE_URL=address)
    assert made.returncode == 0, made.stderr[-2000:]
    for service in ("jobs", "radar"):
        log = folder / f"{service}.log"
        with log.open("wb") as output:
            running = subprocess.Popen(
                [*program.command, "--mode=worker", f"--service={service}"],
                env=program.environment | {"SENT_DATABASE_URL": address, "SENT_RUNTIME_DIR": str(folder)},
                stdout=output,
                stderr=output,
                cwd="/",
            )
        try:
            give_up = time.monotonic() + 60
            while "service.ready" not in log.read_text():
                assert running.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < give_up, log.read_text()[-2000:]
                time.sleep(0.05)
            time.sleep(0.5)
            assert '"level": "error"' not in log.read_text()
        finally:
            running.send_signal(signal.SIGTERM)
            code = running.wait(40)
        assert code == 0, log.read_text()[-2000:]


@pytest.mark.parametrize("program", ["wheel", pytest.param("binary", marks=pytest.mark.soak)], indirect=True)
def test_b6_the_previous_program_works_on_the_next_schema(
    program: Program, cluster: Cluster, database: str, tmp_path: Path
) -> None:
    """The program that is previous then, on a database that its successor has migrated."""
    later = migrated(successor(program, tmp_path), cluster, database)
    assert later > schema.head()
    works(program, url(cluster, database), tmp_path)
    refused = program.run(
        "db",
        "migrate",
        SENT_DATABASE_URL=url(cluster, database),
        PGPASSWORD=role_password(SUPERUSER).reveal(),
    )
    assert refused.returncode == 65
    assert "nothing was changed" in refused.stderr


@pytest.mark.soak
def test_b6_the_program_of_the_kept_release_works_on_the_present_schema(
    cluster: Cluster, database: str, tmp_path: Path
) -> None:
    """Built from the commit that kept the release's schema."""
    found = subprocess.run(
        ["git", "log", "-1", "--format=%H", "--", str(RELEASES[-1])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode or not found.stdout.strip():
        pytest.skip("the history of this checkout does not reach back to the kept release")
    source = tmp_path / "source"
    source.mkdir()
    archive = subprocess.run(
        ["git", "archive", found.stdout.strip()], cwd=ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    former = installed(source, "wheel", tmp_path / "former")
    present = installed(ROOT, "wheel", tmp_path / "present")
    assert migrated(present, cluster, database) == schema.head()
    works(former, url(cluster, database), tmp_path)
