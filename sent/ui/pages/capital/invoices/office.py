"""What all documents share: who sends them and where he is paid, and the taxes of a country."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QFrame, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.form import Form, TextField, required
from sent.ui.kit.widgets import button, column, label, line, row
from sent.ui.pages.capital.money import typed
from sent.ui.shell.actions import Action
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.palette import Entry
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Settings, TaxCode
    from sent.ui.pages.capital.invoices.page import InvoicesPage

MANAGE = "capital:manage"
LOGO_BYTES = 500_000
FIELDS = (
    "name",
    "address",
    "country",
    "tax_number",
    "email",
    "phone",
    "website",
    "bank",
    "iban",
    "bic",
    "footer",
)


class SenderLayer(Overlay):
    """Asks who sends documents; `done` hears the texts, the paper and a new logo (None: as it was)."""

    sends = True

    def __init__(self, window: QWidget, done: Callable[[dict[str, str], bytes | None], object]) -> None:
        card = QFrame()
        card.setFixedWidth(620)
        super().__init__(window, card, top=40)
        self._done = done
        self._logo: bytes | None = None
        self._paper = "A4"
        titles = (
            tr("Name"), tr("Address"), tr("Country"), tr("Tax number"), tr("Email"), tr("Phone"),
            tr("Website"), tr("Bank"), "IBAN", "BIC", tr("Line at the foot"),
        )  # fmt: skip
        self.fields = {
            name: TextField(title, check=required if name == "name" else None)
            for name, title in zip(FIELDS, titles, strict=True)
        }
        self.form = Form(*self.fields.values())
        self.form.guarded = True
        self.form.submitted.connect(self._send)
        for names in (
            ("name", "country"), ("address", "tax_number"), ("email", "phone", "website"),
            ("bank", "iban", "bic"),
        ):  # fmt: skip
            self.form.body.addLayout(row(*(self.fields[name] for name in names), gap=12))
        self.form.body.addWidget(self.fields["footer"])
        self.paper = Segments(tr("Paper"), [("A4", "A4"), ("Letter", "Letter")], "A4", self._choose)
        self.logo = button(tr("Choose a logo"), self._ask_logo)
        self.said = label("", tone="bad", type="s", wrap=True)
        self.keep = button(tr("Save"), self.form.submit, kind="primary", name=tr("Save the sender"))
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        card.setLayout(
            column(
                label(tr("Who sends our documents"), type="l"), line(), self.form,
                row(self.paper, self.logo, None, gap=12), self.said,
                row(None, leave, self.keep, gap=8), gap=12,
                margins=(20, 16, 20, 16),
            )
        )  # fmt: skip

    def open_sender(self, settings: Settings) -> None:
        """Show what is kept."""
        self._logo = None
        for name, field in self.fields.items():
            field.set_text(str(getattr(settings.profile, name)).replace("\n", ", "))
            field.show_error("")
        self._choose(settings.profile.paper)
        self.logo.setText(tr("Another logo") if settings.logo else tr("Choose a logo"))
        self.refuse("")
        self.form.settle()
        self.open()
        self.fields["name"].edit.setFocus()

    def _choose(self, paper: str) -> None:
        self._paper = paper
        self.paper.show_choice(paper)

    def _ask_logo(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Choose a logo"), "", "PNG, JPEG (*.png *.jpg *.jpeg)")
        if name:
            self.take_logo(Path(name))

    def take_logo(self, path: Path) -> None:
        """Take a picture from a file."""
        try:
            with path.open("rb") as file:
                data = file.read(LOGO_BYTES + 1)
        except OSError as error:
            self.refuse(tr("Cannot read {path}: {why}", path=str(path), why=str(error)))
            return
        if len(data) > LOGO_BYTES:
            self.refuse(tr("The logo is larger than 500 kB"))
            return
        self._logo = data
        self.logo.setText(path.name[:30])

    def _send(self) -> None:
        self.keep.setEnabled(False)
        texts = {name: field.text() for name, field in self.fields.items()}
        texts["address"] = texts["address"].replace(", ", "\n")
        texts["country"] = texts["country"].upper()
        self._done(texts | {"paper": self._paper}, self._logo)

    def settle(self) -> None:
        """It was kept."""
        self.form.settle()
        self.close_layer()

    def refuse(self, text: str) -> None:
        """Say why it was not kept; everything stays."""
        self.keep.setEnabled(True)
        self.said.setText(text)
        self.said.setVisible(bool(text))


class Office:
    """The page's actions for what all documents share."""

    def __init__(self, page: InvoicesPage) -> None:
        self._page = page
        self.layer: SenderLayer | None = None

    def actions(self) -> list[Action]:
        """Return them; they stand in the palette."""
        made = partial(Action, permission=MANAGE, group=tr("Invoices"))
        return [
            made("invoices.sender", tr("Who sends our documents"), self.edit_sender, "user"),
            made("invoices.taxes", tr("Set up taxes"), self.set_up_taxes, "scale"),
        ]

    def edit_sender(self) -> None:
        """Show who sends documents."""
        page = self._page

        async def read() -> Settings:
            found: Settings = await page.api("capital.billing").settings(page.ctx)
            return found

        def show(found: Settings) -> None:
            if self.layer is None:
                self.layer = SenderLayer(page.window(), self._keep)
                page.shell.layers.append(self.layer)
            self.layer.open_sender(found)

        page.run(read, done=show)

    def _keep(self, texts: dict[str, str], logo: bytes | None) -> None:
        page, layer = self._page, self.layer
        if layer is None:
            return

        async def keep() -> None:
            api = page.api("capital.billing")
            now = await api.settings(page.ctx)
            made = replace(now, profile=replace(now.profile, **texts), logo=logo or now.logo)
            await api.save_settings(page.ctx, made)

        def done(_: None) -> None:
            layer.settle()
            page.shell.toast(tr("The next document has it"))

        page.run(keep, done=done, failed=lambda error: layer.refuse(error_text(error)))

    def set_up_taxes(self) -> None:
        """Let somebody choose the taxes of a country."""
        entries = [
            Entry("uk", tr("Value added tax of the United Kingdom"), run=partial(self._set_up, "uk")),
            Entry("de", tr("Value added tax of Germany"), run=partial(self._set_up, "de")),
            Entry("us", tr("Sales tax of a state of the USA"), run=self._ask_state),
        ]
        self._page.shell.choose(tr("Set up taxes"), entries)

    def _ask_state(self) -> None:
        def answered(text: str) -> None:
            state, _, percent = text.strip().partition(" ")
            try:
                rate = typed(percent.rstrip(" %"))
            except ValueError as error:
                self._page.shell.toast(str(error), tone="warn")
                return
            self._set_up("us", state=state.upper(), rate=rate)

        self._page.shell.ask(tr("Set up taxes"), tr("State and rate in percent, such as TX 8.25"), answered)

    def _set_up(self, name: str, *, state: str | None = None, rate: Decimal | None = None) -> None:
        page = self._page

        async def make() -> list[TaxCode]:
            api: Any = page.api("capital.billing")
            found: list[TaxCode] = await api.set_up_taxes(page.ctx, name, state=state, rate=rate)
            return found

        def done(made: list[TaxCode]) -> None:
            page.shell.toast(trn("{n} tax code added", "{n} tax codes added", n=len(made)))
            page.load(keep=True)

        def failed(error: SentError) -> None:
            page.shell.report(error)

        page.run(make, done=done, failed=failed)
