"""What can be typed after `sent`, read from the program itself; manual and completion are made of it.

A command, option or service that the program does not have can therefore not be in them, nor one be missing.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WORKER = "--mode=worker"


@dataclass(frozen=True)
class Option:
    """An option of a command; `value` is empty for a switch."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    choices: tuple[str, ...] = ()
    file: bool = False
    required: bool = False
    many: bool = False


@dataclass(frozen=True)
class Argument:
    """A word of a command at its place."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    file: bool = False
    required: bool = True
    many: bool = False


@dataclass(frozen=True)
class Command:
    """A command with what belongs to it; `path` is what is typed after `sent`."""

    path: str
    help: str
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    commands: tuple[Command, ...] = ()

    def all(self) -> list[Command]:
        """Return this command and those below it, in the order of their paths."""
        return [self, *(found for one in self.commands for found in one.all())]


def tool() -> Command:
    """Return the admin's tool: the root with every group and verb that is not hidden."""
    import typer

    from sent.cli import main
    from sent.platform.manifest import resolve

    targets = main._targets()
    for name in sorted(targets):
        if name not in {group.name for group in main.app.registered_groups}:
            main._mount(name, resolve(targets[name]))
    return _command("", typer.main.get_command(main.app))


def worker() -> Command:
    """Return the worker's mode; `--service` knows the services."""
    from sent.platform import registry
    from sent.workers.host import command_line

    services = tuple(sorted(registry.services()))
    options = []
    for action in command_line()._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        chosen = services if action.dest in {"service", "services"} else ()
        said = "the service" if action.dest == "service" else str(action.help)
        value = "" if action.nargs == 0 else (action.metavar or action.dest.upper())
        options.append(
            Option(tuple(action.option_strings), said, str(value), chosen, required=action.required)
        )
    return Command(WORKER, "Run a service in this process.", tuple(options))


def console() -> tuple[str, ...]:
    """Return the console's switches."""
    from sent.ui.boot import ARGUMENTS

    return ARGUMENTS


def _command(path: str, found: Any) -> Command:
    below = getattr(found, "commands", {})
    options = [_option(p) for p in found.params if p.param_type_name == "option" and not p.hidden]
    arguments = [_argument(p) for p in found.params if p.param_type_name == "argument" and not p.hidden]
    return Command(
        path,
        _plain(found.help),
        tuple(options),
        tuple(arguments),
        tuple(_command(f"{path} {name}".strip(), one) for name, one in below.items() if not one.hidden),
    )


def _option(found: Any) -> Option:
    choices, file = _values(found)
    value = "" if found.is_flag or found.count else (found.metavar or found.name.upper().replace("_", "-"))
    names = (*found.opts, *found.secondary_opts)
    return Option(names, _plain(found.help), value, choices, file, found.required, found.multiple)


def _argument(found: Any) -> Argument:
    choices, file = _values(found)
    name = (found.metavar or found.name.upper().replace("_", "-")).strip("[].")
    return Argument(name, _plain(found.help), choices, file, found.required, found.nargs == -1)


def _values(found: Any) -> tuple[tuple[str, ...], bool]:
    """Return the words a parameter may be, and whether it names a file."""
    described = found.type_descriptor
    kind = getattr(described, "annotation", None)
    kinds = [kind, *get_args(kind)]
    for one in kinds:
        if isinstance(one, type) and issubclass(one, Enum):
            return tuple(str(member.value) for member in one), False
    return (), any(isinstance(one, type) and issubclass(one, Path) for one in kinds)


def _plain(text: str | None) -> str:
    return " ".join((text or "").replace("\b", "").split())
