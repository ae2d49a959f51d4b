"""`sent desktop install`: tells the user's desktop that `sent://` links belong to this program.

Writes below the user's own data folder only: an entry for the menu that takes the links, and an icon.
The desktop passes a link as one word; the console reads it exactly (`sent.platform.links`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from sent.platform.db.embedded import endpoint
from sent.platform.errors import Invalid

app = typer.Typer(help="The desktop's menu entry and links.", no_args_is_help=True)

ENTRY = """[Desktop Entry]
Type=Application
Version=1.0
Name=SENT
GenericName=Operations console
Comment=Run the company: alerts, audit, settings
Exec={program} %u
Icon=sent
Terminal=false
Categories=Office;
StartupNotify=true
StartupWMClass=SENT
X-GNOME-SingleWindow=true
Keywords=Security;Logs;Alerts;Incidents;
MimeType=x-scheme-handler/sent;
"""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 24 24" fill="none" '
    'stroke="#2f7df6" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M12 2.5 20 5.6v5.9c0 4.9-3.3 8.3-8 10-4.7-1.7-8-5.1-8-10V5.6Z"/>'
    '<path d="M8.2 12.6a4 4 0 0 1 4-4"/><path d="M12.2 12.6h.01"/><path d="M8.4 16.2a7.6 7.6 0 0 0 7.6-7.4"/>'
    "</svg>\n"
)


@app.callback()
def group() -> None:
    """The desktop's menu entry and links."""


@app.command()
def install(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be written.")] = False,
) -> None:
    """Write the menu entry and take `sent://` links over, for this user."""
    for path, text in files().items():
        if dry_run:
            print(f"# {path}\n{text}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text, "utf-8")
        part.replace(path)
        print(path)
    if not dry_run:
        _announce()


@app.command()
def remove() -> None:
    """Take the menu entry and the links away again."""
    for path in files():
        if path.exists():
            path.unlink()
            print(path)
    _announce()


def files() -> dict[Path, str]:
    """Return what is written where."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    program = " ".join(quoted(word) for word in endpoint.program())
    return {
        data / "applications" / "sent.desktop": ENTRY.format(program=program),
        data / "icons" / "hicolor" / "scalable" / "apps" / "sent.svg": ICON,
    }


def quoted(word: str) -> str:
    """Return a word as the Exec key wants it (Desktop Entry Specification, "The Exec key")."""
    if not word.isprintable():
        raise Invalid("desktop.path", f"the program's path cannot stand in a menu entry: {word!r}")
    word = word.replace("%", "%%")
    if not set(word) & set(" \t\n\"'\\><~|&;$*?#()`"):
        return word
    for sign in ("\\", '"', "`", "$"):
        word = word.replace(sign, f"\\{sign}")
    # The string type escapes the backslash once more.
    return '"' + word.replace("\\", "\\\\") + '"'


def _announce() -> None:
    """Have the desktop read the entries again, where it needs that; tell what could not be done."""
    folder = next(iter(files())).parent
    for command in (
        ["update-desktop-database", str(folder)],
        ["xdg-mime", "default", "sent.desktop", "x-scheme-handler/sent"],
    ):
        if shutil.which(command[0]) is None or not folder.is_dir():
            continue
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            print(f"{command[0]}: {done.stderr.strip()[:300]}", file=sys.stderr)
