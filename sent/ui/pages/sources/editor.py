"""The editor of a source's field mapping: its steps, the chosen one's form, and what they do to real events.

Every change can be undone until it is saved, and by the message afterwards. Alt+Up and Alt+Down move a step,
Space switches it off, Delete takes it away; dragging moves it, too.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QPushButton, QWidget

from sent.platform.errors import Conflict, Invalid
from sent.platform.i18n import tr, trn
from sent.ui.kit.widgets import button, card, clear, column, label, line, row, scrolled, tool
from sent.ui.pages.sources.preview import PreviewPane
from sent.ui.pages.sources.stepform import StepForm
from sent.ui.pages.sources.steplist import StepList
from sent.ui.pages.sources.steptext import Step, fresh, kinds
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.radar.api import ImportedMapping, MappingPreview, Preset, SourceHealth
    from sent.platform.errors import SentError
    from sent.ui.kit.page import Page

SOON_MS = 250
MAX_UNDO = 200
MAX_IMPORT = 1_000_000


class MappingLayer(Overlay):
    """See the module; `open_source` opens it."""

    def __init__(self, page: Page) -> None:
        frame = QFrame()
        super().__init__(page.window(), frame)
        self._page = page
        self.one: SourceHealth | None = None
        self.version = 0
        self.steps: list[Step] = []
        self.saved: list[Step] = []
        self._past: list[list[Step]] = []
        self._future: list[list[Step]] = []
        self._box = column(gap=10, margins=(22, 16, 18, 18))
        frame.setLayout(self._box)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self.preview)
        self.may = False

    def open_source(self, one: SourceHealth) -> None:
        """Open the editor with a source's saved steps."""
        self.one, self.may = one, self._page.shell.can("radar:manage")

        async def load() -> tuple[list[Step], int, list[Preset]]:
            api = self._page.api("radar")
            mapping, version = await api.source_mapping(self._page.ctx, one.id)
            return [api.step_json(step) for step in mapping.steps], version, list(api.presets())

        self._page.run(load, done=lambda found: self._begin(one, *found))

    def _begin(self, one: SourceHealth, steps: list[Step], version: int, presets: Sequence[Preset]) -> None:
        self.steps, self.saved, self.version = steps, copy.deepcopy(steps), version
        self._past, self._future = [], []
        clear(self._box)
        self._build(one, presets)
        size = self._page.window().size()
        self.card.setFixedSize(min(1180, size.width() - 40), min(760, size.height() - 40))
        self.open()
        self.list.show_steps(self.steps, 0)
        (self.list if steps or not self.may else self.add_).setFocus()
        self._changed()

    def _build(self, one: SourceHealth, presets: Sequence[Preset]) -> None:
        title = label(tr("Field mapping of {name}", name=one.source.name), type="l")
        about = tr(
            "Steps that give events the names rules know. Original names stay, unless a step moves them."
        )
        close = tool("x", tr("Close (Esc)"), self.close_layer)
        self._box.addLayout(row(title, None, *self._tools(presets), close, gap=6))
        self._box.addWidget(label(about, tone="2", wrap=True))
        self._box.addWidget(line())
        self.list = StepList(self.may)
        self.list.moved.connect(self.move_step)
        self.list.switched.connect(self.switch)
        self.list.removed.connect(self.remove)
        self.list.currentRowChanged.connect(self._show_step)
        self.form = StepForm()
        self.form.changed.connect(self._edited)
        self.problem = label(tone="bad", wrap=True)
        self.problem.hide()
        self.pane = PreviewPane(self._soon.start)
        listed = card()
        listed.setLayout(column(self.list, margins=(4, 4, 4, 4)))
        left = column(listed, self.problem, scrolled(self.form, tr("Step")), gap=8)
        left.setStretch(0, 3)
        left.setStretch(2, 5)
        sides = row(left, self.pane, gap=18)
        sides.setStretch(0, 4)
        sides.setStretch(1, 6)
        self._box.addLayout(sides, 1)
        self.state = label(tone="3", type="s")
        self.cancel = button(tr("Close"), self.close_layer, kind="quiet")
        self.send = button(tr("Save"), self.save, kind="primary")
        self.send.setToolTip(f"{tr('Save')} (Ctrl+S)")
        self._box.addLayout(row(self.state, None, self.cancel, self.send))

    def _tools(self, presets: Sequence[Preset]) -> list[QWidget]:
        self.back_ = tool("undo-2", tr("Undo (Ctrl+Z)"), self.undo)
        self.add_ = _menu(button(tr("Add step"), icon_name="plus"))
        for kind, title in kinds():
            self.add_.menu().addAction(title, partial(self.add, kind))
        self.presets_ = _menu(button(tr("Presets"), icon_name="layers"))
        for preset in presets:
            action = self.presets_.menu().addAction(preset.title, partial(self.add_preset, preset))
            action.setToolTip(preset.about)
        self.presets_.menu().setToolTipsVisible(True)
        self.import_ = button(tr("Import…"), self.choose_file, kind="quiet", icon_name="import")
        self.import_.setToolTip(tr("Steps, or a processing pipeline of pySigma, as YAML"))
        made: list[QWidget] = [self.back_, self.add_, self.presets_, self.import_]
        return made if self.may else []

    def add(self, kind: str) -> None:
        """Add a step behind the chosen one."""
        at = self.list.currentRow() + 1 if self.steps else 0
        self._change([*self.steps[:at], fresh(kind), *self.steps[at:]], at)
        self.form.focus_first()

    def add_preset(self, preset: Preset) -> None:
        """Add a preset's steps behind what is there."""

        async def steps() -> list[Step]:
            api = self._page.api("radar")
            return [api.step_json(step) for step in preset.mapping.steps]

        self._page.run(steps, done=lambda found: self._change([*self.steps, *found], len(self.steps)))

    def choose_file(self) -> None:
        """Ask for a file and add its steps."""
        name, _ = QFileDialog.getOpenFileName(self, tr("Import"), "", "YAML (*.yml *.yaml *.json)")
        if name:
            self.import_file(Path(name))

    def import_file(self, path: Path) -> None:
        """Add the steps of a YAML file; what of it has no counterpart is told."""

        async def read() -> tuple[ImportedMapping, list[Step]]:
            api = self._page.api("radar")
            try:
                with path.open(encoding="utf-8") as opened:
                    found = api.imported_mapping(opened.read(MAX_IMPORT + 1))
            except (OSError, UnicodeDecodeError) as error:
                raise Invalid("radar.mapping.file", f"{path.name} cannot be read: {error}") from error
            return found, [api.step_json(step) for step in found.mapping.steps]

        def done(found: tuple[ImportedMapping, list[Step]]) -> None:
            imported, steps = found
            self._change([*self.steps, *steps], len(self.steps))
            said = trn("Added {n} step", "Added {n} steps", n=len(steps))
            self._page.shell.toast(said)
            if imported.left_out:
                entries = [Entry(str(n), text, icon="info") for n, text in enumerate(imported.left_out)]
                title = trn("{n} part was left out", "{n} parts were left out", n=len(entries))
                self._page.shell.choose(title, entries)

        self._page.run(read, done=done)

    def move_step(self, number: int, to: int) -> None:
        """Move a step."""
        if 0 <= to < len(self.steps) and number != to:
            steps = list(self.steps)
            steps.insert(to, steps.pop(number))
            self._change(steps, to)

    def switch(self, number: int) -> None:
        """Switch a step off, or on again."""
        step = dict(self.steps[number])
        if step.pop("on", True):
            step["on"] = False
        self._change([*self.steps[:number], step, *self.steps[number + 1 :]], number)

    def remove(self, number: int) -> None:
        """Take a step away."""
        self._change([*self.steps[:number], *self.steps[number + 1 :]], max(0, number - 1))

    def undo(self) -> None:
        """Take the last change back."""
        if self._past and self.may:
            self._future.append(self.steps)
            self._show_all(self._past.pop(), self.list.currentRow())

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._future and self.may:
            self._past.append(self.steps)
            self._show_all(self._future.pop(), self.list.currentRow())

    def _change(self, steps: list[Step], at: int) -> None:
        if self.may:
            self._past = [*self._past[-MAX_UNDO:], self.steps]
            self._future = []
            self._show_all(steps, at)

    def _show_all(self, steps: list[Step], at: int) -> None:
        self.steps = steps
        self.list.show_steps(steps, min(at, len(steps) - 1))
        self._changed()

    def _show_step(self, number: int) -> None:
        step = self.steps[number] if 0 <= number < len(self.steps) else None
        self.form.show_step(step, may=self.may)

    def _edited(self, step: Step) -> None:
        """Take over what stands in the form; typing on in one step is one change."""
        number = self.list.currentRow()
        if not 0 <= number < len(self.steps) or self.steps[number] == step:
            return
        if not (self._soon.isActive() and self._past):
            self._past = [*self._past[-MAX_UNDO:], self.steps]
        self._future = []
        self.steps = [*self.steps[:number], step, *self.steps[number + 1 :]]
        self.list.show_text(number, step)
        self._changed()

    def _changed(self) -> None:
        dirty = self.steps != self.saved
        self.send.setVisible(self.may)
        self.send.setEnabled(dirty)
        self.back_.setEnabled(bool(self._past))
        amount = trn("{n} step", "{n} steps", n=len(self.steps))
        self.state.setText(f"{amount} · {tr('not saved')}" if dirty else amount)
        self._soon.start()

    def preview(self) -> None:
        """Ask what the steps do to the events."""
        one, steps, pasted = self.one, self.steps, self.pane.pasted
        if one is None or self.isHidden():
            return
        if self.pane.mode == "pasted" and not pasted.strip():
            self.pane.show_preview(None)
            return

        async def look() -> MappingPreview:
            api = self._page.api("radar")
            found: MappingPreview = await api.preview_mapping(self._page.ctx, one.id, steps, pasted=pasted)
            return found

        def done(found: MappingPreview) -> None:
            if self.one is one and self.steps is steps:
                self.problem.hide()
                self.send.setEnabled(self.steps != self.saved)
                self.pane.show_preview(found)

        def failed(error: SentError) -> None:
            self.problem.setText(error.message)
            self.problem.show()
            if isinstance(error, Invalid) and self.steps is steps:
                self.send.setEnabled(False)

        self._page.run(look, done=done, failed=failed)

    def save(self) -> None:
        """Save the steps; workers take them up within seconds."""
        if self.may and self.send.isEnabled():
            self._save(self.steps, self.version)

    def _save(self, steps: list[Step], version: int) -> None:
        one, before = self.one, self.saved
        if one is None:
            return

        async def put() -> int:
            return int(await self._page.api("radar").set_mapping(self._page.ctx, one.id, steps, version))

        def done(version: int) -> None:
            self.saved = self.steps
            self.close_layer()
            text = tr("The mapping is saved; workers take it up within seconds")
            self._page.shell.toast(text, undo=lambda: self._undo_save(one, before, version))
            self._page.refresh()

        def failed(error: SentError) -> None:
            if isinstance(error, Conflict):
                self._ask_conflict(one)
            else:
                self.problem.setText(error.message)
                self.problem.show()

        self._page.run(put, done=done, failed=failed)

    def _ask_conflict(self, one: SourceHealth) -> None:
        """Somebody else changed the source since its steps were read."""

        async def look() -> tuple[list[Step], int]:
            api = self._page.api("radar")
            mapping, version = await api.source_mapping(self._page.ctx, one.id)
            return [api.step_json(step) for step in mapping.steps], version

        def show(found: tuple[list[Step], int]) -> None:
            theirs, version = found
            if theirs == self.saved:  # something else about the source: no step of theirs would be lost
                self._save(self.steps, version)
                return
            mine = partial(self._save, self.steps, version)
            take = partial(self._take, theirs, version)
            self._page.shell.choose(
                tr("Somebody else changed these steps meanwhile"),
                [
                    Entry("theirs", tr("Show theirs; mine are one Undo away"), icon="users", run=take),
                    Entry("mine", tr("Save mine in place of theirs"), icon="user", run=mine),
                ],
            )

        self._page.run(look, done=show)

    def _take(self, theirs: list[Step], version: int) -> None:
        self.version, self.saved = version, copy.deepcopy(theirs)
        self._change(theirs, 0)

    def _undo_save(self, one: SourceHealth, steps: list[Step], version: int) -> None:
        async def put() -> None:
            await self._page.api("radar").set_mapping(self._page.ctx, one.id, steps, version)

        def done(_: None) -> None:
            self._page.shell.toast(tr("Undone"), tone="info")
            self._page.refresh()

        self._page.run(put, done=done)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # A layer lets no shortcut through, so its own are keys.
        for keys, do in (
            (QKeySequence.StandardKey.Save, self.save),
            (QKeySequence.StandardKey.Undo, self.undo),
            (QKeySequence.StandardKey.Redo, self.redo),
        ):
            if event.matches(keys):
                do()
                return
        super().keyPressEvent(event)

    def close_layer(self) -> None:
        """Close; unsaved steps ask first."""
        if self.isHidden() or not self.may or self.steps == self.saved:
            super().close_layer()
            return
        self._page.shell.choose(
            tr("The steps are not saved"),
            [
                Entry("save", tr("Save them"), icon="check", run=self.save),
                Entry("drop", tr("Forget them"), icon="x", run=self._forget),
                Entry("stay", tr("Go on editing"), icon="undo-2"),
            ],
        )

    def _forget(self) -> None:
        self.steps = self.saved
        self.close_layer()


def _menu(made: QPushButton) -> QPushButton:
    made.setProperty("kind", "quiet")
    made.setMenu(QMenu(made))
    return made
