"""What an import changes: counts, the rules, each with its difference, and what would refer to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSplitter, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.choice import Dropdown, Segments
from sent.ui.kit.difftext import Difference, DiffText
from sent.ui.kit.page import Page
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import Elided, button, card, clear, column, label, row

if TYPE_CHECKING:
    from sent.engines.radar.api import NewRules, Preview, RuleChange

ORDER = {"removed": 0, "changed": 1, "added": 2, "unchanged": 3}
CHOICES = {"all": ((), "informational"), "sound": (("stable", "test"), "medium"), "none": ((), "")}
"""Which new rules come switched on: statuses (none: any) and least level (empty: none at all)."""

REFERRING_SHOWN = 4


def change_name(change: str) -> str:
    """Return what becomes of a rule in the user's language."""
    names = {
        "added": tr("New"),
        "changed": tr("Changed"),
        "removed": tr("Goes"),
        "unchanged": tr("Unchanged"),
    }
    return names.get(change, change)


class ImportView(QWidget):
    """A preview; `apply` is called with what was chosen for new rules."""

    def __init__(
        self, page: Page, apply: Callable[[Preview, NewRules], object], back: Callable[[], object]
    ) -> None:
        super().__init__()
        self._page, self._apply = page, apply
        self.preview: Preview | None = None
        self.kind = "changes"
        self.head = label(type="l")
        """The title; whoever shows the view places it."""
        self.note = label(tone="2", wrap=True)
        self.warning = label(tone="warn", type="s", wrap=True)
        self._segments: QHBoxLayout = row(gap=0)
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("Filter rules"))
        self.words.setToolTip(tr("Filter by title, id, file or part"))
        self.words.setAccessibleName(tr("Filter rules"))
        self.words.setClearButtonEnabled(True)
        self._settle = QTimer(self, singleShot=True, interval=150)
        self._settle.timeout.connect(self._fill)
        self.words.textEdited.connect(lambda _text: self._settle.start())
        self.table = PagedTable(_columns(), run=page.run, name=tr("Rules of the import"))
        self.table.previewed.connect(self._show_rule)
        self.table.opened.connect(self._show_rule)
        self.states = ListStates(
            self.table, empty=("shield-check", tr("Nothing here"), tr("No rule of this kind, or none fits."))
        )
        self.diff = DiffText()
        self.title = Elided(weight="bold")
        self.facts = label(tone="2", type="s", wrap=True)
        self.sides = Segments(
            tr("Difference"),
            [("one", tr("One column")), ("two", tr("Side by side"))],
            "one",
            lambda chosen: self.diff.show_sides(chosen == "two"),
        )
        self.new = Dropdown(
            tr("New rules that run"),
            [
                ("all", tr("All new rules run")),
                ("sound", tr("Stable and tested ones from medium on run")),
                ("none", tr("New rules come switched off")),
            ],
            "all",
            lambda _id: self._count_new(),
        )
        self.new_count = label(tone="3", type="s")
        self.apply_button = button(tr("Apply"), self.apply, kind="primary")
        self.back_button = button(tr("Back"), back, kind="quiet")
        self._arrange()

    def _arrange(self) -> None:
        left = card()
        left.setLayout(column(self.states, margins=(1, 1, 1, 1)))
        right = QWidget()
        tools = row(self.title, self.sides, gap=10)
        tools.setStretch(0, 1)
        body = column(tools, self.facts, self.diff, gap=6, margins=(10, 0, 0, 0))
        body.setStretch(2, 1)
        right.setLayout(body)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(0, 5)
        split.setStretchFactor(1, 6)
        split.setSizes([520, 600])
        split.setChildrenCollapsible(False)
        self.words.setFixedWidth(250)
        bar = row(self._segments, None, self.words, gap=10)
        foot = row(self.new, self.new_count, None, self.back_button, self.apply_button)
        whole = column(self.note, self.warning, bar, split, foot, gap=10)
        whole.setStretch(3, 1)
        self.setLayout(whole)

    def show_preview(self, preview: Preview, *, may: bool) -> None:
        """Show what was found; without `may` it can be looked at only."""
        self.preview, self.kind = preview, "changes"
        counts = preview.counts
        self.head.setText(tr("What changes in {name}", name=preview.name))
        self.note.setText(
            tr("From {file}: an update of the set that is there.", file=preview.origin)
            if preview.existed
            else tr("From {file}: a new set.", file=preview.origin)
        )
        self._warn(preview)
        clear(self._segments)
        total = counts["added"] + counts["changed"] + counts["removed"]
        titles = [
            ("changes", tr("Changes"), total),
            ("added", change_name("added"), counts["added"]),
            ("changed", change_name("changed"), counts["changed"]),
            ("removed", change_name("removed"), counts["removed"]),
            ("idle", tr("Newly cannot run"), counts["idle"]),
            ("unchanged", change_name("unchanged"), counts["unchanged"]),
        ]
        chosen = [(id, f"{text} {formats().figure(n)}") for id, text, n in titles]
        self.chips = Segments(tr("Which rules"), chosen, self.kind, self._choose)
        self._segments.addWidget(self.chips)
        self.words.clear()
        self.new.setVisible(bool(counts["added"]) and may)
        self.new_count.setVisible(bool(counts["added"]) and may)
        self.apply_button.setVisible(may)
        self.apply_button.setEnabled(total > 0 or not preview.existed)
        self.apply_button.setText(trn("Apply {n} change", "Apply {n} changes", n=total))
        self._show_rule(None)
        self._fill()
        self._count_new()

    def _warn(self, preview: Preview) -> None:
        lines = [_referring(each) for each in preview.referring]
        if preview.twins:
            others = ", ".join(sorted({twin.rule_set for twin in preview.twins}))
            lines.append(
                trn(
                    "{n} rule has an id that another set has, too ({sets}): the first one loaded counts",
                    "{n} rules have ids that other sets have, too ({sets}): the first one loaded counts",
                    n=len(preview.twins),
                    sets=others,
                )
            )
        more = len(lines) - REFERRING_SHOWN
        shown = lines[:REFERRING_SHOWN] + ([tr("and {n} more", n=more)] if more > 0 else [])
        self.warning.setText("\n".join(shown))
        self.warning.setToolTip(tip("\n".join(lines[:40])) if more > 0 else "")
        self.warning.setVisible(bool(lines))

    def _choose(self, kind: str) -> None:
        self.kind = kind
        self._fill()

    def _fill(self) -> None:
        if self.preview is None:
            return
        words = self.words.text().lower().split()
        rows = [change for change in self.preview.changes if _in(change, self.kind) and _fits(change, words)]
        rows.sort(key=lambda change: (ORDER[change.change], not change.idle, change.title.lower()))
        self.table.show_rows(rows, lambda change: (change.rule_id, change.path, change.change))
        self.table.model_.loaded.connect(self._first, Qt.ConnectionType.SingleShotConnection)

    def _first(self) -> None:
        if self.table.model_.known():
            self.table.go(0)
            self._show_rule(self.table.current_row())

    def _show_rule(self, change: RuleChange | None) -> None:
        if change is None:
            self.title.setText("")
            self.facts.setText("")
            self.diff.show_difference(Difference((), ()))
            return
        self.title.setText(change.title or change.path)
        said = [change_name(change.change), *change.parts]
        if change.off:
            said.append(tr("switched off, and stays so"))
        facts = " · ".join([*said, change.path])
        reason = tr("Cannot run: {reason}", reason=change.reason) if change.reason else ""
        self.facts.setText("\n".join(part for part in (facts, reason) if part))

        async def compare() -> Difference:
            radar = self._page.api("radar")
            one = await asyncio.to_thread(radar.unified, change.before, change.after)
            pairs = await asyncio.to_thread(radar.beside, change.before, change.after)
            if change.change == "unchanged":
                one = [f" {line}" for line in (change.after or "").splitlines()]
            return Difference(one, [(line.left, line.right) for line in pairs])

        def show(found: Difference) -> None:
            if change is self.table.current_row():
                self.diff.show_difference(found)

        self._page.run(compare, done=show)

    def chosen_new(self) -> tuple[frozenset[str], str]:
        """Return which new rules run: statuses (none: any), least level (empty: none run)."""
        statuses, least = CHOICES[self.new.choice()]
        return frozenset(statuses), least

    def _count_new(self) -> None:
        if self.preview is None:
            return
        fresh = [change for change in self.preview.changes if change.change == "added"]

        async def count() -> int:
            radar = self._page.api("radar")
            chosen = self.chosen_new()
            return sum(not change.idle and radar.comes_on(change, *chosen) for change in fresh)

        def show(on: int) -> None:
            self.new_count.setText(
                tr("{on} of {all} run", on=formats().figure(on), all=formats().figure(len(fresh)))
            )

        self._page.run(count, done=show)

    def apply(self) -> None:
        """Have the changes made."""
        preview = self.preview
        if preview is None or not self.apply_button.isEnabled():
            return
        self.apply_button.setEnabled(False)
        self._apply(preview, self._page.api("radar").NewRules(*self.chosen_new()))


def _in(change: RuleChange, kind: str) -> bool:
    if kind == "idle":
        return change.idle
    return change.change != "unchanged" if kind == "changes" else change.change == kind


def _fits(change: RuleChange, words: Sequence[str]) -> bool:
    told = f"{change.title} {change.rule_id} {change.path} {' '.join(change.parts)} {change.level}".lower()
    return all(word in told for word in words)


def _referring(each: Any) -> str:
    rules = ", ".join(each.rules[:3]) + ("…" if len(each.rules) > 3 else "")
    if each.kind == "muted":
        return tr("The muted rule {rules} goes", rules=rules)
    if each.kind == "correlation":
        return tr("The correlation {title} needs what goes: {rules}", title=each.title, rules=rules)
    return tr("The filter {title} narrows what goes: {rules}", title=each.title, rules=rules)


def _parts(change: RuleChange) -> str:
    return tr("cannot run") if change.idle else ", ".join(change.parts)


def _columns() -> list[Column]:
    return [
        Column("change", tr("Change"), lambda c: change_name(c.change), 96, "state",
               widest="\n".join(map(change_name, ORDER)), sort=lambda c: ORDER[c.change]),
        Column("level", tr("Level"), lambda c: c.level, 86, "level"),
        Column("title", tr("Rule"), lambda c: c.title or c.path, 220, "strong", stretch=True,
               tip=lambda c: c.title or c.path),
        Column("parts", tr("Parts"), _parts, 130, "quiet", drop=1,
               tip=lambda c: c.reason or ", ".join(c.parts)),
        Column("status", tr("Status"), lambda c: c.status or "–", 92, "quiet", drop=2),
    ]  # fmt: skip
