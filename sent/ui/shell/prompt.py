"""Asks for one line of text in a layer over the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.form import Form, TextField, required
from sent.ui.kit.widgets import button, clear, column, label, line, row
from sent.ui.shell.overlay import Overlay


class Prompt(Overlay):
    """One question at a time."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(440)
        super().__init__(window, card, top=120)
        self._box = column(gap=12, margins=(20, 14, 16, 16))
        card.setLayout(self._box)
        self.field: TextField | None = None

    def ask(
        self, title: str, caption: str, done: Callable[[str], object], *, text: str = "", most: int = 80
    ) -> None:
        """Ask; `done` gets what was typed, not when the layer is closed."""
        clear(self._box)

        def check(typed: str) -> str:
            return required(typed) or (tr("At most {n} signs", n=most) if len(typed) > most else "")

        field = TextField(caption, check=check)
        field.set_text(text)
        form = Form(field)
        form.guarded = True

        def send() -> None:
            self.close_layer()
            done(field.text())

        form.submitted.connect(send)
        self._box.addWidget(label(title, type="l"))
        self._box.addWidget(line())
        self._box.addWidget(form)
        self._box.addLayout(
            row(
                None,
                button(tr("Cancel"), self.close_layer, kind="quiet"),
                button(tr("OK"), form.submit, kind="primary"),
            )
        )
        self.field = field
        self.open()
        field.edit.setFocus()
        field.edit.selectAll()
