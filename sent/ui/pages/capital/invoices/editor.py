"""A draft: party, days and lines, with totals that follow every key; what is typed survives a crash.

Ctrl+Enter issues, Ctrl+S keeps the draft, Esc leaves it (what was typed stays on this machine until then).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.platform.ids import uuid7
from sent.ui.kit.widgets import button, clear, column, label, line, restyle, row
from sent.ui.pages.capital.accountedit import AccountEdit
from sent.ui.pages.capital.fields import amount_of, captioned, day_of, edit, tidy_day, today
from sent.ui.pages.capital.invoices.grid import LineGrid, LineRow, LineText
from sent.ui.pages.capital.invoices.lists import SALES, kind_name
from sent.ui.pages.capital.invoices.written import Books, Written, plain, sum_line
from sent.ui.pages.capital.money import day_shown, digits, shown

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Computed, Document, TaxCode
    from sent.ui.kit.page import Page

SETTLE_MS = 40


class DocumentEditor(QFrame):
    """See the module; `keep_wanted` carries a `Written` and whether to issue it."""

    keep_wanted = Signal(object, bool)
    left = Signal()
    party_wanted = Signal(str)
    """A name that no party has: somebody wants to add one."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._page = page
        self.books = Books((), (), (), "")
        self.kind, self.base = "invoice", None  # type: tuple[str, Document | None]
        self._id = uuid7()
        self._given: dict[str, str] = {}
        self._busy = self._filling = False
        self.title = label("", type="l")
        self.said = label("", tone="3", type="s", wrap=True)
        self.party = AccountEdit(tr("Party"), tr("Number or name"))
        self.day, self.due = edit(tr("Day")), edit(tr("Due"))
        self.reference = edit(tr("Reference"))
        self.commodity, self.rate = edit(tr("Currency")), edit(tr("Rate"), right=True)
        self.note = edit(tr("Note"), tr("Stands below the lines"))
        self.grid = LineGrid()
        self.keep = button(tr("Keep draft"), lambda: self.send(issue=False))
        self.issue = button(tr("Issue"), lambda: self.send(issue=True), kind="primary")
        self.over = button(tr("Start over"), self.start_over, kind="quiet")
        self.over.setToolTip(tr("Forget what was typed"))
        self.new_party = button(tr("New"), self._new_party, kind="quiet", name=tr("New party"))
        self._totals = column(gap=3)
        self._rate_box = captioned(self.rate)
        self._head: tuple[QLineEdit, ...] = (
            self.party, self.day, self.due, self.reference, self.commodity, self.rate,
        )  # fmt: skip
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._count)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        leave = button(tr("Back"), self.left.emit, kind="quiet")
        leave.setToolTip(tr("Back to the list (Esc)"))
        self.keep.setToolTip(tr("Keep draft") + " (Ctrl+S)")
        self.issue.setToolTip(tr("Number it, book it and close it") + " (Ctrl+Enter)")
        self.day.setFixedWidth(112)
        self.due.setFixedWidth(112)
        self.commodity.setFixedWidth(84)
        self.rate.setFixedWidth(96)
        who = row(self.party, self.new_party, gap=4)
        who.setStretch(0, 1)
        holder = QWidget()
        caption = label(tr("Party"), tone="3", type="s")
        caption.setBuddy(self.party)
        holder.setLayout(column(caption, who, gap=3))
        fields = row(
            holder, captioned(self.day), captioned(self.due), captioned(self.reference),
            captioned(self.commodity), self._rate_box, gap=10,
        )  # fmt: skip
        fields.setStretch(0, 3)
        fields.setStretch(3, 2)
        sums = QWidget()
        sums.setFixedWidth(300)
        sums.setLayout(self._totals)
        foot = row(captioned(self.note), sums, gap=24)
        foot.setStretch(0, 1)
        foot.setAlignment(Qt.AlignmentFlag.AlignTop)
        ends = row(self.said, self.keep, self.issue, gap=8)
        ends.setStretch(0, 1)
        head = row(self.title, None, self.over, leave, gap=8)
        body = column(
            head, fields, line(), self.grid, line(), foot, ends, gap=12, margins=(20, 14, 20, 16)
        )  # fmt: skip
        body.setStretch(3, 1)
        self.setLayout(body)

    def _connect(self) -> None:
        for keys, issue in (("Ctrl+S", False), ("Ctrl+Return", True), ("Ctrl+Enter", True)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda i=issue: self.send(issue=i))
        for number, field in enumerate(self._head):
            field.textChanged.connect(lambda _text: self._edited())
            field.returnPressed.connect(lambda n=number: self._on(n))
        self.note.textChanged.connect(lambda _text: self._edited())
        self.note.returnPressed.connect(self.issue.setFocus)
        self.grid.changed.connect(self._edited)
        self.grid.finished.connect(self.note.setFocus)
        self.party.chosen.connect(self._party_chosen)
        for field in (self.day, self.due):
            tidy_day(field, today)

    def set_books(self, books: Books) -> None:
        """Say which parties, taxes and accounts there are."""
        self.books = books
        self._offer()

    def _offer(self) -> None:
        customer = self.kind in SALES
        wanted = "customer" if customer else "supplier"
        self.party.set_accounts([p for p in self.books.parties if p.kind == wanted and not p.archived])
        day = today()
        taxes: dict[str, TaxCode] = {}
        for one in self.books.taxes:
            fits = one.kind == ("sale" if customer else "purchase")
            if fits and one.starts <= day and (one.ends is None or day <= one.ends):
                taxes.setdefault(one.code, one)
        kinds = ("income", "liability", "asset", "equity") if customer else ("expense", "asset", "liability")
        accounts = [a for a in self.books.accounts if a.closed_on is None and a.kind in kinds]
        accounts.sort(key=lambda a: (kinds.index(a.kind), a.code))
        self.grid.set_choices(list(taxes.values()), accounts)

    def open_new(self, kind: str) -> None:
        """Begin a document; what was typed before a crash comes back."""
        self._open(kind, None, uuid7())
        self._fill({"day": day_shown(today()), "commodity": self.books.home}, [])
        self._restore()
        self.party.setFocus() if not self.party.text() else self.grid.begin()

    def start_over(self) -> None:
        """Forget what was typed since the document was opened; the message brings it back."""
        typed, key = self._texts(), self._key()
        self._page.shell.drafts.forget(key)
        self._show_texts(self._given)

        def again() -> None:
            if self._key() == key:
                self._show_texts(typed)
                self._page.shell.drafts.put(key, typed)

        self._page.shell.toast(tr("What was typed is forgotten"), tone="info", undo=again)
        self.party.setFocus()

    def open_draft(self, made: Computed) -> None:
        """Go on with a draft."""
        about = made.document
        self._open(about.kind, about, about.id)
        accounts = {one.id: one for one in self.books.accounts}
        lines = []
        for one in made.lines:
            account = accounts.get(one.account) if one.account is not None else None
            lines.append(
                LineText(
                    one.description, plain(one.quantity), plain(one.unit_price),
                    plain(one.discount, dash=True),
                    one.tax, account.code if account is not None else "",
                )
            )  # fmt: skip
        party = next((one for one in self.books.parties if one.id == about.party), None)
        head = {
            "party": party.code if party else "", "day": day_shown(about.day), "due": day_shown(about.due),
            "reference": about.reference, "commodity": about.commodity, "note": about.note,
            "rate": plain(about.rate) if about.rate else "",
        }  # fmt: skip
        self._fill(head, lines)
        self._restore()
        self.grid.begin()

    def _open(self, kind: str, base: Document | None, id: UUID) -> None:
        self.kind, self.base, self._id, self._busy = kind, base, id, False
        self.title.setText(kind_name(kind) if base is None else tr("{kind}, draft", kind=kind_name(kind)))
        self._offer()
        hint = tr("Ctrl+Enter issues, Ctrl+S keeps the draft. Amounts may be sums such as 3*12.50")
        if not self.books.taxes:
            hint = tr("There are no tax codes yet: Set up taxes in the palette (Ctrl+K) brings them")
        self.tell(hint)
        self._buttons()

    def _fill(self, head: dict[str, str], lines: Sequence[LineText]) -> None:
        self._filling = True
        found = next((p for p in self.books.parties if p.code == head.get("party")), None)
        self.party.set_account(found)
        for name in ("day", "due", "reference", "commodity", "rate", "note"):
            field = getattr(self, name)
            field.setText(head.get(name, ""))
            restyle(field, invalid=False)
        self.grid.set_texts(lines)
        self._filling = False
        self._given = self._texts()
        self.over.hide()
        self._show_rate()
        self._timer.start()

    def _restore(self) -> None:
        kept = self._page.shell.drafts.get(self._key())
        if not kept:
            return
        self._show_texts(kept)
        self.tell(tr("What you typed before is here again"))

    def _show_texts(self, texts: dict[str, str]) -> None:
        """Show texts in place of the given ones, which stay what `dirty` compares with."""
        try:
            lines = [LineText(**one) for one in json.loads(texts.get("lines") or "[]")]
        except (ValueError, TypeError):
            lines = []
        given = self._given
        self._fill(texts, lines)
        self._given = given
        self.over.setVisible(self.dirty())

    def _key(self) -> str:
        return f"document/{self.base.id if self.base is not None else self.kind}"

    def _texts(self) -> dict[str, str]:
        party = self.party.account()
        found = {
            name: getattr(self, name).text().strip()
            for name in ("day", "due", "reference", "commodity", "rate", "note")
        }
        found["party"] = party.code if party is not None else ""
        lines = [asdict(one) for one in self.grid.texts()]
        found["lines"] = json.dumps(lines) if lines else ""
        return found

    def dirty(self) -> bool:
        """Say whether something was typed that is neither kept nor discarded."""
        return self._texts() != self._given

    def forget(self) -> None:
        """What stands here was kept, or is not wanted."""
        self._page.shell.drafts.forget(self._key())
        self._given = self._texts()

    def _edited(self) -> None:
        if self._filling:
            return
        texts = self._texts()
        if texts != self._given:
            self._page.shell.drafts.put(self._key(), texts)
        else:
            self._page.shell.drafts.forget(self._key())
        self.over.setVisible(texts != self._given)
        self._show_rate()
        self._timer.start()

    def _show_rate(self) -> None:
        home, given = self.books.home, self.commodity.text().strip().upper()
        self._rate_box.setVisible(bool(home) and bool(given) and given != home)

    def _on(self, number: int) -> None:
        following = [field for field in self._head[number + 1 :] if field.isVisible()]
        if following:
            following[0].setFocus(Qt.FocusReason.TabFocusReason)
            following[0].selectAll()
        else:
            self.grid.begin()

    def _party_chosen(self) -> None:
        found = self.party.account()
        if self._filling or found is None:
            return
        party: Any = found
        day = day_of(self.day, today()) or today()
        if not self.due.text().strip():
            self.due.setText(day_shown(day + timedelta(days=party.terms_days)))
        if party.commodity:
            self.commodity.setText(party.commodity)

    def _new_party(self) -> None:
        text = "" if self.party.account() is not None else self.party.text().strip()
        self.party_wanted.emit(text)

    def written(self) -> Written | None:
        """Return what stands here, or say what is wrong and where."""
        party = self.party.account()
        restyle(self.party, invalid=party is None)
        if party is None:
            self._wrong(self.party, tr("Who is it for? Choose from the list, or add somebody"))
            return None
        day = day_of(self.day, today())
        due = day_of(self.due, today()) if self.due.text().strip() else None
        if day is None or (due is None and self.due.text().strip()):
            self._wrong(self.day if day is None else self.due, tr("Not a day: write 2026-03-14, 14.3. or 14"))
            return None
        if due is not None and due < day:
            self._wrong(self.due, tr("It is due before its day"))
            return None
        rate = None
        if self._rate_box.isVisible() and self.rate.text().strip():
            rate = amount_of(self.rate)
            if rate is None or rate <= 0:
                self._wrong(self.rate, tr("A rate is an amount above nothing"))
                return None
        lines = self.grid.read()
        if lines is None:
            self.tell(self.grid.problem(), bad=True)
            return None
        if not lines:
            self.tell(tr("A document has at least one line"), bad=True)
            self.grid.begin()
            return None
        return Written(
            self._id, self.kind, party.id, day, due, self.commodity.text().strip().upper() or None, rate,
            self.reference.text().strip(), self.note.text().strip(), lines, self.base,
        )  # fmt: skip

    def send(self, *, issue: bool) -> None:
        """Keep what stands here, and issue it when asked."""
        if self._busy:
            return
        found = self.written()
        if found is not None:
            self._busy = True
            self._buttons()
            self.keep_wanted.emit(found, issue)

    def settle(self) -> None:
        """It was kept: forget what is on this machine."""
        self._busy = False
        self._buttons()
        self.forget()

    def refuse(self, text: str) -> None:
        """It was not kept: everything stays, with the reason."""
        self._busy = False
        self._buttons()
        self.tell(text, bad=True)

    def _buttons(self) -> None:
        for made in (self.keep, self.issue):
            made.setEnabled(not self._busy)

    def tell(self, text: str, *, bad: bool = False) -> None:
        """Say something below the lines."""
        restyle(self.said, tone="bad" if bad else "3")
        self.said.setText(text)

    def _wrong(self, field: QLineEdit, text: str) -> None:
        restyle(field, invalid=True)
        field.setAccessibleDescription(text)
        field.setFocus()
        field.selectAll()
        self.tell(text, bad=True)

    def _count(self) -> None:
        """Have the totals of what is understood so far computed."""
        found = self.grid.understood()
        commodity = self.commodity.text().strip().upper() or self.books.home

        async def count() -> Any:
            api = self._page.api("capital.billing")
            lines = [
                api.DocumentLine(
                    one.description, one.quantity, one.price, one.tax.code if one.tax else "",
                    discount=one.discount,
                )
                for _, one in found
            ]  # fmt: skip
            return api.totals(lines, [one.tax for _, one in found], digits(commodity))

        self._page.run(count, done=lambda totals: self._show_totals([r for r, _ in found], totals, commodity))

    def _show_totals(self, rows: Sequence[LineRow], totals: Any, commodity: str) -> None:
        self.grid.show_nets(rows, totals.nets, commodity)
        clear(self._totals)
        lines = [(tr("Net"), totals.net)]
        lines += [(one.code.name, one.tax + one.owed) for one in totals.codes]
        for name, amount in lines:
            self._totals.addLayout(sum_line(name, f"{shown(amount, commodity)} {commodity}"))
        whole = f"{shown(totals.gross, commodity)} {commodity}"
        self._totals.addLayout(sum_line(tr("Total"), whole, strong=True))
