"""Structured logs: JSON lines when stdout or stderr is not a terminal, readable lines when it is.

Fields: ts, level, service, event and whatever the caller adds; an event name is a constant, values are
fields, never an f-string. `Secret` hides itself wherever it is printed. structlog is loaded at the first
line that is written, so importing a logger costs nothing at start-up.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

RECENT: deque[dict[str, Any]] = deque(maxlen=1000)
"""The last lines of this process, for whoever reports a problem."""

_configured = False
_service = "sent"


class Secret:
    """A value that never shows in a log, a repr or a traceback; `reveal()` hands it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def configure(service: str, *, level: str = "info") -> None:
    """Set the process's service name and level; call once, before the first line."""
    global _configured, _service
    import logging

    import structlog

    _service = service
    # The pool tells the same thing at each attempt, not as JSON; whoever asked for the connection logs it.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
    ]
    if sys.stderr.isatty():
        processors += [structlog.dev.ConsoleRenderer()]
    else:
        processors += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, sort_keys=False),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _configured = True


class Logger:
    """A named logger; see `get_logger`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bound: Any = None

    def debug(self, event: str, **fields: object) -> None:
        """Write `event` with its fields at level debug."""
        self._target().debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Write `event` with its fields at level info."""
        self._target().info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write `event` with its fields at level warning."""
        self._target().warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """Write `event` with its fields at level error; `exc_info=error` adds the traceback."""
        self._target().error(event, **fields)

    def _target(self) -> Any:
        if self._bound is None:
            if not _configured:
                configure(_service)
            import structlog

            self._bound = structlog.get_logger().bind(logger=self._name)
        return self._bound


def get_logger(name: str) -> Logger:
    """Return the logger called `name`; cheap, loads structlog only when it first writes."""
    return Logger(name)


def _stamp(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    from datetime import UTC, datetime

    stamped = {"ts": datetime.now(UTC).isoformat(timespec="milliseconds"), "service": _service}
    RECENT.append(stamped | {name: str(value)[:4000] for name, value in event.items()})
    return stamped | event
