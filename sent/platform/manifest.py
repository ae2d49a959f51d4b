"""What an engine says of itself; everything central derives from it.

A manifest imports nothing heavy: pages, workers and command groups are strings `"module:attribute"` that
are resolved at first use. Adding an engine is adding a folder with such a file; no list is edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

Area = Literal["command", "communication", "business", "security", "admin"]

AREAS: tuple[Area, ...] = ("command", "communication", "business", "security", "admin")
"""Order of the groups in the console's rail."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console: `target` is `"module:Class"`, a QWidget made as `Class(shell)`."""

    id: str
    title: str
    icon: str
    target: str
    permission: str | None = None
    order: int = 100
    jump: str | None = None
    """The letter after `G` that opens it."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A right a role can hold, such as `radar:triage`."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Service:
    """A worker: `target` is `"module:Class"`, a `sent.workers.base.Worker`."""

    id: str
    title: str
    target: str
    rss_limit_mb: int = 60


@dataclass(frozen=True, slots=True)
class Task:
    """Background work: `target` is `"module:function"`, an `async def f(ctx, **arguments)`.

    It may run again after a crash, so its effects carry a key. With `cron` (five fields, UTC) the clock
    starts it too: once for every organisation, or with scope "installation" once, on `sent_system`.
    """

    id: str
    title: str
    target: str
    cron: str | None = None
    queue: str = "default"
    scope: Literal["organization", "installation"] = "organization"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the engine, kept per organisation in `core.setting` and shown on the Settings page."""

    key: str
    title: str
    kind: Literal["text", "int", "bool", "choice"]
    default: str | int | bool
    help: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A bus topic the engine publishes; `fields` name the ids its payload carries."""

    topic: str
    fields: tuple[str, ...]
    title: str = ""
    """What the settings call it where a rule is made for the topic."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One engine."""

    id: str
    title: str
    area: Area
    icon: str
    summary: str
    order: int = 100
    pages: tuple[Page, ...] = ()
    permissions: tuple[Permission, ...] = ()
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    settings: tuple[Setting, ...] = ()
    events: tuple[Event, ...] = ()
    search: str | None = None
    """`"module:function"`, an `async def f(ctx, text, limit) -> list[Hit]`; see `sent.platform.search`."""
    cli: str | None = None
    """`"module:app"`, a typer application: `sent <id> ...`."""


def resolve(target: str) -> Any:
    """Import `"module:attribute"` and return the attribute."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
