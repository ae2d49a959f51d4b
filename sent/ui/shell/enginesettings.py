"""The organisation's settings, one card per engine, from the manifests alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from sent.platform import registry
from sent.platform.errors import Conflict
from sent.platform.i18n import tr
from sent.ui.kit.form import line_of
from sent.ui.kit.widgets import card, clear, column, label
from sent.ui.shell.conflict import Side

if TYPE_CHECKING:
    from sent.platform.manifest import Setting
    from sent.ui.shell.settings import SettingsPage

PERMISSION = "settings:write"


class EngineSettings(QWidget):
    """A control per setting; a change is stored at once and can be undone."""

    def __init__(self, page: SettingsPage) -> None:
        super().__init__()
        self._page = page
        self._box = column(gap=14)
        self.setLayout(self._box)
        self._values: dict[str, Any] = {}

    def load(self) -> None:
        """Read the values and show them."""
        if self._page.shell.person is None:
            return

        async def load() -> dict[str, Any]:
            from sent.platform.config import settings_store

            return {current.key: current.value for current in await settings_store.get_all(self._page.ctx)}

        self._page.run(load, done=self._show)

    def _show(self, values: dict[str, Any]) -> None:
        if values == self._values and self._box.count():
            return
        self._values = values
        clear(self._box)
        for manifest in registry.manifests():
            if manifest.settings:
                frame = card()
                head = label(tr(manifest.title), weight="bold")
                lines = [self._line(f"{manifest.id}.{setting.key}", setting) for setting in manifest.settings]
                frame.setLayout(column(head, *lines, gap=14, margins=(20, 16, 20, 18)))
                self._box.addWidget(frame)

    def _line(self, key: str, setting: Setting) -> QWidget:
        value = self._values.get(key, setting.default)
        control = control_for(setting, value, partial(self._store, key, setting))
        control.setAccessibleName(tr(setting.title))
        control.setEnabled(self._page.shell.can(PERMISSION))
        return line_of(tr(setting.title), tr(setting.help), control)

    def _store(self, key: str, setting: Setting, value: Any, *, undo: bool = True) -> None:
        before = self._values.get(key, setting.default)
        if value == before:
            return

        async def store() -> None:
            from sent.platform.config import settings_store

            await settings_store.put(self._page.ctx, key, value, expected=before)

        def done(_: None) -> None:
            self._values = {}
            self.load()
            back = partial(self._store, key, setting, before, undo=False) if undo else None
            self._page.shell.toast(tr("{title} saved", title=tr(setting.title)), undo=back)

        def failed(error: Any) -> None:
            self._values = {}
            self.load()
            if isinstance(error, Conflict) and "now" in error.data:
                self._differ(key, setting, error.data["now"], value)
            else:
                self._page.shell.report(error)

        self._values = self._values | {key: value}
        self._page.run(store, done=done, failed=failed)

    def _differ(self, key: str, setting: Setting, now: Any, mine: Any) -> None:
        """Somebody else changed the setting first: show both values."""

        def take(_mine: list[bool]) -> None:
            self._values = self._values | {key: now}
            self._store(key, setting, mine)

        side = Side(tr(setting.title), str(now), str(mine))
        self._page.shell.conflict_wanted.emit(tr(setting.title), [side], take)


def control_for(setting: Setting, value: Any, store: Callable[[Any], None]) -> QWidget:
    """Return the control for a setting's kind; `store` hears the new value when it is settled."""
    if setting.kind == "bool":
        box = QCheckBox()
        box.setChecked(bool(value))
        box.toggled.connect(store)
        return box
    if setting.kind == "int":
        spin = QSpinBox()
        spin.setRange(
            setting.minimum if setting.minimum is not None else -(2**31),
            setting.maximum if setting.maximum is not None else 2**31 - 1,
        )
        spin.setValue(int(value))
        spin.setFixedWidth(110)
        spin.lineEdit().setTextMargins(6, 0, 6, 0)
        spin.editingFinished.connect(lambda: store(spin.value()))
        return spin
    if setting.kind == "choice":
        choice = QComboBox()
        choice.addItems(list(setting.choices))
        choice.setCurrentText(str(value))
        choice.textActivated.connect(store)
        return choice
    edit = QLineEdit(str(value))
    edit.setFixedWidth(240)
    edit.editingFinished.connect(lambda: store(edit.text().strip()))
    return edit
