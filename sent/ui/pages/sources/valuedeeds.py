"""What is done with placeholders: values are given, changed and taken away; each can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sent.platform.i18n import tr, trn

if TYPE_CHECKING:
    from sent.engines.radar.api import PlaceholderUse
    from sent.ui.pages.sources.page import SourcesPage

MANAGE = "radar:manage"


class ValueDeeds:
    """Works on the placeholders that are chosen on `page`."""

    def __init__(self, page: SourcesPage) -> None:
        self._page = page
        self._shown: PlaceholderUse | None = None

    def show(self, use: PlaceholderUse) -> None:
        """Show a placeholder's values."""
        self._shown = use
        self._page.panel.show_placeholder(use, may=self._page.shell.can(MANAGE), save=self.save)

    def save(self, text: str) -> None:
        """Give the placeholder that is shown the values that stand in `text`, one a line."""
        use = self._shown
        if use is None or not self._page.shell.can(MANAGE):
            return
        values = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        if values != use.values:
            self._set(use.name, values, use.values)

    def add(self) -> None:
        """Ask for a placeholder's name; its values are given beside the list."""
        page = self._page
        if page.view != "placeholders" or not page.shell.can(MANAGE):
            return
        page.shell.ask(tr("Add placeholder"), tr("Name between the percent signs"), self._begin, most=100)

    def _begin(self, name: str) -> None:
        name = name.strip().strip("%")
        known = next((use for use in self._rows() if use.name == name), None)

        async def made() -> PlaceholderUse:
            found: PlaceholderUse = self._page.api("radar").PlaceholderUse(name, (), 0, 0, ())
            return known or found

        def show(use: PlaceholderUse) -> None:
            self._page.split.open()
            self.show(use)
            if self._page.panel.values is not None:
                self._page.panel.values.setFocus()

        self._page.run(made, done=show)

    def _rows(self) -> list[PlaceholderUse]:
        model = self._page.tables["placeholders"].model_
        return [] if model.skeleton else list(model.cached_rows())

    def clear_values(self) -> None:
        """Take the values of the chosen placeholders away."""
        page = self._page
        if page.view != "placeholders" or not page.shell.can(MANAGE):
            return
        for use in page.chosen():
            if use.values:
                self._set(use.name, (), use.values)

    def _set(self, name: str, values: Sequence[str], before: Sequence[str], *, undone: bool = False) -> None:
        page = self._page

        async def put() -> None:
            api = page.api("radar")
            if values:
                await api.set_placeholder(page.ctx, name, list(values))
            else:
                await api.unset_placeholder(page.ctx, name)

        def done(_: None) -> None:
            said = trn("%{name}% has {n} value", "%{name}% has {n} values", n=len(values), name=name)
            if not values:
                said = tr("%{name}% has no values; rules that need them wait", name=name)
            undo = None if undone else lambda: self._set(name, before, values, undone=True)
            page.shell.toast(tr("Undone") if undone else said, undo=undo)
            page.back()
            page.refresh()

        page.run(put, done=done)
