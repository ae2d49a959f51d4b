"""A window: rail, top bar, pages, status bar; layers for palette, sheet, toasts, in the first one the gate.

It paints whole before anything is known: the rail from the manifests, the first page as a skeleton. Pages are
made at their first visit from the strings in the manifests. Further windows (`common` is given) are the same
without the rail; what they share is in `Common`.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from sent.platform import registry
from sent.platform.i18n import tr
from sent.platform.manifest import Page as PageSpec
from sent.platform.manifest import resolve
from sent.ui.collector import settle
from sent.ui.kit.page import Page
from sent.ui.kit.text import clock
from sent.ui.kit.widgets import column, row
from sent.ui.prefs import Prefs
from sent.ui.shell.actions import ActionRegistry
from sent.ui.shell.badges import Badges
from sent.ui.shell.bars import CriticalBar, QuestionBar, lost_banner
from sent.ui.shell.commands import FOOT, commands
from sent.ui.shell.frame import Frame
from sent.ui.shell.geometry import monitor_set, placed, screens
from sent.ui.shell.history import History
from sent.ui.shell.palette import Palette
from sent.ui.shell.rail import Rail
from sent.ui.shell.ranges import range_button
from sent.ui.shell.search import Searcher
from sent.ui.shell.sheet import ShortcutSheet
from sent.ui.shell.shell import Common, Shell
from sent.ui.shell.statusbar import StatusBar
from sent.ui.shell.tasks import TaskPanel
from sent.ui.shell.toasts import Toasts
from sent.ui.shell.topbar import TopBar
from sent.ui.shell.views import SavedViews
from sent.ui.shell.windows import Windows
from sent.ui.theme.dressing import dress

if TYPE_CHECKING:
    from sent.ui.shell.report import ReportLayer

MENU = (
    "theme.toggle",
    "density.cycle",
    None,
    "page.settings",
    "shortcuts.show",
    "window.new",
    "page.about",
    None,
    "session.logout",
)
NARROW_BELOW = 1080


class MainWindow(Frame):
    """A window of the console; `painted` once after the first full paint."""

    painted = Signal()
    retry_wanted = Signal()

    def __init__(self, prefs: Prefs, common: Common | None = None) -> None:
        super().__init__()
        self.setWindowTitle("SENT")
        self.setAcceptDrops(True)
        self.apart = common is not None
        self.setMinimumSize(*((520, 400) if self.apart else (760, 520)))
        self.shell = Shell(prefs, common)
        self.pages: dict[str, Page] = {}
        self.current = ""
        self.connection = "starting"
        self.history = History()
        self._report: ReportLayer | None = None
        self._painted = self._closing = False
        self._stale_since: datetime | None = None
        self.specs = {page.id: (manifest.area, page) for manifest, page in registry.pages()}
        self._build(prefs)
        self._connect()
        self.shell.actions.add("shell", commands(self))
        self._show_rail()
        if self.shell.common.windows is None:
            self.shell.common.windows = Windows(self)
        self.windows = self.shell.common.windows
        if self.apart:
            self.rail.hide()
            self._adopt_person()
            return
        self._restore(prefs)
        first = next(iter(self.specs), "settings")
        self.show_page(prefs.text("page", first) if prefs.text("page", first) in self.specs else first)

    def _build(self, prefs: Prefs) -> None:
        shell = self.shell
        self.rail, self.top, self.status = Rail(), TopBar(), StatusBar()
        self.stack = QStackedWidget()
        self.banner, self._banner_text = lost_banner(self.retry_wanted.emit)
        self.question = QuestionBar()
        self.critical = CriticalBar(lambda: prefs.own("notify/sound", "yes") == "yes")
        centre = QWidget()
        centre.setObjectName("canvas")
        right = column(self.top, self.critical, self.banner, self.question, self.stack, gap=0)
        right.setStretch(4, 1)
        self._stack_box = right
        middle = row(self.rail, right, gap=0)
        middle.setStretch(1, 1)
        whole = column(middle, self.status, gap=0)
        whole.setStretch(0, 1)
        centre.setLayout(whole)
        self.setCentralWidget(centre)
        dress(self.rail, self.top, self.critical, self.banner, self.question, self.status)
        shell.status = self.status
        shell.actions = ActionRegistry(self, shell.common)
        shell.toasts = Toasts(self)
        self.searcher = Searcher(self)
        self.palette_ = Palette(self, self._entries, lambda: shell.actions.recent, self.searcher)
        self.sheet = ShortcutSheet(self, shell.actions)
        self.views: dict[str, list[SavedViews]] = {}
        self.top.show_range(range_button(shell.ranges, self.open_range))
        self.task_panel = TaskPanel(shell.tasks, self)
        self.badges = Badges(shell, self.rail, self.pages, self)

    def _connect(self) -> None:
        shell = self.shell
        self.rail.chosen.connect(self.show_page)
        self.top.search_wanted.connect(lambda: shell.actions.trigger("palette.open"))
        self.status.tasks_wanted.connect(self.task_panel.toggle)
        shell.open_wanted.connect(self.show_page)
        shell.apart_wanted.connect(self._open_apart)
        self.rail.apart.connect(self._open_apart)
        shell.choices_wanted.connect(self.palette_.open_palette)
        shell.question_wanted.connect(self.ask)
        shell.conflict_wanted.connect(self.show_conflict)
        shell.tasks.changed.connect(self._tasks_changed)
        shell.ranges.changed.connect(self._range_changed)
        self.critical.acknowledged.connect(self._acknowledged)
        shell.person_changed.connect(self._person_changed)
        shell.actions.changed.connect(self._fill_menu)
        self._prewarm = QTimer(self, singleShot=True, interval=400)
        self._prewarm.timeout.connect(self._warm_next)

    def _show_rail(self) -> None:
        person = self.shell.person
        seen = [
            (area, page)
            for area, page in self.specs.values()
            if person is None or page.permission is None or page.permission in person.permissions
        ]
        self.rail.show_pages(seen, FOOT)
        self.rail.set_current(self.current)
        self.rail.set_narrow(self.width() < NARROW_BELOW)

    def itself(self) -> MainWindow:
        return self

    def _spec(self, id: str) -> PageSpec | None:
        return next((page for page in FOOT if page.id == id), None) or self.specs.get(id, ("", None))[1]

    def may_show(self, id: str) -> bool:
        """Say whether there is such a page and the session may see it."""
        spec = self._spec(id)
        return spec is not None and (
            self.shell.person is None or not spec.permission or self.shell.can(spec.permission)
        )

    def current_record(self) -> str:
        """Return the record that the front page shows, or an empty text."""
        page = self.pages.get(self.current)
        return page.current_record() if page is not None else ""

    def show_page(self, id: str, record: str = "") -> None:
        """Bring a page to the front, making it at its first visit."""
        spec = self._spec(id)
        if spec is None or not self.may_show(id):
            return
        self.history.leave(self.current, self.current_record())
        page = self._made(spec)
        if id != self.current:
            before = self.pages.get(self.current)
            if before is not None and self.shell.person is not None:
                before.deactivate()
            self.current = id
            dress(page)
            self.stack.setCurrentWidget(page)
            self.rail.set_current(id)
            if not self.apart:
                self.shell.prefs.set_text("page", id if id in self.specs else "overview")
            self._show_place(spec)
            self.shell.actions.bring_front(id)
            if self.shell.person is not None:
                page.activate()
                page.set_stale(self._stale_since)
        if record.startswith("view:"):
            self._open_view(id, record.removeprefix("view:"))
            record = ""
        elif record:
            page.open_record(record)
        self.history.visit(id, record)

    def _made(self, spec: PageSpec) -> Page:
        page = self.pages.get(spec.id)
        if page is None:
            page = cast(Page, resolve(spec.target)(self.shell))
            page.id = spec.id
            dress(page)
            self.pages[spec.id] = page
            self.stack.addWidget(page)
            self.shell.actions.add(spec.id, page.actions_())
            page.adopt()
            self.views[spec.id] = [SavedViews(self, page, view) for view in page.lists()]
            if self.shell.person is not None:
                self._start_views(spec.id)
        return page

    def _show_place(self, spec: PageSpec) -> None:
        person = self.shell.person
        self.top.show_place(tr(spec.title), person.organisation if person else "")
        page = self.pages.get(spec.id)
        self.top.range.setVisible(page is not None and page.follows_range)
        self.setWindowTitle(f"{tr(spec.title)} · {person.organisation} · SENT" if person else "SENT")

    def _adopt_person(self) -> None:
        """Take over who is signed in (a further window, opened in the middle of a session)."""
        person = self.shell.person
        self.shell.actions.set_permissions(person.permissions if person else None)

    def _person_changed(self) -> None:
        person = self.shell.person
        self.shell.actions.rebind()
        self._adopt_person()
        if self.apart:
            page = self.pages.get(self.current)
            if person is not None and page is not None:
                page.activate()
            return
        self._show_rail()
        page = self.pages.get(self.current)
        spec = self._spec(self.current)
        if person is None:
            self.history.clear()
            self.badges.stop()
            self.windows.person_changed()
            return
        self.badges.start()
        for id in self.pages:
            self._start_views(id)
        if spec is not None and spec.permission and spec.permission not in person.permissions:
            self.current = ""
            allowed = [
                id
                for id, (_, p) in self.specs.items()
                if not p.permission or p.permission in person.permissions
            ]
            self.show_page(allowed[0] if allowed else "settings")
        elif page is not None and spec is not None:
            self._show_place(spec)
            page.activate()
        self.windows.person_changed()
        self._prewarm.start()

    def forget_pages(self) -> None:
        """Destroy all pages (another person signs in); late answers for them are dropped."""
        current = self.current
        for id, page in self.pages.items():
            self.shell.actions.add(id, [])
            self.stack.removeWidget(page)
            page.deleteLater()
        self.pages.clear()
        self.views.clear()
        self.badges.pages_changed()
        self.current = ""
        self.show_page(current)

    def _warm_next(self) -> None:
        """Make one more page while nothing happens, so that its first visit is quick; then settle."""
        for id, (_, spec) in self.specs.items():
            if id not in self.pages and (not spec.permission or self.shell.can(spec.permission)):
                self._made(spec)
                self.badges.look()
                self._prewarm.start(150)
                return
        settle()

    def _fill_menu(self) -> None:
        person = self.shell.person
        detail = f"{person.organisation} · {person.role}" if person else ""
        self.top.fill_menu(person.name if person else "", detail, self.shell.actions, MENU if person else ())

    def back(self) -> bool:
        """Close what is on top: a layer, the task list, the page's detail, a text field's focus."""
        for layer in (self.palette_, self.sheet, *self.made_layers()):
            if not layer.isHidden():
                layer.close_layer()
                return True
        if not self.task_panel.isHidden():
            self.task_panel.hide()
            return True
        page = self.pages.get(self.current)
        view = page.list_view() if page is not None else None
        if view is not None and view.table.hasFocus() and view.table.model_.marked:
            view.table.clear_marks()
            return True
        if page is not None and page.back():
            return True
        focus = self.focusWidget()
        if isinstance(focus, QLineEdit) and page is not None:
            page.setFocus()
            return True
        return False

    def _tasks_changed(self) -> None:
        running = self.shell.tasks.running()
        latest = running[-1] if running else None
        share = f" {latest.share:.0%}" if latest and latest.share is not None else ""
        self.status.show_tasks(len(running), f"{latest.title}{share}" if latest else "")

    def show_connection(self, state: str, latency_ms: float) -> None:
        """Show the connection; losing it dims the pages, regaining it loads them again."""
        self.connection, self.shell.online = state, state == "online"
        self.status.show_database(state, latency_ms)
        if state == "offline" and self._stale_since is None and self.shell.person is not None:
            self._stale_since = self.shell.fresh_at
            since = clock(self._stale_since) if self._stale_since else tr("the start")
            self._banner_text.setText(
                tr("The database does not answer. You see the state as of {time}.", time=since)
            )
            self.banner.show()
            self.status.show_fresh(self._stale_since, stale=True)
            self.status.forget_workers()
            self.badges.forget()
            for page in self.pages.values():
                page.set_stale(self._stale_since)
        elif state == "online" and not self.banner.isHidden():
            self._stale_since = None
            self.banner.hide()
            for page in self.pages.values():
                page.set_stale(None)
            self.refresh()
            self.badges.look()
            self.shell.toast(tr("The database is back"))

    def deliver_hints(self, hints: list[tuple[str, dict[str, str]]]) -> None:
        """Pass bus hints on to the pages that asked for their topics."""
        self.badges.hear({topic for topic, _ in hints})
        for topic, payload in hints:
            for page in self.pages.values():
                if any(topic.startswith(prefix) for prefix in page.topics):
                    page.event_hint(topic, payload)

    def _restore(self, prefs: Prefs) -> None:
        geometry = prefs.blob(f"geometry/{monitor_set()}") or prefs.blob("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(1360, 860)
        self.setGeometry(placed(self.geometry(), screens()))

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.apart:
            page = self.pages.get(self.current)
            if page is not None:
                page.deactivate()
            self.shell.closed = True
            self.windows.gone(self)
            self.deleteLater()
        elif not self._may_close():
            event.ignore()
            return
        else:
            for key in self.windows.geometry_keys():
                self.shell.prefs.set_place(key, self.saveGeometry())
            self.windows.shut()
        self.shell.prefs.sync()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.rail.set_narrow(self.width() < NARROW_BELOW)
        self.top.door.set_narrow(self.width() <= 1000)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            self.painted_at = time.time()
            QTimer.singleShot(0, self.painted.emit)
