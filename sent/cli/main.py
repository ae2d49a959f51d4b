"""`sent <group> <verb>`: the admin's tool.

Groups are found, not listed: every module of this package but this one offers `app` (a typer application),
and so does every engine whose manifest names one. A group is imported when it is used.

Exit codes: 0 done, 1 the thing asked for failed, 2 usage, 64-78 as in sysexits(3).
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Sequence

import typer

import sent.cli
from sent import __version__
from sent.platform import registry
from sent.platform.buildinfo import build_info
from sent.platform.errors import SentError
from sent.platform.manifest import resolve

app = typer.Typer(
    name="sent",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="SENT. Without arguments the console opens; --mode=worker runs a service.",
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    """SENT: console, workers and admin tool in one program."""
    if version:
        print(f"sent {__version__}")
        for name, value in build_info().lines():
            print(f"{name}: {value}")
        raise typer.Exit


def main(arguments: Sequence[str]) -> int:
    """Run the tool and return its exit code."""
    targets = _targets()
    # Help lists every group; otherwise only the one that is asked for is imported.
    asked = next((word for word in arguments if word in targets), None)
    wanted = sorted(targets) if asked is None and arguments[:1] != ["--version"] else [asked] if asked else []
    for name in wanted:
        _mount(name, resolve(targets[name]))
    try:
        app(args=list(arguments), prog_name="sent")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except SentError as error:
        print(f"sent: {error.message}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _mount(name: str, group: typer.Typer) -> None:
    """Add a group; one that is nothing but its callback (`sent demo`) becomes a command."""
    alone = not group.registered_commands and not group.registered_groups
    if alone and group.registered_callback is not None and group.registered_callback.callback is not None:
        app.command(name)(group.registered_callback.callback)
    else:
        app.add_typer(group, name=name)


def _targets() -> dict[str, str]:
    """Return `module:app` by group name."""
    own = {
        module.name.replace("_", "-"): f"sent.cli.{module.name}:app"
        for module in pkgutil.iter_modules(sent.cli.__path__)
        if module.name != "main"
    }
    engines = {manifest.id: manifest.cli for manifest in registry.manifests() if manifest.cli}
    return own | engines
