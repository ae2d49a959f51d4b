"""Goes through the places of Capital's pages: details, the editor, and their layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtWidgets import QWidget
from ui.conftest import Desk

from sent.ui.pages.capital.bank import BankPage
from sent.ui.pages.capital.bank.importlayer import Offer
from sent.ui.pages.capital.invoices import InvoicesPage
from sent.ui.pages.capital.invoices.grid import LineText

CSV = b"Date,Description,Name,Amount\n01/03/2026,RENT UNIT 4,Quayside,-850.00\n"
BRIEF = ("payment", "document in the editor", "bank line", "entry of a bank line")
"""The places with widgets of their own kinds; the other layers are forms like these."""


def capital_places(
    desk: Desk, rest: Callable[[Desk], None], *, brief: bool = False
) -> Iterator[tuple[str, QWidget]]:
    """Yield (name, widget) for each place; somebody is signed in who may do everything."""
    for part in (_invoices, _bank):
        for name, root in part(desk, rest):
            if not brief or name in BRIEF:
                yield name, root


def _invoices(desk: Desk, rest: Callable[[Desk], None]) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("invoices")
    rest(desk)
    page = window.pages["invoices"]
    assert isinstance(page, InvoicesPage)
    page.show_view("sales")
    rest(desk)
    page.table.go(2)
    page.open_row(page.table.current_row())
    rest(desk)
    yield "invoice", window
    page.pay()
    rest(desk)
    assert page.deeds.pay_layer is not None
    yield "payment", page.deeds.pay_layer
    page.deeds.pay_layer.close_layer()
    page.deeds.remind()
    rest(desk)
    assert page.deeds.dun_layer is not None
    yield "reminders", page.deeds.dun_layer
    page.deeds.dun_layer.close_layer()
    page.new("invoice")
    page.editor.party.set_account(page.books.parties[0])
    page.editor.commodity.setText("EUR")
    page.editor.grid.set_texts([LineText("Night patrol", "8", "45", "5", "S20", "4000")])
    page.editor._edited()
    desk.bot.wait(60)
    rest(desk)
    yield "document in the editor", window
    page.deeds.new_party("Quay")
    rest(desk)
    assert page.deeds.party_layer is not None
    yield "new party", page.deeds.party_layer
    page.deeds.party_layer.close_layer()
    page.office.edit_sender()
    rest(desk)
    assert page.office.layer is not None
    yield "sender", page.office.layer
    page.office.layer.close_layer()
    page.editor.forget()
    page.show_list(None)
    page.split.close_detail()
    rest(desk)


def _bank(desk: Desk, rest: Callable[[Desk], None]) -> Iterator[tuple[str, QWidget]]:
    window = desk.window
    window.show_page("bank")
    rest(desk)
    page = window.pages["bank"]
    assert isinstance(page, BankPage)
    page.table.go(0)
    rest(desk)
    page.panel.table.go(0)
    yield "bank line", window
    page.begin_entry()
    rest(desk)
    yield "entry of a bank line", window
    page.panel.show_way("match")
    page.explain()
    rest(desk)
    assert page._layer is not None
    yield "difference", page._layer
    page._layer.close_layer()
    page.make_rule()
    desk.bot.wait(160)
    rest(desk)
    assert page.deeds.rule_layer is not None
    yield "rule of the bank", page.deeds.rule_layer
    page.deeds.rule_layer.close_layer()
    page.deeds.add_account()
    rest(desk)
    assert page.deeds.account_layer is not None
    yield "bank account", page.deeds.account_layer
    page.deeds.account_layer.close_layer()
    api = desk.console.bridge.apis["capital.bank"]
    page.deeds._ask_mapping(
        Offer(
            "march.csv", CSV, api.heading(CSV, ","), api.propose_mapping(CSV, commodity="GBP"),
            api.DELIMITERS, api.DAY_FORMATS, "GBP",
        )
    )  # fmt: skip
    rest(desk)
    assert page.deeds.import_layer is not None
    yield "columns of a statement", page.deeds.import_layer
    page.deeds.import_layer.close_layer()
