"""What is done with documents: keep, issue, credit, void, pay, print, remind; Undo where there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from PySide6.QtWidgets import QFileDialog

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.export import export_csv
from sent.ui.pages.capital.fields import today
from sent.ui.pages.capital.invoices.dunlayer import DunLayer
from sent.ui.pages.capital.invoices.files import next_code, open_file, write_file
from sent.ui.pages.capital.invoices.lists import Row
from sent.ui.pages.capital.invoices.partylayer import NewParty, PartyLayer
from sent.ui.pages.capital.invoices.paylayer import Asked, PayLayer
from sent.ui.pages.capital.invoices.written import Written
from sent.ui.pages.capital.money import shown
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Document, DunningLetter, Paid, Party
    from sent.ui.pages.capital.invoices.page import InvoicesPage

T = TypeVar("T")


class DocumentDeeds:
    """The page's actions; the page shows what came of them."""

    def __init__(self, page: InvoicesPage) -> None:
        self._page = page
        self._saved: Document | None = None
        self.pay_layer: PayLayer | None = None
        self.dun_layer: DunLayer | None = None
        self.party_layer: PartyLayer | None = None

    def _run(
        self, act: Callable[[Any, Any], Awaitable[T]], done: Callable[[T], object],
        failed: Callable[[SentError], None] | None = None,
    ) -> None:  # fmt: skip
        """Await `act(api, ctx)` in the background."""
        page = self._page

        async def make() -> T:
            return await act(page.api("capital.billing"), page.ctx)

        page.run(make, done=lambda found: _drop(done(found)), failed=failed)

    def keep(self, written: Written, issue: bool) -> None:
        """Keep a draft, and issue it when asked; what was typed stays when it is refused."""
        editor = self._page.editor

        async def act(api: Any, ctx: Any) -> Document:
            saved: Document = await api.save_document(ctx, _draft(api, written))
            self._saved = saved
            if issue:
                saved = await api.issue(ctx, saved.id)
            return saved

        def done(made: Document) -> None:
            editor.settle()
            self._page.show_list(made.id)
            if issue:
                self._issued(made)
            else:
                self._page.shell.toast(tr("The draft is kept"))

        def failed(error: SentError) -> None:
            kept = self._saved
            if kept is not None:
                # The draft stands; only issuing was refused. The next try changes that draft.
                editor.base = kept
                self._page.load(keep=True)
            editor.refuse(error_text(error))

        self._saved = None
        self._run(act, done, failed)

    def _issued(self, made: Document) -> None:
        amount = f"{shown(made.gross, made.commodity)} {made.commodity}"
        self._page.shell.toast(tr("Issued {number}: {amount}", number=made.number or "", amount=amount))

    def issue(self, rows: Sequence[Row]) -> None:
        """Issue drafts, one after the other; stops at the first that is refused."""
        drafts = [one.document for one in rows if one.state == "draft"]

        async def act(api: Any, ctx: Any) -> list[Document]:
            return [await api.issue(ctx, one.id) for one in drafts]

        def done(made: list[Document]) -> None:
            if len(made) == 1:
                self._issued(made[0])
            else:
                self._page.shell.toast(trn("Issued {n} document", "Issued {n} documents", n=len(made)))
            self._page.show_list(made[-1].id)

        if drafts:
            self._run(act, done, self._refused)

    def credit(self, row: Row) -> None:
        """Make a draft that credits a document, and open it."""

        async def act(api: Any, ctx: Any) -> Any:
            made = await api.credit(ctx, row.id, max(today(), row.day))
            return await api.document(ctx, made.id)

        self._run(act, self._page.edit_draft, self._refused)

    def void(self, row: Row) -> None:
        """Ask why, and take a document back."""

        def why(text: str) -> None:
            async def act(api: Any, ctx: Any) -> Document:
                made: Document = await api.void(ctx, row.id, max(today(), row.day), text)
                return made

            def done(made: Document) -> None:
                if made.id != row.id:
                    said = tr("{number} credits it whole", number=made.number or "")
                    self._page.shell.toast(said)
                else:
                    self._page.shell.toast(tr("{number} is taken back", number=row.number))
                self._page.show_list(row.id)

            self._run(act, done, self._refused)

        self._page.shell.ask(
            tr("Void {number}", number=row.number), tr("Why is it taken back?"), why, most=200
        )

    def delete(self, row: Row) -> None:
        """Delete a draft; the message brings it back."""

        async def act(api: Any, ctx: Any) -> Any:
            made = await api.document(ctx, row.id)
            await api.delete_document(ctx, row.id)
            return made

        def again(made: Any) -> None:
            async def restore(api: Any, ctx: Any) -> Document:
                about = made.document
                kept: Document = await api.save_document(
                    ctx,
                    api.DocumentDraft(
                        about.kind, about.party, about.day, made.lines, due=about.due,
                        commodity=about.commodity, rate=about.rate, reference=about.reference,
                        delivered=about.delivered, intro=about.intro, note=about.note,
                        discount_percent=about.discount_percent, discount_days=about.discount_days,
                        credits=about.credits,
                    ),
                )  # fmt: skip
                return kept

            self._run(restore, lambda kept: self._page.show_list(kept.id), self._refused)

        def done(made: Any) -> None:
            self._page.shell.drafts.forget(f"document/{row.id}")
            self._page.shell.toast(tr("The draft is deleted"), undo=lambda: again(made))
            self._page.show_list(None)

        self._run(act, done, self._refused)

    def pay(self, rows: Sequence[Row]) -> None:
        """Ask for a payment of documents of one party in one currency."""
        about = [one for one in rows if one.document.open]
        same = {(one.document.party, one.document.commodity, one.document.kind) for one in about}
        if not about:
            self._page.shell.toast(tr("Nothing is open here"), tone="info")
            return
        if len(same) > 1:
            self._page.shell.toast(tr("Choose documents of one party, kind and currency"), tone="warn")
            return

        async def act(api: Any, _ctx: Any) -> list[Decimal]:
            day = today()
            found = []
            for one in about:
                exponent = len(str(one.document.gross).partition(".")[2])
                discount = api.cash_discount(one.document, day, min(exponent, 4))
                found.append(discount if one.document.settled == 0 else Decimal(0))
            return found

        def ask(discounts: list[Decimal]) -> None:
            if self.pay_layer is None:
                self.pay_layer = PayLayer(self._page.window())
                self._page.shell.layers.append(self.pay_layer)
            cash = [one for one in self._page.books.accounts if one.role == "cash" and one.closed_on is None]
            self.pay_layer.open_payment(about, cash, discounts, self._pay)

        self._run(act, ask)

    def _pay(self, asked: Asked) -> None:
        layer = self.pay_layer

        async def act(api: Any, ctx: Any) -> Paid:
            parts = [api.Money(one.document, one.amount, one.discount, one.write_off) for one in asked.parts]
            made: Paid = await api.pay(
                ctx,
                api.Payment(
                    asked.party, "in" if asked.incoming else "out", asked.day, asked.amount, asked.commodity,
                    asked.account, parts, reference=asked.reference, key=f"payment:{asked.id}", id=asked.id,
                ),
            )  # fmt: skip
            return made

        def done(made: Paid) -> None:
            if layer is not None:
                layer.close_layer()
            amount = f"{shown(asked.amount, asked.commodity)} {asked.commodity}"
            self._page.shell.toast(
                tr("Payment of {amount} is booked", amount=amount), undo=lambda: self._unpay(made, asked.day)
            )
            self._page.table.clear_marks()
            self._page.load(keep=True)

        def failed(error: SentError) -> None:
            if layer is not None:
                layer.refuse(error_text(error))

        self._run(act, done, failed)

    def _unpay(self, made: Paid, day: date) -> None:
        async def act(api: Any, ctx: Any) -> None:
            await api.undo_payment(ctx, made.payment, day, tr("Undone"))

        def done(_: None) -> None:
            self._page.shell.toast(tr("Undone"), tone="info")
            self._page.load(keep=True)

        self._run(act, done, self._refused)

    def take_off(self, group: UUID) -> None:
        """Take an allocation off a document; the money stays a credit of the party."""

        async def act(api: Any, ctx: Any) -> None:
            await api.unallocate(ctx, group, today(), tr("Taken off"))

        def done(_: None) -> None:
            self._page.shell.toast(tr("Taken off: the money is a credit of the party now"))
            self._page.load(keep=True)

        self._run(act, done, self._refused)

    def print(self, row: Row) -> None:
        """Ask for a file name and save the document as PDF; the message opens it."""
        suggested = f"{row.number}.pdf".replace("/", "-")
        name, _ = QFileDialog.getSaveFileName(self._page, tr("Save as PDF"), suggested, "PDF (*.pdf)")
        if name:
            self.print_to(row, Path(name))

    def print_to(self, row: Row, path: Path) -> None:
        """Save a document as PDF."""

        async def act(api: Any, ctx: Any) -> Path:
            write_file(path, await api.pdf(ctx, row.id))
            return path

        self._run(act, self._saved_file, self._refused)

    def _saved_file(self, path: Path) -> None:
        self._page.shell.toast(
            tr("Saved {name}", name=path.name), undo=lambda: open_file(path), action=tr("Open")
        )

    def remind(self) -> None:
        """Show who would get a reminder today."""
        if self.dun_layer is None:
            self.dun_layer = DunLayer(self._page, self._reminded)
            self._page.shell.layers.append(self.dun_layer)
        self.dun_layer.open_proposal()

    def _reminded(self, letters: Sequence[DunningLetter]) -> None:
        said = trn("{n} reminder is kept", "{n} reminders are kept", n=len(letters))
        self._page.shell.toast(said, undo=lambda: self._print_letters(letters), action=tr("Save as PDF"))
        self._page.load(keep=True)

    def _print_letters(self, letters: Sequence[DunningLetter]) -> None:
        folder = QFileDialog.getExistingDirectory(self._page, tr("Where to save the reminders"))
        if folder:
            self.print_letters_to(letters, Path(folder))

    def print_letters_to(self, letters: Sequence[DunningLetter], folder: Path) -> None:
        """Save reminders as PDF files in a folder."""

        async def act(api: Any, ctx: Any) -> Path:
            for one in letters:
                name = "".join(sign for sign in one.party_name if sign.isalnum() or sign in " -")[:60].strip()
                path = folder / f"{one.day} {name or one.id} {one.level}.pdf"
                write_file(path, await api.letter_pdf(ctx, one.id))
            return folder

        self._run(act, self._saved_file, self._refused)

    def new_party(self, name: str) -> None:
        """Ask for a customer or supplier for the document that is being written."""
        page = self._page
        if self.party_layer is None:
            self.party_layer = PartyLayer(page.window())
            page.shell.layers.append(self.party_layer)
        customer = page.editor.kind in ("invoice", "sales_credit")
        wanted = ("income",) if customer else ("expense",)
        accounts = [one for one in page.books.accounts if one.kind in wanted and one.closed_on is None]
        role = "sales" if customer else "cost_of_sales"
        accounts.sort(key=lambda one: (one.role != role, one.code))
        code = next_code([one.code for one in page.books.parties], "C" if customer else "S")
        self.party_layer.open_new(name, code, accounts, self._add_party, customer=customer)

    def _add_party(self, new: NewParty) -> None:
        layer = self.party_layer

        async def act(api: Any, ctx: Any) -> Party:
            made: Party = await api.save_party(
                ctx,
                api.Party(
                    "customer" if new.customer else "supplier", new.code, new.name, new.address, new.country,
                    new.tax_number, new.email, terms_days=new.days, account=new.account,
                ),
            )  # fmt: skip
            return made

        def done(made: Party) -> None:
            if layer is not None:
                layer.settle()
            self._page.add_party(made)

        def failed(error: SentError) -> None:
            if layer is not None:
                layer.refuse(error_text(error))

        self._run(act, done, failed)

    def export(self) -> None:
        """Write the list to a file."""
        rows, columns = self._page.table.model_.cached_rows(), self._page.table.model_.columns

        async def load(after: Any, limit: int) -> Sequence[Row]:
            start = 0 if after is None else rows.index(after) + 1
            return rows[start : start + limit]

        export_csv(self._page, tr("Documents"), columns, load, lambda r: r, len(rows))

    def _refused(self, error: SentError) -> None:
        self._page.shell.report(error)
        self._page.load(keep=True)


def _drop(_: object) -> None:
    """`run` wants callbacks that return nothing."""


def _draft(api: Any, written: Written) -> Any:
    base = written.base
    lines = [
        api.DocumentLine(
            one.description, one.quantity, one.price, one.tax.code if one.tax else "", discount=one.discount,
            account=one.account,
        )
        for one in written.lines
    ]  # fmt: skip
    rest: dict[str, Any] = {}
    if base is not None:
        rest = {
            "delivered": base.delivered, "intro": base.intro, "discount_percent": base.discount_percent,
            "discount_days": base.discount_days, "credits": base.credits, "version": base.version,
        }  # fmt: skip
    rate = written.rate or (base.rate if base is not None and base.commodity == written.commodity else None)
    return api.DocumentDraft(
        written.kind, written.party, written.day, lines, due=written.due, commodity=written.commodity,
        rate=rate, reference=written.reference, note=written.note, id=written.id, **rest,
    )  # fmt: skip
