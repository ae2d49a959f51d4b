"""Rules as they were parsed, kept on disk: three thousand are read in a second instead of parsed in four.

A rule is found by a digest of its text and of the program's version, so nothing kept can be out of date. What
cannot be read is parsed anew. The file holds data only (JSON in SQLite); patterns are compiled when read.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from time import time
from typing import Any, get_args

import orjson

from sent import __version__
from sent.engines.radar import model
from sent.engines.radar.model import LogSource, Refused, Rule
from sent.engines.radar.sigma import condition, dialect, expression, logsource, pattern, ruleset
from sent.engines.radar.sigma.expression import And, Atom, Not, Or, Test
from sent.engines.radar.sigma.pattern import Pattern, PatternRefused, compile_pattern

KEPT_DAYS = 60
"""Days after which what nobody asked for goes."""

BUSY_S = 5.0

_DAY_S = 86_400
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*get_args(Test), And, Or, Not, Atom, LogSource)}
_SKIPPED = frozenset({"source", "text"})
"""Fields of a rule that the asker knows."""


def _version() -> bytes:
    """Return a digest of what makes rules out of texts."""
    made = hashlib.sha256(__version__.encode())
    for module in (condition, dialect, expression, logsource, model, pattern, ruleset):
        made.update(Path(str(module.__file__)).read_bytes())
    return made.digest()


class CompiledRules:
    """Rules by their text, in one file, for one thread; does without the file where it cannot be had."""

    def __init__(self, path: Path) -> None:
        self._version = _version()
        self._fresh: list[tuple[bytes, bytes, int]] = []
        self._used: list[tuple[int, bytes]] = []
        self._today = int(time() // _DAY_S)
        self._database = _opened(path)

    def get(self, name: str, text: str) -> Rule | Refused | None:
        """Return what `text`, read from `name`, was parsed to; None if it has to be parsed."""
        if self._database is None:
            return None
        key = self._key(text)
        try:
            row = self._database.execute("select rule, day from rule where key = ?", [key]).fetchone()
            if row is None:
                return None
            if row[1] != self._today:
                self._used.append((self._today, key))
            body = orjson.loads(row[0])
            if "reason" in body:
                return Refused(**body)
            found = _rule(body)
        except (sqlite3.Error, ValueError, TypeError, KeyError, PatternRefused):
            return None
        return replace(found, source=name, text=text)

    def unknown(self, texts: Iterable[str]) -> int:
        """Return how many of these texts have to be parsed."""
        if self._database is None:
            return sum(1 for _ in texts)
        known = "select exists (select 1 from rule where key = ?)"
        with contextlib.suppress(sqlite3.Error):
            return sum(not self._database.execute(known, [self._key(text)]).fetchone()[0] for text in texts)
        return 0

    def put(self, text: str, found: Rule | Refused) -> None:
        """Keep what `text` was parsed to; written by `close`."""
        with contextlib.suppress(TypeError):
            self._fresh.append((self._key(text), orjson.dumps(_encoded(found)), self._today))

    def close(self) -> None:
        """Write what is new and forget what is old."""
        if self._database is None:
            return
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.executemany("insert or replace into rule values (?, ?, ?)", self._fresh)
            self._database.executemany("update rule set day = ? where key = ?", self._used)
            self._database.execute("delete from rule where day < ?", [self._today - KEPT_DAYS])
        self._database.close()
        self._database = None

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(self._version + text.encode("utf-8", "surrogatepass")).digest()


def _opened(path: Path) -> sqlite3.Connection | None:
    """Open the file; one that is damaged is made anew."""
    for _ in range(2):
        try:
            path.touch(mode=0o600)
            database = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
            database.execute("pragma synchronous = off")
            database.execute(
                "create table if not exists rule"
                " (key blob primary key, rule blob not null, day integer not null) without rowid"
            )
            return database
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
        except OSError:
            return None
    return None


def _encoded(value: Any) -> Any:
    """Return a value as JSON; raises TypeError for what is none of a rule's."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple):
        return [_encoded(part) for part in value]
    if isinstance(value, IPv4Network | IPv6Network):
        return str(value)
    if isinstance(value, Pattern):
        return [value.source, value.flags]
    if isinstance(value, Rule | Refused):
        return {f.name: _encoded(getattr(value, f.name)) for f in fields(value) if f.name not in _SKIPPED}
    if is_dataclass(value) and type(value).__name__ in _KINDS:
        return {"": type(value).__name__} | {f.name: _encoded(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} is no part of a rule")


def _rule(body: dict[str, Any]) -> Rule:
    return Rule(**{name: _decoded(name, value) for name, value in body.items()})


def _decoded(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        kind = _KINDS[value.pop("")]
        return kind(**{inner: _decoded(inner, part) for inner, part in value.items()})
    if name == "pattern":
        source, flags = value
        return compile_pattern(source, flags=flags)
    if name == "network":
        return ip_network(value)
    if isinstance(value, list):
        return tuple(_decoded(name, part) for part in value)
    return value
