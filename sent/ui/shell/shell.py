"""What pages know of the rest of the console: navigation, actions, toasts, tasks, the bridge.

Every window has a `Shell` of its own (its actions, toasts and status bar); what all windows share, the
session, the bridge, the tasks, the time range, stands in one `Common`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, SignalInstance

from sent.platform.i18n import tr
from sent.platform.links import Link
from sent.platform.links import format as format_link
from sent.ui.kit.drafts import Drafts
from sent.ui.prefs import Prefs
from sent.ui.shell.ranges import Ranges
from sent.ui.shell.tasks import TaskCentre

if TYPE_CHECKING:
    from sent.platform.errors import SentError
    from sent.ui.bridge import Bridge
    from sent.ui.restarting import Restart
    from sent.ui.shell.actions import ActionRegistry
    from sent.ui.shell.desktop import Desktop
    from sent.ui.shell.overlay import Overlay
    from sent.ui.shell.palette import Entry
    from sent.ui.shell.statusbar import StatusBar
    from sent.ui.shell.toasts import Toast, Toasts
    from sent.ui.shell.tray import Tray
    from sent.ui.shell.windows import Windows
    from sent.ui.updates import Updates

RECENT = 40


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, for display and for hiding what he may not do."""

    id: str
    name: str
    email: str
    organisation: str
    role: str
    permissions: frozenset[str]


class Common(QObject):
    """What all windows of the console share."""

    person_changed = Signal()
    sign_out_wanted = Signal()
    slug_known = Signal()
    """The organisation's short name is known: links can be written and followed."""

    def __init__(self, prefs: Prefs) -> None:
        super().__init__()
        self.prefs = prefs
        self.bridge: Bridge | None = None
        self.person: Person | None = None
        self.slug = ""
        """The organisation's short name, once it is known."""
        self.online = False
        self.fresh_at: datetime | None = None
        self.tasks = TaskCentre()
        self.ranges = Ranges(prefs)
        self.drafts = Drafts()
        self.windows: Windows | None = None
        self.desktop: Desktop | None = None
        self.tray: Tray | None = None
        self.updates: Updates | None = None
        """Updates of this installation; there once the console is at work."""
        self.restart: Restart | None = None

    def recent(self) -> list[str]:
        """Return what the person did and opened last, latest first (ids of actions, links of records)."""
        return self.prefs.own("recent").split() if self.person is not None else []

    def note_recent(self, id: str) -> None:
        """Remember that something was done or opened just now."""
        if self.person is not None and " " not in id:
            kept = [id, *[known for known in self.recent() if known != id]][:RECENT]
            self.prefs.set_own("recent", " ".join(kept))


class Shell(QObject):
    """The pages' only way out."""

    open_wanted = Signal(str, str)
    """Page id and record (may be empty)."""
    apart_wanted = Signal(str, str)
    """Page id and record, for a window of their own."""
    conflict_wanted = Signal(str, list, object)
    """What, its sides, and who hears the choice (see `ConflictLayer`)."""
    choices_wanted = Signal(str, object)
    """Title and entries of a palette step."""
    question_wanted = Signal(str, str, object, int)
    """Title and caption of a question for a line of text, who hears the answer, and its most signs."""

    def __init__(self, prefs: Prefs, common: Common | None = None) -> None:
        super().__init__()
        self.prefs = prefs
        self.common = common or Common(prefs)
        self.layers: list[Overlay] = []
        """Layers that pages have put over the window: Esc closes them like its own."""
        self.closed = False
        """The window is closed: what still arrives for it is told in the main window, or to nobody."""
        self.actions: ActionRegistry
        self.toasts: Toasts
        self.status: StatusBar

    @property
    def person_changed(self) -> SignalInstance:
        """Told when somebody signs in or out."""
        return self.common.person_changed

    @property
    def sign_out_wanted(self) -> SignalInstance:
        """Emit it to sign out."""
        return self.common.sign_out_wanted

    @property
    def tasks(self) -> TaskCentre:
        """The tasks of all windows."""
        return self.common.tasks

    @property
    def ranges(self) -> Ranges:
        """The time range of all windows."""
        return self.common.ranges

    @property
    def desktop(self) -> Desktop:
        """Native notifications; there once the console is at work."""
        if self.common.desktop is None:
            raise RuntimeError("the console was not started")
        return self.common.desktop

    @property
    def drafts(self) -> Drafts:
        """Texts that were typed and not sent."""
        return self.common.drafts

    @property
    def bridge(self) -> Bridge | None:
        """The bridge, once it is there."""
        return self.common.bridge

    @bridge.setter
    def bridge(self, bridge: Bridge | None) -> None:
        self.common.bridge = bridge

    @property
    def person(self) -> Person | None:
        """Who is signed in."""
        return self.common.person

    @person.setter
    def person(self, person: Person | None) -> None:
        self.common.person = person

    @property
    def online(self) -> bool:
        """Whether the database answers."""
        return self.common.online

    @online.setter
    def online(self, online: bool) -> None:
        self.common.online = online

    @property
    def fresh_at(self) -> datetime | None:
        """When something was read last."""
        return self.common.fresh_at

    @fresh_at.setter
    def fresh_at(self, at: datetime | None) -> None:
        self.common.fresh_at = at

    def link(self, page: str, record: str = "", **query: str) -> str:
        """Return the link to a place; without the organisation's name (not known yet) the inside form."""
        return format_link(Link(self.common.slug or None, page, record or None, query))

    def open(self, page: str, record: str = "") -> None:
        """Bring a page to the front, and a record of it."""
        self.open_wanted.emit(page, record)

    def open_apart(self, page: str, record: str = "") -> None:
        """Open a page, or a record of it, in a window of its own."""
        self.apart_wanted.emit(page, record)

    def choose(self, title: str, entries: list[Entry]) -> None:
        """Let the user choose one of the entries in the palette."""
        self.choices_wanted.emit(title, entries)

    def ask(self, title: str, caption: str, done: Callable[[str], object], *, most: int = 500) -> None:
        """Ask for one line of text; `done` hears it, not when the user leaves."""
        self.question_wanted.emit(title, caption, done, most)

    def can(self, permission: str) -> bool:
        """Say whether the session has a permission (for showing; the database decides)."""
        return self.person is not None and permission in self.person.permissions

    def toast(
        self, text: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = ""
    ) -> Toast:
        """Say what happened."""
        if self.closed and self.common.windows is not None:
            return self.common.windows.main.shell.toast(text, tone=tone, undo=undo, action=action)
        return self.toasts.show_toast(text, tone=tone, undo=undo, action=action)

    def report(self, error: SentError) -> None:
        """Say what went wrong; losing the database is told by the status bar and the banner already."""
        if error.code in ("database.unreachable", "database.timeout") and not self.online:
            return
        self.toast(error_text(error), tone="bad")

    def mark_fresh(self) -> None:
        """Note that what is on screen was read just now."""
        self.fresh_at = datetime.now(UTC)
        if not self.closed:
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
