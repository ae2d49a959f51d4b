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

import click
import typer
from typer.core import TyperGroup

import sent.cli
from sent import __version__
from sent.platform import registry
from sent.platform.errors import SentError
from sent.platform.manifest import resolve


class LazyGroup(TyperGroup):
    """A group whose members are imported at first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all groups."""
        return sorted(_targets())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one group, or None when there is none of that name."""
        target = _targets().get(cmd_name)
        if target is None:
            return None
        command = typer.main.get_command(resolve(target))
        command.name = cmd_name
        return command


app = typer.Typer(
    name="sent",
    cls=LazyGroup,
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
        raise typer.Exit


def main(arguments: Sequence[str]) -> int:
    """Run the tool and return its exit code."""
    try:
        code = app(args=list(arguments), prog_name="sent", standalone_mode=False)
    except click.exceptions.Abort:
        print("sent: stopped", file=sys.stderr)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SentError as error:
        print(f"sent: {error.message}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0


def _targets() -> dict[str, str]:
    """Return `module:app` by group name."""
    own = {
        module.name.replace("_", "-"): f"sent.cli.{module.name}:app"
        for module in pkgutil.iter_modules(sent.cli.__path__)
        if module.name != "main"
    }
    engines = {manifest.id: manifest.cli for manifest in registry.manifests() if manifest.cli}
    return own | engines
