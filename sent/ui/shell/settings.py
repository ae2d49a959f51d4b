"""Settings: appearance of this console, the person's account, and what the engines' manifests declare."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from sent.platform.i18n import LANGUAGES, tr
from sent.ui.kit.choice import Dropdown, Segments
from sent.ui.kit.form import line_of
from sent.ui.kit.page import Page
from sent.ui.kit.widgets import card, column, label, row
from sent.ui.shell.account import AccountCard
from sent.ui.shell.enginesettings import EngineSettings
from sent.ui.shell.frame import theme_titles
from sent.ui.shell.keyboardcard import KeyboardCard
from sent.ui.shell.personalcards import NotificationsCard, RecoveryCard, WindowsCard
from sent.ui.theme import theme

WIDTH = 760
SCALES = tuple((f"{tenths / 10:g}", f"{tenths * 10} %") for tenths in range(9, 16))


class SettingsPage(Page):
    """One column of cards."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.account = AccountCard(self)
        self.engines = EngineSettings(self)
        self.keyboard = KeyboardCard(self)
        self.notifications, self.windows = NotificationsCard(self), WindowsCard(self)
        self.recovery = RecoveryCard(self)
        inner = QWidget()
        inner.setObjectName("surface")
        body: QVBoxLayout = column(
            self._appearance(),
            self.account,
            self.keyboard,
            self.notifications,
            self.windows,
            self.recovery,
            self.engines,
            None,
            gap=14,
        )
        side = QWidget()
        side.setMaximumWidth(WIDTH)
        side.setLayout(body)
        inner.setLayout(row(side, gap=0, margins=(20, 16, 20, 16)))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(area))
        theme.state().changed.connect(self._theme_changed)

    def _appearance(self) -> QWidget:
        state = theme.state()
        densities = [
            ("compact", tr("Compact")),
            ("regular", tr("Regular")),
            ("comfortable", tr("Comfortable")),
        ]
        motions = [("system", tr("As the system")), ("full", tr("Full")), ("calm", tr("Reduced"))]
        languages = [("", tr("As the system")), *LANGUAGES.items()]
        self._theme = Dropdown(tr("Theme"), theme_titles(), state.choice, self._set_theme)
        self._density = Segments(tr("Row density"), densities, state.density, self._set_density)
        self._scale = Dropdown(tr("Text size"), SCALES, _nearest(state.scale), self._set_scale)
        self._motion = Segments(tr("Motion"), motions, state.motion, self._set_motion)
        chosen = self.shell.prefs.text("language")
        self._language = Dropdown(tr("Language"), languages, chosen, self._set_language)
        frame = card()
        lines = (
            line_of(tr("Theme"), tr("Changes at once, everywhere"), self._theme),
            line_of(tr("Row density"), tr("Height of the rows in all lists"), self._density),
            line_of(tr("Text size"), tr("Of everything in this console"), self._scale),
            line_of(tr("Motion"), tr("Reduced: nothing moves or blinks by itself"), self._motion),
            line_of(tr("Language"), tr("From the next start of the console on"), self._language),
        )
        frame.setLayout(
            column(label(tr("Appearance"), weight="bold"), *lines, gap=14, margins=(20, 16, 20, 18))
        )
        return frame

    def _set_theme(self, choice: str) -> None:
        theme.apply(choice)
        self.shell.prefs.set_text("theme", choice)

    def _set_density(self, density: str) -> None:
        theme.set_density(density)
        self.shell.prefs.set_text("density", density)

    def _set_scale(self, scale: str) -> None:
        theme.set_scale(float(scale))
        self.shell.prefs.set_text("scale", scale)

    def _set_motion(self, motion: str) -> None:
        theme.set_motion(motion)
        self.shell.prefs.set_text("motion", motion)

    def _set_language(self, language: str) -> None:
        self.shell.prefs.set_text("language", language)
        self.shell.toast(tr("The language changes at the next start"), tone="info")

    def _theme_changed(self) -> None:
        self._motion.show_choice(theme.state().motion)
        self._scale.show_choice(_nearest(theme.state().scale))
        self._theme.show_choice(theme.state().choice)
        self._density.show_choice(theme.state().density)

    def activate(self) -> None:
        self.account.show_person()
        self.keyboard.show_actions()
        for personal in (self.notifications, self.windows, self.recovery):
            personal.show_now()
        self.engines.load()

    def refresh(self) -> None:
        self.engines.load()


def _nearest(scale: float) -> str:
    return min(SCALES, key=lambda choice: abs(float(choice[0]) - scale))[0]
