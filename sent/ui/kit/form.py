"""Forms: a label above, help or the error below; checked when a field is left; Ctrl+Enter sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import column, label, restyle, row
from sent.ui.theme.icons import icon

if TYPE_CHECKING:
    from sent.ui.kit.drafts import Drafts

Check = Callable[[str], str]
"""Text -> what is wrong with it, or an empty string."""


class TextField(QWidget):
    """One line of text with its label, help and error."""

    edited = Signal(str)

    def __init__(
        self,
        title: str,
        *,
        check: Check | None = None,
        help: str = "",
        secret: bool = False,
        hint: str = "",
        bare: bool = False,
    ) -> None:
        """Make a field; `bare` shows no caption where the hint says enough and room is dear."""
        super().__init__()
        self._check, self._help, self._secret = check, help, secret
        self.edit = QLineEdit()
        self.edit.setAccessibleName(title)
        self.edit.setPlaceholderText(hint)
        self.edit.installEventFilter(self)
        self.edit.textEdited.connect(self._typed)
        self._note = label(help, tone="3", type="s", wrap=True)
        caption = label(title, weight="medium", tone="2", type="s")
        caption.setBuddy(self.edit)
        if bare:
            caption.hide()
        self.body = column(caption, self.edit, self._note, gap=5)
        self.setLayout(self.body)
        self._note.setVisible(bool(help))
        if secret:
            self.edit.setEchoMode(QLineEdit.EchoMode.Password)
            self._eye = self.edit.addAction(icon("eye", "text3"), QLineEdit.ActionPosition.TrailingPosition)
            self._eye.setToolTip(tr("Show password"))
            self._eye.triggered.connect(self._toggle_secret)

    def text(self) -> str:
        """Return the text; outer spaces count only in secrets."""
        return self.edit.text() if self._secret else self.edit.text().strip()

    def set_text(self, text: str) -> None:
        """Fill the field."""
        self.edit.setText(text)

    @property
    def secret(self) -> bool:
        """Whether what stands here is a secret, which is never kept anywhere."""
        return self._secret

    def valid(self) -> bool:
        """Check the text now and show what is wrong."""
        problem = self._check(self.text()) if self._check else ""
        self.show_error(problem)
        return not problem

    def show_error(self, problem: str) -> None:
        """Show a problem below the field, or the help again."""
        restyle(self.edit, invalid=bool(problem))
        restyle(self._note, tone="bad" if problem else "3")
        self._note.setText(problem or self._help)
        self._note.setVisible(bool(problem or self._help))
        self.edit.setAccessibleDescription(problem or self._help)

    def show_warning(self, text: str) -> None:
        """Show a remark that does not stop anybody (caps lock), or the help again."""
        if self.edit.property("invalid"):
            return
        restyle(self._note, tone="warn" if text else "3")
        self._note.setText(text or self._help)
        self._note.setVisible(bool(text or self._help))

    def _typed(self, text: str) -> None:
        if self.edit.property("invalid"):
            self.valid()
        self.edited.emit(text)

    def _toggle_secret(self) -> None:
        hidden = self.edit.echoMode() == QLineEdit.EchoMode.Password
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        self._eye.setIcon(icon("eye-off" if hidden else "eye", "text3"))
        self._eye.setToolTip(tr("Hide password") if hidden else tr("Show password"))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.edit.text():
            self.valid()
        if event.type() == QEvent.Type.KeyPress and self._secret and isinstance(event, QKeyEvent):
            self._watch_caps(event)
        return super().eventFilter(watched, event)

    def _watch_caps(self, event: QKeyEvent) -> None:
        """Qt cannot ask for caps lock; a capital typed without Shift, or the reverse, tells."""
        typed = event.text()
        if event.key() == Qt.Key.Key_CapsLock:
            self.show_warning("")
        elif len(typed) == 1 and typed.isalpha() and typed.upper() != typed.lower():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.show_warning(tr("Caps lock is on") if typed.isupper() != shift else "")


class Form(QWidget):
    """Fields below each other; `submitted` when all are valid and Enter on the last or Ctrl+Enter comes."""

    submitted = Signal()

    def __init__(self, *fields: TextField, drafts: Drafts | None = None, key: str = "") -> None:
        super().__init__()
        self.fields = fields
        self.guarded = False
        """Whether closing the window with unsaved text in here asks first."""
        self._drafts, self._key = (drafts, key) if key else (None, "")
        self._given = [field.text() for field in fields]
        if self._drafts is not None:
            self._restore(self._drafts.get(key))
            for field in fields:
                field.edited.connect(lambda _text: self._autosave())
        self.body = column(*fields, gap=14)
        self.setLayout(self.body)
        for sequence in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(sequence), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.submit)
        for number, field in enumerate(fields):
            field.edit.returnPressed.connect(lambda n=number: self._next(n))

    def dirty(self) -> bool:
        """Say whether something was typed that was neither sent nor discarded."""
        return any(field.text() != given for field, given in zip(self.fields, self._given, strict=True))

    def settle(self) -> None:
        """What stands here was sent, or discarded: its draft goes, and nothing is unsaved."""
        self._given = [field.text() for field in self.fields]
        if self._drafts is not None:
            self._drafts.forget(self._key)

    def _autosave(self) -> None:
        if self._drafts is not None:
            texts = {str(n): field.text() for n, field in enumerate(self.fields) if not field.secret}
            self._drafts.put(self._key, texts)

    def _restore(self, texts: dict[str, str]) -> None:
        for number, field in enumerate(self.fields):
            if str(number) in texts and not field.secret:
                field.set_text(texts[str(number)])

    def submit(self) -> None:
        """Check all fields; send when they are valid, else focus the first that is not."""
        wrong = [field for field in self.fields if not field.isHidden() and not field.valid()]
        if wrong:
            wrong[0].edit.setFocus()
        else:
            self.submitted.emit()

    def _next(self, number: int) -> None:
        following = [field for field in self.fields[number + 1 :] if not field.isHidden()]
        if following and not following[0].text():
            following[0].edit.setFocus()
        else:
            self.submit()


def line_of(title: str, help: str, control: QWidget) -> QWidget:
    """Return a line: what it is at the left, the control at the right."""
    made = QWidget()
    text = column(label(title), gap=1)
    if help:
        text.addWidget(label(help, tone="3", type="s", wrap=True))
    layout = row(text, control, gap=16)
    layout.setStretch(0, 1)
    made.setLayout(layout)
    return made


def required(text: str) -> str:
    """Check that something was typed."""
    return "" if text else tr("This is needed")


def email(text: str) -> str:
    """Check that the text looks like an email address."""
    name, _, host = text.partition("@")
    return (
        ""
        if name and "." in host.strip(".") and " " not in text
        else tr("Enter an address such as anna@example.com")
    )


def buttons(*widgets: QWidget) -> QWidget:
    """Return a right-aligned row of buttons."""
    box = QWidget()
    box.setLayout(row(None, *widgets))
    return box


__all__ = ["Check", "Form", "TextField", "buttons", "email", "line_of", "required"]
