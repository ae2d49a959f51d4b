"""Looks for records over all engines while somebody types: one question each, answers as they come.

The next keystroke cancels what is under way. An engine that is slow or fails is named; the others' answers
stand. In the palette records follow the actions; the search of its own (Ctrl+Shift+F) groups them by kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

from sent.platform.errors import Invalid
from sent.platform.i18n import tr, trn
from sent.platform.links import parse_inside
from sent.ui.kit.text import relative
from sent.ui.shell.palette import Entry, Palette

if TYPE_CHECKING:
    from sent.platform.errors import SentError
    from sent.platform.search import Hit
    from sent.ui.bridge import Handle
    from sent.ui.shell.window import MainWindow

SETTLE_MS = 140
SHORTEST = 2
LIMIT_S = 4.0
PER_ENGINE = 12
KEPT = 20

Show = Callable[[list[Entry], str], None]
"""Entries so far, and what is to be said about engines that have not answered."""


class Searcher(QObject):
    """One search at a time, for one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._handles: list[Handle] = []
        self._found: dict[str, list[Entry]] = {}
        self._missing: dict[str, str] = {}
        self._text = ""
        self._show: Show = _nowhere
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._ask)

    def look(self, text: str, show: Show) -> None:
        """Look for `text` once typing rests; `show` hears every answer."""
        self.cancel()
        self._text, self._show = text.strip(), show
        if len(self._text) >= SHORTEST and self._window.shell.person is not None:
            self._timer.start()

    def cancel(self) -> None:
        """Drop what is under way."""
        self._timer.stop()
        for handle in self._handles:
            handle.cancel()
        self._handles, self._found, self._missing = [], {}, {}

    def _ask(self) -> None:
        from sent.platform import search

        bridge, text = self._window.shell.bridge, self._text
        if bridge is None:
            return
        for manifest in search.engines():
            self._missing[manifest.id] = tr(manifest.title)
        self._tell()
        for manifest in search.engines():

            async def find(engine: str = manifest.id) -> list[Hit]:
                return await search.search(bridge.ctx, engine, text, PER_ENGINE)

            handle = bridge.run(
                find,
                owner=self,
                done=partial(self._answered, manifest.id),
                failed=partial(self._failed, manifest.id),
                limit=LIMIT_S,
            )
            self._handles.append(handle)

    def _answered(self, engine: str, hits: Sequence[Hit]) -> None:
        self._missing.pop(engine, None)
        self._found[engine] = [self.entry(hit) for hit in hits]
        self._tell()

    def _failed(self, engine: str, error: SentError) -> None:
        self._missing[engine] = tr("{name} did not answer", name=self._missing.get(engine, engine))
        self._found[engine] = []
        self._tell()

    def _tell(self) -> None:
        waiting = [name for engine, name in self._missing.items() if engine not in self._found]
        failed = [name for engine, name in self._missing.items() if engine in self._found]
        said = [tr("Searching: {names}", names=", ".join(waiting))] if waiting else []
        self._show([e for found in self._found.values() for e in found], " · ".join(said + failed))

    def entry(self, hit: Hit) -> Entry:
        """Return a record as a line."""
        detail = " · ".join(filter(None, (hit.detail, relative(hit.at) if hit.at else "")))
        return self._entry(hit.link, hit.title, tr(hit.kind), hit.icon, detail)

    def _entry(self, link: str, title: str, kind: str, icon: str, detail: str = "") -> Entry:
        run = partial(self._open, link, title, kind, icon)
        return Entry(f"record:{link}", title, kind, icon, run=run, words=detail, detail=detail)

    def recent(self) -> list[Entry]:
        """Return the records opened last from a search."""
        try:
            kept: list[Any] = json.loads(self._window.shell.prefs.own("records") or "[]")
            return [self._entry(*[str(part) for part in item[:4]]) for item in kept[:KEPT]]
        except (ValueError, TypeError):
            return []

    def _open(self, link: str, title: str, kind: str, icon: str) -> None:
        window = self._window
        try:
            place = parse_inside(link)
        except Invalid:
            return
        self._remember([link, title, kind, icon])
        if window.may_show(place.page):
            window.show_page(place.page, place.record or "")
        else:
            QGuiApplication.clipboard().setText(title)
            window.shell.toast(tr("{title} copied: there is no page for it", title=title), tone="info")

    def _remember(self, record: list[str]) -> None:
        shell = self._window.shell
        kept = [[e.id.removeprefix("record:"), e.title, e.group, e.icon] for e in self.recent()]
        kept = [record, *[item for item in kept if item[0] != record[0]]][:KEPT]
        shell.prefs.set_own("records", json.dumps(kept))
        shell.common.note_recent(f"record:{record[0]}")


class SearchLayer(Palette):
    """The search over all engines: nothing but records, grouped by kind."""

    def __init__(self, window: MainWindow, searcher: Searcher) -> None:
        super().__init__(window, searcher.recent, list, searcher)
        self.field.setAccessibleName(tr("Search everything"))

    def hint(self) -> str:
        return tr("Search alerts, sources, rules, the audit trail, people")

    def _filter(self, text: str) -> None:
        if len(text.strip()) < SHORTEST:
            super()._filter(text)
        else:
            self._moved = False
            self._searcher_look(text)

    def _shown(self, own: list[Entry], records: list[Entry]) -> list[Entry]:
        ordered = sorted(records, key=lambda entry: entry.group)
        made: list[Entry] = []
        for kind, entries in groupby(ordered, key=lambda entry: entry.group):
            found = list(entries)
            made.append(Entry("", f"{kind} · {trn('{n} found', '{n} found', n=len(found))}", heading=True))
            made += found
        return made


def _nowhere(_entries: list[Entry], _status: str) -> None:
    """Nobody listens yet."""
