"""Finds the engines: every package below `sent.engines` that has a `manifest.py` with `MANIFEST`.

Further places are searched when `SENT_ENGINE_PATH` names folders (`os.pathsep` between them): each is
added to the path of the `sent.engines` package, so `sent.engines.<name>` imports from there. The package is
named by a string: the platform does not know its engines, it finds them.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from sent.platform.errors import NotFound
from sent.platform.manifest import AREAS, Manifest, Page, Permission, Service, Task


@cache
def manifests() -> tuple[Manifest, ...]:
    """Return all engines' manifests in the order of the rail (area, order, title)."""
    engines = import_module("sent.engines")
    for folder in filter(None, os.environ.get("SENT_ENGINE_PATH", "").split(os.pathsep)):
        if folder not in engines.__path__:
            engines.__path__.append(folder)
    found = [
        import_module(f"sent.engines.{module.name}.manifest").MANIFEST
        for module in pkgutil.iter_modules(engines.__path__)
        if module.ispkg and find_spec(f"sent.engines.{module.name}.manifest") is not None
    ]
    return tuple(sorted(found, key=lambda m: (AREAS.index(m.area), m.order, m.title)))


def pages() -> Iterator[tuple[Manifest, Page]]:
    """Yield every page with its engine, in the order of the rail: an area's pages by their own order."""
    found = [(manifest, page) for manifest in manifests() for page in manifest.pages]
    yield from sorted(found, key=lambda f: (AREAS.index(f[0].area), f[1].order, f[0].order, f[1].title))


def services() -> dict[str, Service]:
    """Return the choices of `--service`, by id."""
    return {service.id: service for manifest in manifests() for service in manifest.services}


def service(name: str) -> Service:
    """Return one service; raises NotFound naming the choices."""
    known = services()
    if name not in known:
        choices = ", ".join(sorted(known))
        raise NotFound("service.unknown", f"no service {name!r}; choose one of: {choices}", service=name)
    return known[name]


def permissions() -> tuple[Permission, ...]:
    """Return all permissions of all engines."""
    return tuple(permission for manifest in manifests() for permission in manifest.permissions)


def tasks() -> tuple[Task, ...]:
    """Return the background tasks of all engines."""
    return tuple(task for manifest in manifests() for task in manifest.tasks)
