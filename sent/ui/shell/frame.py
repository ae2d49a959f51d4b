"""What can be done in every window: travel, choose, copy, drop files, report. `window` puts its parts in.

The methods here only use those parts, so that `window` is left with making and showing them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QBoxLayout, QMainWindow, QStackedWidget

from sent.platform.i18n import tr
from sent.platform.manifest import Area
from sent.platform.manifest import Page as PageSpec
from sent.ui.kit.form import Form
from sent.ui.kit.page import Page
from sent.ui.shell.palette import Entry
from sent.ui.shell.rail import area_title
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.ui.shell.bars import QuestionBar
    from sent.ui.shell.conflict import ConflictLayer, Side
    from sent.ui.shell.history import History
    from sent.ui.shell.overlay import Overlay
    from sent.ui.shell.palette import Palette
    from sent.ui.shell.prompt import Prompt
    from sent.ui.shell.rail import Rail
    from sent.ui.shell.rangepicker import RangePicker
    from sent.ui.shell.report import ReportLayer
    from sent.ui.shell.search import Searcher, SearchLayer
    from sent.ui.shell.shell import Shell
    from sent.ui.shell.views import SavedViews
    from sent.ui.shell.window import MainWindow
    from sent.ui.shell.windows import Windows


class Frame(QMainWindow):
    """A window without its parts; see `MainWindow`."""

    shell: Shell
    pages: dict[str, Page]
    specs: dict[str, tuple[Area, PageSpec]]
    views: dict[str, list[SavedViews]]
    current: str
    history: History
    windows: Windows
    palette_: Palette
    searcher: Searcher
    question: QuestionBar
    rail: Rail
    stack: QStackedWidget
    _stack_box: QBoxLayout
    _report: ReportLayer | None
    _closing: bool

    @cached_property
    def search(self) -> SearchLayer:
        """The search over all engines; made when it is wanted, like the other layers here."""
        from sent.ui.shell.search import Searcher, SearchLayer

        return SearchLayer(self.itself(), Searcher(self.itself()))

    @cached_property
    def range_picker(self) -> RangePicker:
        """The choice of the time range."""
        from sent.ui.shell.rangepicker import RangePicker

        return RangePicker(self, self.shell.ranges)

    @cached_property
    def prompt(self) -> Prompt:
        """A question for one line of text."""
        from sent.ui.shell.prompt import Prompt

        return Prompt(self)

    @cached_property
    def update_bar(self) -> QuestionBar:
        """What there is to say of updates: a version to restart with, one that did not start."""
        from sent.ui.shell.bars import QuestionBar
        from sent.ui.theme.dressing import dress

        made = QuestionBar()
        place = self._stack_box
        place.insertWidget(place.indexOf(self.stack), made)
        dress(made)
        return made

    @cached_property
    def conflict(self) -> ConflictLayer:
        """Both values, where somebody else was faster."""
        from sent.ui.shell.conflict import ConflictLayer

        return ConflictLayer(self)

    def made_layers(self) -> list[Overlay]:
        """Return those of the layers that were made so far."""
        names = ("search", "range_picker", "prompt", "conflict", "_report")
        found = [self.__dict__.get(name) for name in names]
        return [layer for layer in found if layer is not None] + self.shell.layers

    def ask(self, title: str, caption: str, done: Callable[[str], object], most: int) -> None:
        """Ask for one line of text."""
        self.prompt.ask(title, caption, done, most=most)

    def show_conflict(self, what: str, sides: list[Side], take: Callable[[list[bool]], object]) -> None:
        """Show both values (see `ConflictLayer`)."""
        self.conflict.open_sides(what, sides, take)

    def open_range(self) -> None:
        """Let the user choose the time range."""
        self.range_picker.open_picker()

    def open_search(self) -> None:
        """Open the search over all engines."""
        self.search.open_palette()

    def itself(self) -> MainWindow:
        """Return this as the whole window that it is."""
        raise NotImplementedError

    def show_page(self, id: str, record: str = "") -> None:
        """Bring a page to the front, and a record of it."""
        raise NotImplementedError

    def may_show(self, id: str) -> bool:
        """Say whether there is such a page and the session may see it."""
        raise NotImplementedError

    def current_record(self) -> str:
        """Return the record that the front page shows, or an empty text."""
        raise NotImplementedError

    def go_back(self) -> None:
        """Go to the place seen before."""
        self._go(self.history.back(self.current, self.current_record()))

    def go_forward(self) -> None:
        """Go to the place that `go_back` left."""
        self._go(self.history.forward(self.current, self.current_record()))

    def _go(self, place: tuple[str, str] | None) -> None:
        if place is not None:
            with self.history.still():
                self.show_page(*place)

    def _open_apart(self, page: str, record: str) -> None:
        if self.windows.open_apart(page, record) is None and self.may_show(page):
            self.shell.toast(tr("There are as many windows as there may be"), tone="warn")

    def open_here_apart(self) -> None:
        """Open what the window shows in a new window."""
        self._open_apart(self.current, self.current_record())

    def bring_back(self) -> None:
        """Show what this window shows in the main window, and close this one."""
        self.windows.bring_back(self.itself())

    def choose_window(self) -> None:
        """Let the user choose another window in the palette."""
        entries = [
            Entry(
                str(number), window.windowTitle(), icon="app-window", run=partial(self.windows.reach, window)
            )
            for number, window in enumerate(self.windows.all)
        ]
        self.palette_.open_palette(tr("Windows"), entries)

    def _open_view(self, page: str, view: str) -> None:
        with suppress(ValueError):
            for views in self.views.get(page, [])[:1]:
                views.open_id(UUID(view))

    def _start_views(self, page: str) -> None:
        for views in self.views.get(page, []):
            views.start()

    def follows_range(self) -> bool:
        """Say whether the front page looks at the time range."""
        page = self.pages.get(self.current)
        return page is not None and page.follows_range

    def _range_changed(self) -> None:
        page = self.pages.get(self.current)
        if page is not None and page.follows_range:
            page.range_changed()

    def _acknowledged(self, key: str) -> None:
        if self.shell.common.desktop is not None:
            self.shell.common.desktop.acknowledge(key)

    def choose_copy(self) -> None:
        """Let the user choose in which form the chosen rows are copied."""
        from sent.ui.kit.copying import forms

        page = self.pages.get(self.current)
        if page is not None and page.list_view() is not None:
            entries = [
                Entry(form, title, icon="copy", run=partial(page.copy_rows, form)) for form, title in forms()
            ]
            self.palette_.open_palette(tr("Copy as"), entries)

    def has_list(self) -> bool:
        """Say whether the front page has a list with something chosen."""
        page = self.pages.get(self.current)
        view = page.list_view() if page is not None else None
        return view is not None and bool(view.table.chosen())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        page = self.pages.get(self.current)
        if page is not None and page.takes_files(_local(event.mimeData())):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        page, paths = self.pages.get(self.current), _local(event.mimeData())
        if page is not None and page.takes_files(paths):
            event.acceptProposedAction()
            page.drop_files(paths)

    def copy_time(self) -> None:
        """Copy the time of the row in front, as ISO 8601 in UTC."""
        page = self.pages.get(self.current)
        view = page.list_view() if page is not None else None
        row = view.table.current_row() if view is not None else None
        at = getattr(row, "at", None)
        if isinstance(at, datetime):
            QGuiApplication.clipboard().setText(at.astimezone(UTC).isoformat())
            self.shell.toast(tr("Time copied"), tone="info")

    def copy_link(self) -> None:
        """Put the link to what the window shows on the clipboard."""
        QGuiApplication.clipboard().setText(self.shell.link(self.current, self.current_record()))
        self.shell.toast(tr("Link copied"), tone="info")

    def report_problem(self) -> None:
        """Open the layer that packs a report."""
        from sent.ui.shell.report import ReportLayer

        if self._report is None:
            self._report = ReportLayer(self.itself())
        self._report.open_report()

    def unsaved(self) -> bool:
        """Say whether something was typed that nobody sent and no draft keeps."""
        forms = self.findChildren(Form)
        return any(form.guarded and form.isVisible() and form.dirty() for form in forms)

    def toggle_theme(self) -> None:
        """Switch between dark and light; high contrast stays."""
        self.set_theme(theme.opposite())

    def set_theme(self, choice: str) -> None:
        """Switch the theme and remember it."""
        theme.apply(choice)
        self.shell.prefs.set_text("theme", choice)

    def choose_theme(self) -> None:
        """Let the user choose a theme in the palette."""
        icons = {"system": "monitor", "dark": "moon", "light": "sun"}
        entries = [
            Entry(id, title, icon=icons.get(id, "contrast"), run=partial(self.set_theme, id))
            for id, title in theme_titles()
        ]
        self.palette_.open_palette(tr("Theme"), entries)

    def cycle_density(self) -> None:
        """Go to the next row density."""
        order = ["compact", "regular", "comfortable"]
        following = order[(order.index(theme.state().density) + 1) % 3]
        theme.set_density(following)
        self.shell.prefs.set_text("density", following)

    def change_scale(self, steps: int = 0) -> None:
        """Make all text larger or smaller by tenths; 0 makes it normal again."""
        theme.set_scale(theme.state().scale + steps * theme.STEP if steps else 1.0)
        self.shell.prefs.set_text("scale", f"{theme.state().scale:g}")

    def _entries(self) -> Sequence[Entry]:
        """Return what the palette offers: the page's own actions, the pages, then the rest."""
        actions = self.shell.actions
        found = [action for action in actions.available() if action.id != "palette.open"]
        shell = {action.id for scope, action in actions.listed() if scope == "shell"}
        found.sort(key=lambda a: (a.id in shell) + (a.id in shell and not a.id.startswith("page.")))
        made = []
        for action in found:
            area = self.specs[action.id[5:]][0] if action.id[5:] in self.specs else None
            words = area_title(area) if area else ""
            made.append(
                Entry(
                    action.id,
                    action.title,
                    action.group,
                    action.icon,
                    action.shortcut,
                    partial(actions.trigger, action.id),
                    words=words,
                )
            )
        return made + self.searcher.recent()

    def open_palette(self) -> None:
        """Open the palette with everything that can be done."""
        self.palette_.open_palette()

    def refresh(self) -> None:
        """Load the front page again."""
        if (page := self.pages.get(self.current)) is not None:
            page.refresh()

    def focus_rail(self) -> None:
        """Move the focus to the page list."""
        item = self.rail.items.get(self.current)
        if item is not None:
            item.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _may_close(self) -> bool:
        if not self._closing and self.unsaved():
            self.question.ask(
                tr("There is unsaved text in this window."),
                (tr("Stay"), self.activateWindow),
                (tr("Close anyway"), self.close_for_good),
            )
            return False
        tray = self.shell.common.tray
        return self._closing or tray is None or tray.may_close()

    def close_for_good(self) -> None:
        """Close, whatever the person chose for the close button."""
        self._closing = True
        self.show()
        self.close()


def theme_titles() -> list[tuple[str, str]]:
    """Return the themes one can choose, as (id, title)."""
    return [
        ("system", tr("As the system")),
        ("dark", tr("Dark")),
        ("light", tr("Light")),
        ("contrast-dark", tr("High contrast, dark")),
        ("contrast-light", tr("High contrast, light")),
    ]


def _local(data: QMimeData) -> list[Path]:
    """Return the files that are dragged: local ones only."""
    return [Path(url.toLocalFile()) for url in data.urls()[:100] if url.isLocalFile()]
