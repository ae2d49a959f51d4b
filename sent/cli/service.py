"""`sent service`: services under the machine's service manager."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from sent.platform import registry
from sent.platform.buildinfo import PACKAGES, build_info
from sent.platform.config import paths
from sent.platform.db.embedded import endpoint
from sent.platform.errors import Denied, Unavailable
from sent.platform.units import TARGET, TEMPLATE, unit, unit_name
from sent.platform.update.layout import installation

app = typer.Typer(no_args_is_help=True, help="Install and list services of this machine.")

UNITS = Path("/etc/systemd/system")


@app.command("list")
def list_services() -> None:
    """Print every service, one JSON object a line."""
    for service in registry.services().values():
        print(json.dumps({"service": service.id, "title": service.title}))


@app.command()
def install(
    name: Annotated[str, typer.Argument(help="Service, such as radar.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the unit, change nothing.")] = False,
) -> None:
    """Write the systemd unit of a service and make it known; starting it stays yours to do.

    Where SENT came as a package of the system, the unit is there already.
    """
    service = registry.service(name)
    if build_info().updates == PACKAGES:
        started = f"systemctl enable --now {TARGET} {TEMPLATE.replace('@', f'@{service.id}')}"
        print(json.dumps({"unit": TEMPLATE, "start": started}))
        return
    layout = installation()
    if layout is None:
        text = unit(service.id, service.title, endpoint.program())
    else:
        text = unit(service.id, service.title, [str(layout.starter)], str(layout.root))
    if dry_run:
        print(text, end="")
        return
    if not paths.is_root():
        raise Denied("service.not_root", f"only root may write {UNITS}; --dry-run prints the unit")
    if not UNITS.is_dir():
        raise Unavailable("service.no_systemd", f"{UNITS} does not exist: this machine runs no systemd")
    target = UNITS / unit_name(service.id)
    target.write_text(text)
    subprocess.run(["systemctl", "daemon-reload"], check=False)
    print(json.dumps({"unit": str(target), "start": f"systemctl enable --now {target.name}"}))
