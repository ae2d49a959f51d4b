"""The small form that opens the books: chart of accounts, home currency, first day of the business year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import TextField
from sent.ui.kit.widgets import button, column, label, restyle, row
from sent.ui.pages.capital.money import day_shown, day_typed
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

WIDTH = 460
Send = Callable[[str, str, tuple[int, int]], object]
"""Template, home currency, month and day."""
USUAL = {"uk": ("GBP", (4, 1)), "us": ("USD", (1, 1)), "de": ("EUR", (1, 1))}
"""What a country's books usually begin with; the year of the form is that of today."""


class SetupCard(Overlay):
    """Opens with `ask`; who opened it sets up, and says what became of it."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        super().__init__(window, card)
        self._send: Send = lambda *_: None
        self.template = "uk"
        choices = [("uk", tr("United Kingdom")), ("us", tr("United States")), ("de", tr("Germany"))]
        self.choice = Segments(tr("Chart of accounts"), choices, "uk", self.choose)
        self.home = TextField(
            tr("Home currency"), check=_currency, help=tr("All reports are in this currency")
        )
        self.starts = TextField(
            tr("A business year begins on"), check=self._wrong_day, help=tr("The day counts, not its year")
        )
        self.said = label("", tone="bad", type="s", wrap=True)
        self.said.hide()
        self.open_button = button(tr("Set up"), self.send, kind="primary")
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        card.setLayout(
            column(
                label(tr("Set up the books"), type="l"),
                label(
                    tr("This opens the accounts and journals that companies of the country use."),
                    tone="2", wrap=True,
                ),
                label(tr("Chart of accounts"), tone="2", type="s", weight="medium"),
                row(self.choice, None), self.home, self.starts, self.said,
                row(None, leave, self.open_button),
                gap=12, margins=(20, 16, 20, 16),
            )
        )  # fmt: skip
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self).activated.connect(self.send)
        for field in (self.home, self.starts):
            field.edit.returnPressed.connect(self.send)

    def ask(self, send: Send) -> None:
        """Open for somebody."""
        self._send = send
        self.choose(self.template)
        self.card.setFixedWidth(min(round(WIDTH * max(1.0, theme.state().scale)), self._window.width() - 40))
        self.open()
        self.home.edit.setFocus()
        self.home.edit.selectAll()

    def choose(self, template: str) -> None:
        """Take a country's chart and what is usual there."""
        self.template = template
        home, (month, day) = USUAL[template]
        self.home.set_text(home)
        self.starts.set_text(day_shown(date(_today().year, month, day)))
        self.said.hide()

    def send(self) -> None:
        """Set up, or say what is wrong and where."""
        wrong = [field for field in (self.home, self.starts) if not field.valid()]
        if wrong:
            wrong[0].edit.setFocus()
            return
        day = day_typed(self.starts.text(), _today())
        self.open_button.setEnabled(False)
        self._send(self.template, self.home.text().upper(), (day.month, day.day))

    def settle(self) -> None:
        """The books are open."""
        self.open_button.setEnabled(True)
        self.close_layer()

    def refuse(self, text: str) -> None:
        """They are not: what was typed stays, with the reason."""
        self.open_button.setEnabled(True)
        restyle(self.said, tone="bad")
        self.said.setText(text)
        self.said.show()

    def _wrong_day(self, text: str) -> str:
        try:
            day = day_typed(text, _today())
        except ValueError as error:
            return str(error)
        return tr("29 February does not come every year") if (day.month, day.day) == (2, 29) else ""


def _currency(text: str) -> str:
    return "" if len(text) == 3 and text.isascii() and text.isalpha() else tr("Three letters, such as EUR")


def _today() -> date:
    return date.today()  # noqa: DTZ011  (people book on their own day)
