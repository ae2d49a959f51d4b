"""An event's verdict as a tree: the condition, each selection, each test, with what the event holds there.

What keeps the rule from firing stands out; what does not hold and does not matter (further values of a list
one of which fits) is quiet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from sent.platform.i18n import tr, trn
from sent.ui.kit.text import tip
from sent.ui.theme import fonts, theme
from sent.ui.theme.icons import icon

if TYPE_CHECKING:
    from sent.engines.radar.api import TriedEvent
    from sent.engines.radar.sigma.explanation import Verdict

MOST = 1500
"""Lines of one tree."""

LONGEST = 400


class VerdictTree(QTreeWidget):
    """Marks say by shape and colour what holds; what does not hold is open, so that one sees why."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Why"))
        self.setColumnCount(2)
        self.setHeaderLabels([tr("The rule says"), tr("The event holds")])
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setIndentation(18)
        self.setUniformRowHeights(True)
        self.setTabKeyNavigation(False)
        self.event_: TriedEvent | None = None
        self._condition = ""
        self._left = MOST
        theme.state().changed.connect(self._again)

    def _again(self) -> None:
        if self.event_ is not None:
            self.show_event(self.event_, self._condition)

    def show_event(self, event: TriedEvent, condition: str) -> None:
        """Show the verdict on an event."""
        self.event_, self._condition = event, condition
        self.clear()
        self._left = MOST
        self._head(event, condition)
        for judged in event.selections:
            found = self._line(None, judged.verdict.holds, judged.name, "", strong=True, quiet=event.fires)
            self._add(found, judged.verdict, top=True, quiet=event.fires)
            found.setExpanded(True)
        if not event.selections:
            self._add(self.invisibleRootItem(), event.whole, top=False, quiet=event.fires)
        self.setColumnWidth(0, max(260, self.viewport().width() * 11 // 20))

    def _head(self, event: TriedEvent, condition: str) -> None:
        if not event.looks:
            text = tr("The rule does not look at such events: this one is {route}", route=event.route)
            self._line(None, False, text, "").setFirstColumnSpanned(True)
            return
        if event.quieted:
            text = tr("Kept quiet by a filter: {names}", names=", ".join(event.quieted))
            self._line(None, False, text, "").setFirstColumnSpanned(True)
        holds = event.whole.holds
        self._line(None, holds, f"condition: {condition}", "", strong=True).setFirstColumnSpanned(True)
        if not event.fires and not event.quieted:
            text = trn(
                "{n} test would have to turn out otherwise",
                "{n} tests would have to turn out otherwise",
                n=event.missing,
            )
            self._line(None, False, text, "").setFirstColumnSpanned(True)

    def _add(self, above: QTreeWidgetItem, verdict: Verdict, *, top: bool, quiet: bool) -> None:
        if self._left <= 0:
            return
        if verdict.kind == "test":
            missing = tr("(in no field)") if verdict.keyword else tr("(absent)")
            value = missing if verdict.value is None else verdict.value
            self._line(above, verdict.holds, verdict.text, value, quiet=quiet)
            return
        names = {"and": tr("all of"), "or": tr("one of"), "not": tr("not")}
        # The parts of a selection stand right below its name when all of them must hold.
        home = above if top and verdict.kind == "and" else self._line(
            above, verdict.holds, names[verdict.kind], "", quiet=quiet
        )  # fmt: skip
        inner = quiet or verdict.holds
        for part in verdict.parts:
            self._add(home, part, top=False, quiet=inner)
        if verdict.left_out:
            more = trn("and {n} more that does not hold", "and {n} more that do not hold", n=verdict.left_out)
            if verdict.kind == "and":
                more = trn("and {n} more", "and {n} more", n=verdict.left_out)
            self._line(home, verdict.kind == "and", more, "", quiet=inner)
        home.setExpanded(True)

    def _line(
        self,
        above: QTreeWidgetItem | None,
        holds: bool,
        text: str,
        value: str,
        *,
        strong: bool = False,
        quiet: bool = False,
    ) -> QTreeWidgetItem:
        self._left -= 1
        item = QTreeWidgetItem(above if above is not None else self.invisibleRootItem())
        shown = " ".join(text[:LONGEST].split())
        item.setText(0, shown)
        item.setText(1, " ".join(value[:LONGEST].split()))
        item.setIcon(0, icon("check" if holds else "x", "ok" if holds else "text3" if quiet else "bad"))
        item.setForeground(0, theme.colour("text" if holds else "text2"))
        item.setForeground(1, theme.colour("text2" if holds else "text3" if quiet else "bad"))
        font = QFont(fonts.mono())
        font.setPixelSize(round(12 * theme.state().scale))
        if strong:
            font.setWeight(QFont.Weight.Medium)
        item.setFont(0, font)
        item.setFont(1, font)
        for column, whole in ((0, text), (1, value)):
            item.setToolTip(column, tip(whole[:2000]))
        word = tr("holds") if holds else tr("does not hold")
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{word}: {shown}")
        return item

    def lines(self) -> list[tuple[int, bool, str, str]]:
        """Return (depth, holds, text, value) of all lines, from the top."""
        found: list[tuple[int, bool, str, str]] = []

        def walk(item: QTreeWidgetItem, depth: int) -> None:
            children = [item.child(number) for number in range(item.childCount())]
            for child in (each for each in children if each is not None):
                told = str(child.data(0, Qt.ItemDataRole.AccessibleTextRole))
                found.append((depth, told.startswith(tr("holds")), child.text(0), child.text(1)))
                walk(child, depth + 1)

        walk(self.invisibleRootItem(), 0)
        return found
