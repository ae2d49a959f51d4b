"""H10: an engine is a folder; nothing else in the program is edited to have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from installation import installation

MANIFEST = '''
"""A made-up engine."""
from __future__ import annotations
from sent.platform.manifest import Manifest, Page, Permission, Service, Setting
MANIFEST = Manifest(
    id="fleet", title="Fleet", area="business", icon="car", summary="Cars of the company.", order=999,
    pages=(Page("fleet", "Fleet", "car", "sent.engines.fleet.page:FleetPage", "fleet:read", jump="f"),),
    permissions=(Permission("fleet:read", "See the cars"),),
    services=(Service("fleet", "Car tracker", "sent.engines.fleet.worker:FleetWorker"),),
    settings=(Setting("fleet.limit", "Cars at most", "int", 20),),
    cli="sent.engines.fleet.cli:app",
)
'''
WORKER = '''
"""The made-up worker."""
from __future__ import annotations
import asyncio
from sent.workers.base import Worker
class FleetWorker(Worker):
    """Waits."""
    needs_database = False
    async def start(self) -> None: ...
    async def run(self) -> None:
        await asyncio.Event().wait()
'''
CLI = '''
"""The made-up group."""
from __future__ import annotations
import typer
app = typer.Typer()
@app.callback(invoke_without_command=True)
def cars() -> None:
    print("7 cars")
'''


@pytest.fixture
def fleet(tmp_path: Path) -> dict[str, str]:
    """Write the engine's folder and return the environment that finds it."""
    folder = tmp_path / "engines" / "fleet"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""Fleet."""\n')
    (folder / "manifest.py").write_text(MANIFEST)
    (folder / "worker.py").write_text(WORKER)
    (folder / "cli.py").write_text(CLI)
    (folder / "README.md").write_text("# Fleet\n\nCars of the company.\n")
    return {**os.environ, "SENT_ENGINE_PATH": str(folder.parent)}


def run(environment: dict[str, str], *command: str) -> str:
    """Run the program and return what it printed."""
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_h10_registry_lists_page_permission_setting_and_service(fleet: dict[str, str]) -> None:
    code = (
        "from sent.platform import registry as r; import json;"
        "print(json.dumps({'pages': [p.id for _, p in r.pages()],"
        " 'permissions': [p.id for p in r.permissions()], 'services': sorted(r.services()),"
        " 'settings': [s.key for m in r.manifests() for s in m.settings]}))"
    )
    found = json.loads(run(fleet, "-c", code))
    assert "fleet" in found["pages"]
    assert "fleet:read" in found["permissions"]
    assert "fleet" in found["services"]
    assert "fleet.limit" in found["settings"]


def test_h10_service_starts_by_its_name(fleet: dict[str, str]) -> None:
    said = json.loads(run(fleet, "-m", "sent", "--mode=worker", "--service=fleet", "--check"))
    assert said["service"] == "fleet"
    assert said["ready"] is True


def test_h10_command_group_is_found(fleet: dict[str, str]) -> None:
    assert "7 cars" in run(fleet, "-m", "sent", "fleet")
    assert "fleet" in run(fleet, "-m", "sent", "--help")


def test_h10_docs_index_lists_it(fleet: dict[str, str]) -> None:
    assert "Cars of the company." in run(fleet, "-m", "sent", "docs")


def test_h10_rail_and_palette_offer_the_page(fleet: dict[str, str]) -> None:
    code = (
        "from sent.ui.boot import build; import json;"
        "app, window, gate = build([]);"
        "window.shell.actions.set_permissions(frozenset({'fleet:read'}));"
        "window.palette_.open_palette();"
        "print(json.dumps([list(window.rail.items), window.palette_.visible_titles()]))"
    )
    rail, titles = json.loads(run({**fleet, "QT_QPA_PLATFORM": "offscreen"}, "-c", code))
    assert "fleet" in rail
    assert "Fleet" in titles


def test_h10_its_permissions_reach_the_owner_without_a_migration(fleet: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="sent-h10-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as site:
            site.start("db").stop()
            site.environment |= {"SENT_ENGINE_PATH": fleet["SENT_ENGINE_PATH"]}
            site.start("db")
            made = site.run("org", "create", "Northwind", "northwind")
            assert made.returncode == 0, made.stderr
            code = (
                "from sent.platform.db.admin import admin_connection\n"
                "with admin_connection() as c: print(c.execute('select count(*) from core.role_permission g"
                " join core.role r on r.organization_id = g.organization_id and r.id = g.role_id"
                " where r.key = %s and g.permission = %s', ['owner', 'fleet:read']).fetchone()[0])"
            )
            assert run(site.environment, "-c", code).strip() == "1"
