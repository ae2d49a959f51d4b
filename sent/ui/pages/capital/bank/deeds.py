"""What is done on a bank account: import, accept, match, book, make a rule, do what is certain, undo."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from PySide6.QtWidgets import QFileDialog

from sent.platform.errors import Invalid, SentError
from sent.platform.i18n import tr, trn
from sent.ui.pages.capital.bank.accountlayer import BankAccountLayer, NewBank
from sent.ui.pages.capital.bank.importlayer import ImportLayer, Offer
from sent.ui.pages.capital.bank.lists import Line, split_of
from sent.ui.pages.capital.bank.rulelayer import NewRule, RuleLayer
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import AutoMatched, CsvMapping, Held, Imported, Open
    from sent.ui.pages.capital.bank.page import BankPage

T = TypeVar("T")
MOST_BYTES = 32 * 1024 * 1024
SUFFIXES = (".xml", ".camt", ".ofx", ".qfx", ".sta", ".mt940", ".940", ".txt", ".csv", ".gz")
LIMIT_S = 600.0


class BankDeeds:
    """The page's actions; `done` remembers matches for Undo, the newest last."""

    def __init__(self, page: BankPage) -> None:
        self._page = page
        self.done: list[UUID] = []
        self._moved: dict[UUID, Sequence[UUID]] = {}
        self.import_layer: ImportLayer | None = None
        self.rule_layer: RuleLayer | None = None
        self.account_layer: BankAccountLayer | None = None

    def _run(
        self, act: Callable[[Any, Any], Awaitable[T]], done: Callable[[T], object],
        failed: Callable[[SentError], None] | None = None,
    ) -> None:  # fmt: skip
        page = self._page

        async def make() -> T:
            return await act(page.api("capital.bank"), page.ctx)

        def finished(found: T) -> None:
            done(found)

        page.run(make, done=finished, failed=failed or self._refused)

    def accept(self, line: Line) -> None:
        """Do what is proposed for a line; it leaves the list at once."""
        proposal = line.proposal
        if proposal is None:
            looking = tr("Matches are still being looked for")
            said = tr("Nothing is proposed for this line") if self._page.proposer.known else looking
            self._page.shell.toast(said, tone="info")
            return
        self._carry(lambda _api: proposal, proposal.movements, tr("Matched {what}", what=line.text[:60]))

    def match(self, lines: Sequence[Line], opens: Sequence[Open], charge: bool) -> None:
        """Match chosen lines with chosen items."""
        movements = [one.movement for one in lines]
        split = split_of(movements, opens, charge=charge)
        if split is None:
            self._page.shell.toast(tr("Lines and items do not come to the same amount"), tone="warn")
            return

        def made(api: Any) -> Any:
            taken = tuple(api.Taken(o, a) for o, a in zip(opens, split.amounts, strict=True))
            ids = tuple(one.id for one in movements)
            return api.Proposal("match", ids, 1.0, ("person",), taken=taken, charge=split.charge)

        said = trn("Matched {n} line", "Matched {n} lines", n=len(movements))
        self._carry(made, [one.id for one in movements], said)

    def create(self, lines: Sequence[Line], account: UUID, tax: str, memo: str) -> None:
        """Book lines against an account."""
        ids = tuple(one.id for one in lines)

        def made(api: Any) -> Any:
            return api.Proposal("book", ids, 1.0, ("person",), account=account, tax_code=tax, memo=memo)

        self._carry(made, ids, trn("Booked {n} line", "Booked {n} lines", n=len(ids)))

    def _carry(self, made: Callable[[Any], Any], movements: Sequence[UUID], said: str) -> None:
        page = self._page
        bank = page.bank
        if bank is None or not page.take_away(movements):
            return

        async def act(api: Any, ctx: Any) -> UUID:
            found: UUID = await api.accept(ctx, bank.id, made(api))
            return found

        def done(match: UUID) -> None:
            self.done.append(match)
            self._moved[match] = movements
            page.shell.toast(said, undo=lambda: self._undo(match))
            page.settled(anew=False)

        def failed(error: SentError) -> None:
            page.bring_back(movements)
            self._refused(error)

        self._run(act, done, failed)

    def undo(self) -> None:
        """Take the last match back; without one of today's the newest that stands."""
        bank = self._page.bank
        if bank is None:
            return
        if self.done:
            self._undo(self.done[-1])
            return

        async def act(api: Any, ctx: Any) -> list[Held]:
            found: list[Held] = await api.held(ctx, bank.id, 1)
            return found

        def done(found: list[Held]) -> None:
            if found:
                self._undo(found[0].id)
            else:
                self._page.shell.toast(tr("There is nothing to undo"), tone="info")

        self._run(act, done)

    def _undo(self, match: UUID) -> None:
        async def act(api: Any, ctx: Any) -> None:
            await api.undo(ctx, match)

        def done(_: None) -> None:
            self._page.shell.toast(tr("The match is undone; what it booked is reversed"), tone="info")
            self._page.bring_back(self._moved.pop(match, ()))
            self._page.settled()

        if match in self.done:
            self.done.remove(match)
        self._run(act, done)

    def certain(self) -> None:
        """Match all that is certain, as a task, and say what came of it."""
        page, bank = self._page, self._page.bank
        if bank is None:
            return
        count = sum(one.sure == "certain" for one in page.lines)
        if not count:
            page.shell.toast(tr("Nothing is certain: look at the lines one by one"), tone="info")
            return
        task = page.shell.tasks.start(tr("Match what is certain"))
        task.progress(None, trn("{n} line", "{n} lines", n=count))

        async def make() -> tuple[AutoMatched, list[Held]]:
            api, ctx = page.api("capital.bank"), page.ctx
            before = await api.held(ctx, bank.id, 1)
            made = await api.auto_match(ctx, bank.id)
            after = await api.held(ctx, bank.id, made.matched + 1)
            known = {one.id for one in before}
            return made, [one for one in after[: made.matched] if one.id not in known and one.how != "person"]

        def done(found: tuple[AutoMatched, list[Held]]) -> None:
            made, held = found
            self.done += [one.id for one in reversed(held)]
            text = summary(made)
            task.finish(text)
            page.shell.toast(text, tone="warn" if made.refused else "ok")
            page.settled()

        def failed(error: SentError) -> None:
            task.fail(error_text(error))
            self._refused(error)

        handle = page.bridge().run(make, owner=page, done=done, failed=failed, label="match", limit=LIMIT_S)
        task.on_cancel(handle.cancel)

    def choose_file(self) -> None:
        """Ask for a statement and import it."""
        name, _ = QFileDialog.getOpenFileName(
            self._page, tr("Import a statement"), "", f"{tr('Statements')} (*{' *'.join(SUFFIXES)})"
        )  # fmt: skip
        if name:
            self.open_file(Path(name))

    def open_file(self, path: Path) -> None:
        """Read a statement; a CSV file is shown with its mapping first."""
        page, bank = self._page, self._page.bank
        if bank is None:
            page.shell.toast(tr("Add the bank account first"), tone="warn")
            return

        async def act(api: Any, ctx: Any) -> Offer | Imported:
            data = await asyncio.to_thread(_content, path)
            if api.detected(data) != "csv":
                made: Imported = await api.import_statement(ctx, bank.id, data)
                return made
            mapping = await api.saved_mapping(ctx, bank.id)
            try:
                mapping = mapping or api.propose_mapping(data, commodity=bank.commodity)
            except SentError:
                mapping = None
            heads = api.heading(data, mapping.delimiter if mapping is not None else ";")
            return Offer(
                path.name, data, heads, mapping, api.DELIMITERS, api.DAY_FORMATS, bank.commodity
            )  # fmt: skip

        def done(found: Offer | Imported) -> None:
            if isinstance(found, Offer):
                self._ask_mapping(found)
            else:
                self._imported(found)

        self._run(act, done)

    def _ask_mapping(self, offer: Offer) -> None:
        if self.import_layer is None:
            self.import_layer = ImportLayer(self._page, self._import_csv)
            self._page.shell.layers.append(self.import_layer)
        self.import_layer.open_offer(offer)

    def _import_csv(self, offer: Offer, mapping: CsvMapping) -> None:
        bank = self._page.bank
        if bank is None:
            return

        async def act(api: Any, ctx: Any) -> Imported:
            await api.save_mapping(ctx, bank.id, mapping)
            made: Imported = await api.import_statement(ctx, bank.id, offer.data, format="csv")
            return made

        self._run(act, self._imported)

    def _imported(self, made: Imported) -> None:
        text = trn("{n} new line", "{n} new lines", n=made.added)
        if made.known:
            text += ", " + trn("{n} was known", "{n} were known", n=made.known)
        self._page.shell.toast(tr("Statement read: {text}", text=text))
        self._page.settled()

    def make_rule(self, line: Line) -> None:
        """Ask for a rule that fits a line."""
        page = self._page
        if self.rule_layer is None:
            self.rule_layer = RuleLayer(page, self._keep_rule)
            page.shell.layers.append(self.rule_layer)
        proposed = line.proposal.account if line.proposal is not None else None
        account = next((one for one in page.accounts if one.id == proposed), None)
        movements = [one.movement for one in page.lines]
        self.rule_layer.open_rule(line.movement, movements, page.accounts, page.taxes, account)

    def _keep_rule(self, new: NewRule) -> None:
        layer, bank = self.rule_layer, self._page.bank
        if layer is None or bank is None:
            return

        async def act(api: Any, ctx: Any) -> None:
            await api.save_rule(
                ctx,
                api.Rule(
                    new.name, new.account, text_pattern=new.text, party_pattern=new.party,
                    direction=new.direction, tax_code=new.tax, memo=new.memo, auto=new.auto,
                    bank_account=bank.id,
                ),
            )  # fmt: skip

        def done(_: None) -> None:
            layer.settle()
            self._page.shell.toast(tr("The rule {name} is kept", name=new.name))
            self._page.settled()

        self._run(act, done, lambda error: layer.refuse(error_text(error)))

    def add_account(self) -> None:
        """Ask for a bank account."""
        page = self._page
        if self.account_layer is None:
            self.account_layer = BankAccountLayer(page.window(), self._add_account)
            page.shell.layers.append(self.account_layer)
        taken = {one.account for one in page.banks}
        cash = [one for one in page.accounts if one.role == "cash" and one.id not in taken]
        rest = [one for one in page.accounts if one.kind in ("asset", "liability") and one not in cash]
        self.account_layer.open_new(cash + [one for one in rest if one.id not in taken], page.home)

    def _add_account(self, new: NewBank) -> None:
        layer, page = self.account_layer, self._page
        if layer is None:
            return

        async def act(api: Any, ctx: Any) -> UUID:
            journals = await page.api("capital").journals(ctx)
            fitting = [one for kind in ("bank", "general") for one in journals if one.kind == kind]
            if not fitting:
                raise Invalid("capital.journal", tr("The books have no journal: set them up first"))
            made: UUID = await api.open_bank_account(
                ctx, new.account.id, fitting[0].id, new.name, commodity=new.commodity, iban=new.iban
            )
            return made

        def done(made: UUID) -> None:
            layer.settle()
            page.choose_bank(str(made))

        self._run(act, done, lambda error: layer.refuse(error_text(error)))

    def _refused(self, error: SentError) -> None:
        self._page.shell.report(error)
        self._page.settled()


def summary(made: AutoMatched) -> str:
    """Return what matching by itself came to."""
    parts = [trn("{n} line matched", "{n} lines matched", n=made.matched)]
    if made.by_rule:
        parts.append(trn("{n} by a rule", "{n} by rules", n=made.by_rule))
    parts.append(trn("{n} is left", "{n} are left", n=made.left))
    if made.refused:
        why = made.refused[0][1]
        parts.append(trn("{n} was refused: {why}", "{n} were refused: {why}", n=len(made.refused), why=why))
    return ", ".join(parts)


def _content(path: Path) -> bytes:
    """Return a file's content, unpacked and bounded; raises Invalid."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                with gzip.open(file) as packed:
                    data = packed.read(MOST_BYTES + 1)
            else:
                data = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid(
            "console.file", tr("Cannot read {path}: {why}", path=str(path), why=str(error))
        ) from error
    if len(data) > MOST_BYTES:
        raise Invalid(
            "console.file", tr("{name} is larger than 32 MB: ask the bank for less", name=path.name)
        )
    return data
