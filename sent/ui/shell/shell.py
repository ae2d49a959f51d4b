"""What pages know of the rest of the console: navigation, actions, toasts, tasks, the bridge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from sent.platform.i18n import tr
from sent.ui.prefs import Prefs

if TYPE_CHECKING:
    from sent.platform.errors import SentError
    from sent.ui.bridge import Bridge
    from sent.ui.shell.actions import ActionRegistry
    from sent.ui.shell.palette import Entry
    from sent.ui.shell.statusbar import StatusBar
    from sent.ui.shell.tasks import TaskCentre
    from sent.ui.shell.toasts import Toast, Toasts


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, for display and for hiding what he may not do."""

    id: str
    name: str
    email: str
    organisation: str
    role: str
    permissions: frozenset[str]


class Shell(QObject):
    """The pages' only way out."""

    open_wanted = Signal(str, str)
    """Page id and record (may be empty)."""
    choices_wanted = Signal(str, object)
    """Title and entries of a palette step."""
    person_changed = Signal()
    sign_out_wanted = Signal()

    def __init__(self, prefs: Prefs) -> None:
        super().__init__()
        self.prefs = prefs
        self.bridge: Bridge | None = None
        self.person: Person | None = None
        self.online = False
        self.fresh_at: datetime | None = None
        self.actions: ActionRegistry
        self.toasts: Toasts
        self.tasks: TaskCentre
        self.status: StatusBar

    def open(self, page: str, record: str = "") -> None:
        """Bring a page to the front, and a record of it."""
        self.open_wanted.emit(page, record)

    def choose(self, title: str, entries: list[Entry]) -> None:
        """Let the user choose one of the entries in the palette."""
        self.choices_wanted.emit(title, entries)

    def can(self, permission: str) -> bool:
        """Say whether the session has a permission (for showing; the database decides)."""
        return self.person is not None and permission in self.person.permissions

    def toast(
        self, text: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = ""
    ) -> Toast:
        """Say what happened."""
        return self.toasts.show_toast(text, tone=tone, undo=undo, action=action)

    def report(self, error: SentError) -> None:
        """Say what went wrong; losing the database is told by the status bar and the banner already."""
        if error.code in ("database.unreachable", "database.timeout") and not self.online:
            return
        self.toast(error_text(error), tone="bad")

    def mark_fresh(self) -> None:
        """Note that what is on screen was read just now."""
        self.fresh_at = datetime.now(UTC)
        self.status.show_fresh(self.fresh_at, stale=False)


def error_text(error: SentError) -> str:
    """Return an error's text in the user's language, by its code."""
    known = {
        "auth.failed": tr("Email, password or code is not right"),
        "auth.throttled": tr(
            "Too many attempts; try again in {n} s", n=round(_number(error.data.get("retry_after"), 30))
        ),
        "auth.expired": tr("The sign-in has expired; sign in again"),
        "auth.must_change": tr("Choose a password of your own first: sign in again"),
        "invitation.failed": tr("This invitation or its code does not hold"),
        "auth.weak": error.message,
        "setup.done": tr("This installation is set up already; sign in"),
        "database.denied": tr("Your role does not allow this"),
        "database.unreachable": tr("The database does not answer"),
        "broker.unreachable": tr("The login service cannot be reached"),
        "console.failed": tr("SENT did not expect this: {text}", text=error.message),
        "broker.timeout": tr("The login service does not answer"),
    }
    return known.get(error.code, error.message[:1].upper() + error.message[1:])


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
