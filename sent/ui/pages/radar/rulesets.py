"""The rule sets in a layer: import and update with a look at what changes, undo, remove."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QProgressBar, QStackedWidget, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.page import Page
from sent.ui.kit.states import ListStates, Notice
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute, count, relative
from sent.ui.kit.widgets import button, card, column, label, row, tool
from sent.ui.pages.radar.importview import ImportView
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.radar.api import Imported, NewRules, Preview, SetRow
    from sent.ui.bridge import Handle
    from sent.ui.shell.tasks import Task

MANAGE = "radar:manage"
FILES = ("*.zip", "*.tar.gz", "*.tgz", "*.tar", "*.yml", "*.yaml")


class RuleSetLayer(Overlay):
    """Lists the sets; `changed` is called when rules did."""

    def __init__(self, page: Page, changed: Callable[[], object]) -> None:
        frame = QFrame()
        super().__init__(page.window(), frame)
        self._page, self._changed = page, changed
        self._handle: Handle | None = None
        self._task: Task | None = None
        self._again: tuple[Path, str] | None = None
        self.table = PagedTable(_columns(), run=page.run, name=tr("Rule sets"))
        self.table.opened.connect(lambda _row: self.update_set())
        self.table.previewed.connect(lambda _row: self._show_buttons())
        self.table.left.connect(self.close_layer)
        self.states = ListStates(
            self.table,
            empty=("layers", tr("No rule sets yet"), tr("Import SigmaHQ's archive or rules of your own.")),
        )
        self.import_file = button(tr("Import an archive"), self.choose_file, kind="primary")
        self.import_folder = button(tr("Import a folder"), self.choose_folder)
        self.update_button = button(tr("Update"), self.update_set)
        self.undo_button = button(tr("Undo the last import"), self.undo_chosen)
        self.remove_button = button(tr("Remove"), self.remove_chosen, kind="danger")
        self.update_button.setToolTip(tr("Choose a newer archive of this set (Enter)"))
        self.remove_button.setToolTip(tr("Remove the set (Delete); it can be undone"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.stage = label(tone="2")
        self.problem = Notice()
        self.view = ImportView(page, self._apply, self.show_sets)
        self.view.table.left.connect(self.show_sets)
        self.stack = QStackedWidget()
        for part in (self._sets_part(), self._busy_part(), self.view, self._problem_part()):
            self.stack.addWidget(part)
        close = tool("x", tr("Close (Esc)"), self.close_layer)
        self.title = label(tr("Rule sets"), type="l")
        self.stack.currentChanged.connect(self._show_title)
        self.view.head.hide()
        head = row(self.title, self.view.head, None, close)
        box = column(head, self.stack, gap=6, margins=(22, 14, 12, 18))
        frame.setLayout(box)
        self.closed.connect(self._left)

    def _sets_part(self) -> QWidget:
        inside = card()
        inside.setLayout(column(self.states, margins=(1, 1, 1, 1)))
        buttons = row(
            self.import_file, self.import_folder, None, self.update_button, self.undo_button,
            self.remove_button,
        )  # fmt: skip
        intro = label(
            tr("An update shows what it changes before anything does; one undo brings the set back."),
            tone="2",
            wrap=True,
        )
        made = QWidget()
        body = column(intro, inside, buttons, gap=10, margins=(0, 0, 10, 0))
        body.setStretch(1, 1)
        made.setLayout(body)
        return made

    def _busy_part(self) -> QWidget:
        made = QWidget()
        self.bar.setFixedWidth(420)
        stop = button(tr("Cancel"), self.cancel)
        middle = column(None, self.stage, self.bar, row(stop, None), None, None, gap=12)
        made.setLayout(row(None, middle, None))
        return made

    def _problem_part(self) -> QWidget:
        made = QWidget()
        made.setLayout(column(self.problem, row(None, button(tr("Back"), self.show_sets)), gap=8))
        return made

    def _show_title(self, part: int) -> None:
        self.title.setVisible(part != 2)
        self.view.head.setVisible(part == 2)

    def open_sets(self) -> None:
        """Show the layer with the sets."""
        self._open()
        self.show_sets()

    def open_file(self, path: Path) -> None:
        """Show the layer with what a file, folder or archive would change."""
        self._open()
        self.look(path, _name(path))

    def _open(self) -> None:
        size = self._page.window().size()
        self.card.setFixedSize(min(1180, size.width() - 48), min(760, size.height() - 48))
        self.open()

    def show_sets(self, current: str = "") -> None:
        """Show the sets, read anew; the one called `current` stands out."""
        self.stack.setCurrentIndex(0)
        self.table.setFocus()
        may = self._page.shell.can(MANAGE)
        self.import_file.setVisible(may)
        self.import_folder.setVisible(may)
        self._show_buttons()

        async def load() -> list[SetRow]:
            found: list[SetRow] = await self._page.api("radar").rule_sets(self._page.ctx)
            return found

        def show(found: list[SetRow]) -> None:
            self.table.show_rows(found, lambda each: each.id)
            self.table.model_.loaded.connect(
                lambda: self._show_current(current), Qt.ConnectionType.SingleShotConnection
            )

        self._page.run(load, done=show, failed=self.table.model_.failed.emit)

    def _show_current(self, name: str) -> None:
        rows = [each.name for each in self.table.model_.cached_rows()]
        if name in rows:
            self.table.go(rows.index(name))
        self._show_buttons()

    def _show_buttons(self) -> None:
        chosen = self.chosen()
        mine = chosen is not None and not chosen.shipped and self._page.shell.can(MANAGE)
        for made in (self.update_button, self.undo_button, self.remove_button):
            made.setVisible(mine)
        self.undo_button.setEnabled(chosen is not None and chosen.undo)

    def chosen(self) -> SetRow | None:
        """Return the set that is chosen."""
        found: SetRow | None = self.table.current_row()
        return found

    def choose_file(self, name: str = "") -> None:
        """Ask for an archive and look at it, for the set `name` or one called as the file is."""
        found, _ = QFileDialog.getOpenFileName(
            self, tr("Rules"), "", f"{tr('Rules and archives')} ({' '.join(FILES)})"
        )
        if found:
            self.look(Path(found), name or _name(Path(found)))

    def choose_folder(self) -> None:
        """Ask for a folder of rules and look at it."""
        if found := QFileDialog.getExistingDirectory(self, tr("Folder of rules")):
            self.look(Path(found), _name(Path(found)))

    def update_set(self) -> None:
        """Ask for a newer archive of the chosen set."""
        chosen = self.chosen()
        if chosen is not None and not chosen.shipped and self._page.shell.can(MANAGE):
            self.choose_file(chosen.name)

    def look(self, path: Path, name: str) -> None:
        """Read rules and show what they would change in the set `name`."""
        self._again = (path, name)
        self.stack.setCurrentIndex(1)
        self.stage.setText(tr("Reading {file}", file=path.name))
        self.bar.setRange(0, 0)
        task = self._page.shell.tasks.start(tr("Look at rules of {name}", name=name))
        bridge = self._page.bridge()

        def told(stage: str, done: int, total: int | None) -> None:
            bridge.post(lambda: self._progress(task, stage, done, total))

        async def read() -> Preview:
            found: Preview = await self._page.api("radar").preview_import(self._page.ctx, path, name, told)
            return found

        def show(preview: Preview) -> None:
            task.finish()
            self.stack.setCurrentIndex(2)
            self.view.show_preview(preview, may=self._page.shell.can(MANAGE))
            self.view.table.setFocus()

        self._handle = bridge.run(read, owner=self, done=show, failed=self._failed(task), limit=None)
        self._task = task
        task.on_cancel(self._stop)

    def _progress(self, task: Task, stage: str, done: int, total: int | None) -> None:
        if task.state != "running":
            return
        names = {"read": tr("Reading"), "parse": tr("Parsing"), "compare": tr("Comparing")}
        shown = formats().figure(done) + (f" / {formats().figure(total)}" if total else "")
        self.stage.setText(f"{names.get(stage, stage)}  {shown}")
        self.bar.setRange(0, total if total and done else 0)
        self.bar.setValue(done)
        task.progress(done / total if total else None, shown)

    def _failed(self, task: Task) -> Callable[[Any], None]:
        def failed(error: Any) -> None:
            task.fail(error.message)
            text = error_text(error)
            again = self._again
            retry = [] if again is None else [(tr("Look again"), lambda: self.look(*again))]
            self.problem.show_text("circle-alert", tr("This could not be done"), text, *retry, tone="bad")
            self.stack.setCurrentIndex(3)

        return failed

    def cancel(self) -> None:
        """Stop reading and go back to the sets."""
        if self._task is not None:
            self._task.cancel()

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if self.stack.currentIndex() == 1:
            self.show_sets()

    def _left(self) -> None:
        if self.stack.currentIndex() == 1:
            self.cancel()

    def _apply(self, preview: Preview, new: NewRules) -> None:
        task = self._page.shell.tasks.start(tr("Import rules {name}", name=preview.name))

        async def work() -> Imported:
            done: Imported = await self._page.api("radar").apply_import(self._page.ctx, preview, new)
            return done

        def done(made: Imported) -> None:
            imported, idle = formats().figure(made.rules), formats().figure(made.rejected)
            said = tr("{n} rules imported, {rejected} cannot run", n=imported, rejected=idle)
            task.finish(said)
            self._page.shell.toast(said, undo=lambda: self.undo(made.name))
            self._changed()
            self.show_sets(made.name)

        self._page.bridge().run(work, owner=self, done=done, failed=self._failed(task), limit=None)

    def undo_chosen(self) -> None:
        """Bring back what the chosen set held before."""
        chosen = self.chosen()
        if chosen is not None and chosen.undo:
            self.undo(chosen.name)

    def undo(self, name: str) -> None:
        """Bring back what a set held before its last import or removal."""

        async def work() -> bool:
            return bool(await self._page.api("radar").undo_import(self._page.ctx, name))

        def done(there: bool) -> None:
            said = (
                tr("{name} is as it was before", name=name)
                if there
                else tr("{name} is gone again", name=name)
            )
            self._page.shell.toast(said, tone="info")
            self._after()

        self._page.bridge().run(work, owner=self, done=done, failed=self._page.shell.report, limit=None)

    def remove_chosen(self) -> None:
        """Remove the chosen set; the message undoes it."""
        chosen = self.chosen()
        if chosen is None or chosen.shipped or not self._page.shell.can(MANAGE):
            return

        async def work() -> None:
            await self._page.api("radar").remove_rule_set(self._page.ctx, chosen.name)

        def done(_: None) -> None:
            said = trn(
                "{name} with {n} rule is removed", "{name} with {n} rules is removed",
                name=chosen.name, n=chosen.rules,
            )  # fmt: skip
            self._page.shell.toast(said, undo=lambda: self.undo(chosen.name))
            self._after()

        self._page.run(work, done=done)

    def _after(self) -> None:
        self._changed()
        if not self.isHidden() and self.stack.currentIndex() == 0:
            self.show_sets()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # Esc leaves a look first, and the layer only from the list of the sets.
            inside = self.stack.currentIndex() in (2, 3)
            if inside and event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.stack.currentIndex() == 0 and self.table.hasFocus():
            self.remove_chosen()
        elif event.key() == Qt.Key.Key_Escape and self.stack.currentIndex() in (2, 3):
            self.show_sets()
        else:
            super().keyPressEvent(event)


def _name(path: Path) -> str:
    """Return what a set from this file is called at first."""
    name = path.name if path.is_dir() else path.name.split(".")[0]
    return name[:60].strip() or "rules"


def _columns() -> list[Column]:
    return [
        Column("name", tr("Rule set"), lambda s: s.name, 200, "strong", stretch=True, tip=lambda s: s.name),
        Column("rules", tr("Can run"), lambda s: count(s.rules), 84, "number"),
        Column("idle", tr("Cannot run"), lambda s: count(s.idle), 92, "number"),
        Column("off", tr("Off"), lambda s: count(s.off), 70, "number"),
        Column("filters", tr("Filters"), lambda s: count(s.filters), 74, "number", drop=3),
        Column("imported_at", tr("Imported"), lambda s: relative(s.imported_at), 110, "time",
               tip=lambda s: absolute(s.imported_at)),
        Column("imported_by", tr("By"), lambda s: "SENT" if s.shipped else s.imported_by or "–", 130, "quiet",
               drop=1),
        Column("origin", tr("From"), lambda s: s.origin or "–", 170, "quiet", drop=2,
               tip=lambda s: s.origin or ""),
    ]  # fmt: skip
