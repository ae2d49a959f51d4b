"""The form of one step of a mapping; `changed` hears the step as it stands, right or not yet."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import TextField
from sent.ui.kit.widgets import clear, column, label
from sent.ui.pages.sources.steptext import (
    Step,
    conditions_of,
    conditions_text,
    kinds,
    logsource_of,
    logsource_text,
    names_of,
    names_text,
)


class StepForm(QWidget):
    """`show_step` shows a step; a step that is shown is not written by that."""

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("surface")
        self.step: Step | None = None
        self.lines: dict[str, TextField] = {}
        self.areas: dict[str, QPlainTextEdit] = {}
        self.switches: dict[str, QCheckBox] = {}
        self._box = column(gap=8, margins=(0, 4, 8, 4))
        self.setLayout(self._box)

    def show_step(self, step: Step | None, *, may: bool) -> None:
        """Show a step, or that none is chosen."""
        clear(self._box)
        self.step, self.lines, self.areas, self.switches = step, {}, {}, {}
        if step is None:
            text = tr("No step is chosen. Add one, take a preset for a common product, or import a file.")
            self._box.addWidget(label(text, tone="3", wrap=True))
            self._box.addStretch(1)
            return
        kind = step["step"]
        self._box.addWidget(label(dict(kinds())[kind], weight="bold"))
        self._line("title", tr("Note"), str(step.get("title", "")))
        getattr(self, f"_show_{_GROUPS[kind]}")(step)
        self._area(
            "when",
            tr("Only when (all of these, one a line)"),
            conditions_text(step.get("when") or []),
            tr("EventID = 4688 · Image ~ *.exe · message =~ regex · log source windows/*/sysmon · not …"),
            height=70,
        )
        self._box.addStretch(1)
        for edit in self.findChildren(QWidget):
            if isinstance(edit, QPlainTextEdit):
                edit.setReadOnly(not may)
            elif isinstance(edit, QCheckBox | Segments):
                edit.setEnabled(may)
        for line in self.lines.values():
            line.edit.setReadOnly(not may)

    def focus_first(self) -> None:
        """Go to the first field that says what the step does."""
        edits = [*self.areas.values()] if self.step and self.step["step"] in ("map", "drop", "lower") else []
        lines = [line.edit for name, line in self.lines.items() if name != "title"]
        (edits or lines or [self])[0].setFocus()

    def _show_map(self, step: Step) -> None:
        help = tr("The name that comes = the name rules know, more of them by commas")
        self._area("fields", tr("Names, a field a line"), names_text(step.get("fields") or {}), help)
        self._switch("move", tr("Take the old name away"), step)
        self._switch("overwrite", tr("Overwrite a name that is there already"), step)

    def _show_affix(self, step: Step) -> None:
        ways = (("strip", tr("Take away")), ("put", tr("Add")))
        made = Segments(
            tr("What to do"), ways, "strip" if step.get("strip") else "put",
            lambda way: self._put({"strip": way == "strip"}),
        )  # fmt: skip
        self._box.addWidget(made)
        self._line("text", tr("Text"), str(step.get("text", "")))
        self._line("fields", tr("Of these names"), " ".join(step.get("fields") or ["*"]),
                   help=tr("* stands for anything; several by spaces"))  # fmt: skip
        self._switch("move", tr("Take the old name away"), step)

    def _show_add(self, step: Step) -> None:
        self._line("field", tr("Field"), str(step.get("field", "")))
        self._line("value", tr("Value"), str(step.get("value", "")))
        self._line("from", tr("Or the value of this field"), str(step.get("from", "")))
        self._switch("overwrite", tr("Overwrite a name that is there already"), step)

    def _show_list(self, step: Step) -> None:
        text = "\n".join(step.get("fields") or [])
        self._area("fields", tr("Fields, one a line"), text, tr("* and ? stand for anything"))

    def _show_split(self, step: Step) -> None:
        self._line("field", tr("Field"), str(step.get("field", "")))
        self._line("between", tr("Between pairs"), _visible(str(step.get("between", " "))))
        self._line("equals", tr("Between name and value"), _visible(str(step.get("equals", "="))))
        self._line("prefix", tr("In front of each name"), str(step.get("prefix", "")))

    def _show_extract(self, step: Step) -> None:
        self._line("field", tr("Field"), str(step.get("field", "")))
        help = tr("RE2; each named group becomes a field: user=(?P<User>\\w+)")
        self._line("pattern", tr("Pattern"), str(step.get("pattern", "")), help=help)
        self._switch("overwrite", tr("Overwrite a name that is there already"), step)

    def _show_logsource(self, step: Step) -> None:
        help = tr("product/category/service; * where none is meant")
        self._line("logsource", tr("Log source"), logsource_text(step), help=help)
        self._switch("add", tr("Besides the one it has"), step)

    def _line(self, name: str, title: str, text: str, *, help: str = "") -> None:
        made = TextField(title, help=help)
        made.set_text(text)
        made.edited.connect(lambda _text: self._read())
        self.lines[name] = made
        self._box.addWidget(made)

    def _area(self, name: str, title: str, text: str, help: str, *, height: int = 120) -> None:
        made = QPlainTextEdit(text)
        made.setAccessibleName(title)
        made.setProperty("type", "mono")
        made.setTabChangesFocus(True)
        made.setFixedHeight(height)
        made.textChanged.connect(self._read)
        self.areas[name] = made
        self._box.addWidget(label(title, weight="medium", tone="2", type="s"))
        self._box.addWidget(made)
        self._box.addWidget(label(help, tone="3", type="s", wrap=True))

    def _switch(self, name: str, title: str, step: Step) -> None:
        made = QCheckBox(title)
        made.setAccessibleName(title)
        made.setChecked(bool(step.get(name)))
        made.toggled.connect(lambda _on: self._read())
        self.switches[name] = made
        self._box.addWidget(made)

    def _put(self, values: dict[str, Any]) -> None:
        if self.step is not None:
            self.step = self.step | values
            self._read()

    def _read(self) -> None:
        """Make the step of what stands in the form."""
        if self.step is None:
            return
        kept = ("step", "on", "strip")
        step: Step = {name: value for name, value in self.step.items() if name in kept}
        text = {name: line.text() for name, line in self.lines.items()}
        kind = step["step"]
        for name, value in text.items():
            if name == "logsource":
                step |= logsource_of(value)
            elif name == "fields":
                step["fields"] = value.split() or ["*"]
            elif name in ("between", "equals"):
                step[name] = _meant(value)
            elif value or name not in ("title", "from", "value", "prefix"):
                step[name] = value
        if kind == "add" and "from" not in step:
            step["value"] = text["value"]
        if "fields" in self.areas:
            typed = self.areas["fields"].toPlainText()
            names = [line.strip() for line in typed.splitlines() if line.strip()]
            step["fields"] = names_of(typed) if kind == "map" else names
        when = conditions_of(self.areas["when"].toPlainText())
        if when:
            step["when"] = when
        step |= {name: True for name, box in self.switches.items() if box.isChecked()}
        self.step = step
        self.changed.emit(step)


_GROUPS = {
    "map": "map",
    "prefix": "affix",
    "suffix": "affix",
    "add": "add",
    "drop": "list",
    "lower": "list",
    "split": "split",
    "extract": "extract",
    "logsource": "logsource",
}

_SIGNS = ((" ", "␠"), ("\t", "␉"), ("\n", "␊"))


def _visible(text: str) -> str:
    for sign, shown in _SIGNS:
        text = text.replace(sign, shown)
    return text


def _meant(text: str) -> str:
    for sign, shown in _SIGNS:
        text = text.replace(shown, sign)
    return text or " "
