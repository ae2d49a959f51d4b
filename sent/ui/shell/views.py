"""Saved views of a list: the drop-down at its filter bar.

A view is the filter, the columns, the order, the density, and the span when one was chosen. Private ones are
the person's, shared ones everybody's; deleting, renaming and sharing can be undone; a view has a link, and
one may be the person's default for the list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from sent.platform.errors import Conflict, Invalid
from sent.platform.i18n import tr
from sent.ui.kit.timerange import parse
from sent.ui.kit.widgets import tool
from sent.ui.shell.conflict import Side
from sent.ui.shell.palette import Entry
from sent.ui.theme import theme
from sent.ui.theme.icons import icon

if TYPE_CHECKING:
    from sent.platform.errors import SentError
    from sent.platform.views.model import Definition, View
    from sent.ui.kit.page import ListView, Page
    from sent.ui.shell.window import MainWindow

SHARE = "views:share"

T = TypeVar("T")


class SavedViews(QObject):
    """The views of one list of one page."""

    def __init__(self, window: MainWindow, page: Page, view: ListView) -> None:
        super().__init__(page)
        self._window, self._page, self._list = window, page, view
        self._shell = window.shell
        self.views: list[View] = []
        self.current: View | None = None
        self._before = ""
        if view.filter is not None:
            self.button = tool("bookmark", tr("Saved views"), self.open_menu, size=15)
            self.button.setPopupMode(self.button.ToolButtonPopupMode.DelayedPopup)
            view.filter.put_tool(self.button)

    def load(self, then: Callable[[], object] = lambda: None) -> None:
        """Read the views, then go on."""

        def show(found: list[View]) -> None:
            self.views = found
            then()

        self._ask(lambda store, ctx: store.views(ctx, self._list.key), show)

    def start(self) -> None:
        """Show the person's default view, unless something else was asked for meanwhile."""
        chosen = self._shell.prefs.own(f"view/{self._list.key}")
        if chosen and self._list.filter is not None:
            self._before = self._list.filter.text()
            self.load(partial(self._start, chosen))

    def _start(self, chosen: str) -> None:
        found = next((view for view in self.views if str(view.id) == chosen), None)
        if found is not None and self._list.filter is not None and self._list.filter.text() == self._before:
            self.show(found)

    def open_id(self, view_id: UUID) -> None:
        """Show a view by its id (a link)."""
        self._ask(lambda store, ctx: store.view(ctx, view_id), self.show)

    def show(self, view: View) -> None:
        """Make the list look as the view says."""
        what = view.definition
        self.current = view
        if self._list.filter is not None:
            self._list.filter.set_text(what.query)
        if what.columns:
            self._list.table.layout_.apply(what.columns)
        if what.sort:
            self._list.table.sort_by(what.sort)
        if what.density and what.density != theme.state().density:
            theme.set_density(what.density)
        if what.range:
            try:
                self._shell.ranges.choose(parse(what.range))
            except Invalid:
                self._shell.toast(tr("The view's time range cannot be read"), tone="warn")

    def definition(self) -> Definition:
        """Return how the list looks now."""
        from sent.platform.views.model import Definition

        chosen, bar = self._shell.ranges.value, self._list.filter
        return Definition(
            query=bar.text() if bar is not None else "",
            columns=self._list.table.layout_.text(),
            sort=self._list.table.sort_text(),
            density=theme.state().density,
            range="" if chosen.relative else str(chosen),
        )

    def open_menu(self) -> None:
        """Read the views and open the drop-down."""
        self.load(self._open)

    def _open(self) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.button.mapToGlobal(self.button.rect().bottomLeft()))

    def menu(self) -> QMenu:
        """Return the drop-down: the views, then what can be done."""
        menu = QMenu(self.button)
        for known in self.views:
            made = menu.addAction(icon("users" if known.shared else "bookmark"), known.name)
            made.setCheckable(True)
            made.setChecked(self.current is not None and known.id == self.current.id)
            made.triggered.connect(partial(self._shown, known))
        menu.addSeparator()
        menu.addAction(icon("plus"), tr("Save as a new view"), self.save)
        view = self._present()
        if view is None:
            return menu
        may = view.mine or (view.shared and self._shell.can(SHARE))
        menu.addAction(tr("Save changes to {name}", name=view.name), self.update).setEnabled(may)
        menu.addAction(tr("Rename"), self.rename).setEnabled(may)
        share = tr("Make private") if view.shared else tr("Share with everybody")
        menu.addAction(share, self.share).setEnabled(view.mine and self._shell.can(SHARE))
        menu.addAction(tr("Put in order"), self.order)
        default = self._shell.prefs.own(f"view/{self._list.key}") == str(view.id)
        menu.addAction(tr("Not my default any more") if default else tr("Make my default"), self.make_default)
        menu.addAction(icon("link"), tr("Copy link to the view"), self.copy_link)
        menu.addAction(tr("Delete"), self.remove).setEnabled(may)
        return menu

    def _present(self) -> View | None:
        """Return the view shown last, as it was read last."""
        if self.current is None:
            return None
        return next((view for view in self.views if view.id == self.current.id), None)

    def _shown(self, view: View, _checked: bool = False) -> None:
        self.show(view)

    def save(self) -> None:
        """Ask for a name and keep how the list looks."""
        what = self.definition()
        self._window.prompt.ask(
            tr("Save as a new view"),
            tr("Name"),
            lambda name: self._add(name, what),
        )

    def _add(self, name: str, what: Definition) -> None:
        def kept(made: View) -> None:
            self._kept(made, tr("View {name} saved", name=made.name), partial(self._drop, made))

        self._ask(lambda store, ctx: store.add(ctx, self._list.key, name, what), kept)

    def update(self) -> None:
        """Keep how the list looks now in the view that is shown."""
        if (view := self._present()) is not None:
            self._change(view, replace(view, definition=self.definition()), tr("View saved"))

    def rename(self) -> None:
        """Ask for another name."""
        if (view := self._present()) is not None:
            self._window.prompt.ask(
                tr("Rename the view"),
                tr("Name"),
                lambda name: self._change(view, replace(view, name=name), tr("View renamed")),
                text=view.name,
            )

    def share(self) -> None:
        """Share a private view, or take a shared one back."""
        if (view := self._present()) is not None:
            text = tr("View is private again") if view.shared else tr("View shared with everybody")
            self._change(view, replace(view, shared=not view.shared), text)

    def make_default(self) -> None:
        """Make the view the person's default for this list, or not any more."""
        if (view := self._present()) is not None:
            key, before = f"view/{self._list.key}", self._shell.prefs.own(f"view/{self._list.key}")
            self._shell.prefs.set_own(key, "" if before == str(view.id) else str(view.id))
            self._shell.toast(
                tr("Default view changed"), undo=partial(self._shell.prefs.set_own, key, before)
            )

    def copy_link(self) -> None:
        """Put the link to the view on the clipboard."""
        if (view := self._present()) is not None:
            QGuiApplication.clipboard().setText(self._shell.link(self._page.id, view=str(view.id)))
            self._shell.toast(tr("Link copied"), tone="info")

    def order(self) -> None:
        """Let the user put one of his views first."""
        mine = [view for view in self.views if view.mine]
        entries = [
            Entry(str(v.id), tr("{name} first", name=v.name), icon="arrow-up", run=partial(self._first, v))
            for v in mine[1:]
        ]
        self._shell.choose(tr("Put in order"), entries)

    def _first(self, view: View) -> None:
        before = [each.id for each in self.views if each.mine]
        after = [view.id, *[id for id in before if id != view.id]]

        def put(ids: list[UUID], undo: Callable[[], object] | None) -> None:
            self._ask(
                lambda store, ctx: store.reorder(ctx, ids),
                lambda _: self._shell.toast(tr("Views put in order"), undo=undo),
            )

        put(after, lambda: put(before, None))

    def remove(self) -> None:
        """Delete the view that is shown."""
        if (view := self._present()) is not None:
            self._drop(view)

    def _drop(self, view: View) -> None:
        def done(_: None) -> None:
            self.current = None
            back = partial(
                self._ask,
                lambda store, ctx: store.put_back(ctx, view),
                lambda again: self._kept(again, tr("View {name} is back", name=again.name), None),
            )
            self._shell.toast(tr("View {name} deleted", name=view.name), undo=back if view.mine else None)

        self._ask(lambda store, ctx: store.remove(ctx, view.id), done)

    def _change(self, before: View, wanted: View, text: str, *, undo: bool = True) -> None:
        def done(now: View) -> None:
            back = partial(self._change, now, replace(before, version=now.version), tr("Undone"), undo=False)
            self._kept(now, text, back if undo else None)

        def failed(error: SentError) -> None:
            now = error.data.get("now") if isinstance(error, Conflict) else None
            if now is None:
                self._shell.report(error)
            else:
                self._differ(wanted, now, text)

        self._ask(lambda store, ctx: store.change(ctx, before, wanted), done, failed)

    def _differ(self, wanted: View, now: Any, text: str) -> None:
        """Somebody else changed the view first: show both."""
        sides = [
            Side(tr("Name"), now.name, wanted.name),
            Side(tr("Filter"), now.definition.query, wanted.definition.query),
            Side(tr("Columns"), now.definition.columns, wanted.definition.columns),
            Side(tr("Shared"), _yes(now.shared), _yes(wanted.shared)),
        ]

        def take(mine: list[bool]) -> None:
            what = replace(
                now.definition,
                query=wanted.definition.query if mine[1] else now.definition.query,
                columns=wanted.definition.columns if mine[2] else now.definition.columns,
            )
            name = wanted.name if mine[0] else now.name
            shared = wanted.shared if mine[3] else now.shared
            self._change(now, replace(now, name=name, definition=what, shared=shared), text)

        self._window.conflict.open_sides(tr("View {name}", name=now.name), sides, take)

    def _kept(self, view: View, text: str, undo: Callable[[], object] | None) -> None:
        self.current = view
        self.views = [view if known.id == view.id else known for known in self.views]
        self._shell.toast(text, undo=undo)

    def _ask(
        self,
        make: Callable[[Any, Any], Awaitable[T]],
        done: Callable[[T], object],
        failed: Callable[[SentError], None] | None = None,
    ) -> None:
        async def ask() -> T:
            from sent.platform.views import store

            return await make(store, self._page.ctx)

        self._page.run(ask, done=lambda found: (done(found), None)[1], failed=failed)


def _yes(shared: bool) -> str:
    return tr("yes") if shared else tr("no")
