"""What stands on a printed document, as words and figures: pure, in the party's language; `paper` draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from sent.engines.capital.billing.documents import Computed
from sent.engines.capital.billing.figures import DunningLetter
from sent.engines.capital.billing.model import Document, DocumentKind, Party, Profile
from sent.engines.capital.billing.totals import HUNDRED, CodeTotal, line_amount, rounded
from sent.engines.capital.billing.wording import WORDS

Align = Literal["left", "right"]
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
EPC_MOST = Decimal("999999999.99")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `share` is its part of the width, the widest one breaks its text into lines."""

    title: str
    share: float
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document ready to be drawn. `pairs` stand beside the address; of the `totals` the last is bold.

    `code` is what the QR code holds (empty: none), `code_title` the line under it.
    """

    title: str
    subject: str
    sender: Profile
    recipient: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    footer: tuple[tuple[str, ...], ...]
    page: str
    intro: str = ""
    code: str = ""
    code_title: str = ""
    logo: bytes | None = None


def of_document(made: Computed, party: Party, profile: Profile, logo: bytes | None) -> Sheet:
    """Return the sheet of an invoice or credit note; a draft says that it is one."""
    about = made.document
    words = _words(party.language)
    sender, party = seller(about, profile), buyer(about, party)
    recipient = (party.name, *_address(party.address))
    title = words[about.kind] if about.number else f"{words['draft']}: {words[about.kind]}"
    taxed = any(made.codes)
    reduced = any(line.discount for line in made.lines)
    columns = [
        Column("#", 0.05), Column(words["description"], 0.46), Column(words["quantity"], 0.12, "right"),
        Column(words["price"], 0.12, "right"),
    ]  # fmt: skip
    columns += [Column(words["discount"], 0.09, "right")] if reduced else []
    columns += [Column(words["tax"], 0.09, "right")] if taxed else []
    columns.append(Column(f"{words['amount']} {about.commodity}", 0.16, "right"))
    rows = []
    for n, (line, code) in enumerate(zip(made.lines, made.codes, strict=True), 1):
        price = line.unit_price.normalize()
        price = max(rounded(price, made.exponent), price, key=_digits)
        row = [
            str(n),
            line.description,
            f"{number(line.quantity, words)} {line.unit}".strip(),
            number(price, words),
        ]
        row += [f"{number(line.discount, words)} %" if line.discount else ""] if reduced else []
        row += [f"{number(code.rate, words)} %" if code is not None else ""] if taxed else []
        rows.append((*row, number(line_amount(line, made.exponent), words)))
    return Sheet(
        f"{title} {about.number or ''}".strip(), about.reference, sender, recipient,
        _pairs(made, party, sender, words), tuple(columns), tuple(rows), _totals(made, words),
        _notes(made, sender, words), _footer(sender, words), words["page"], about.intro, _epc(made, sender),
        words["scan"], logo,
    )  # fmt: skip


def of_letter(
    letter: DunningLetter, party: Party, profile: Profile, logo: bytes | None, exponent: int
) -> Sheet:
    """Return the sheet of a reminder."""
    words = _words(party.language)
    columns = (
        Column(words["invoice"], 0.28), Column(words["date"], 0.16), Column(words["due"], 0.16),
        Column(words["late"], 0.12, "right"), Column(words["interest"], 0.12, "right"),
        Column(f"{words['open']} {letter.commodity}", 0.16, "right"),
    )  # fmt: skip

    def money(amount: Decimal) -> str:
        return number(rounded(amount, exponent), words)

    rows = tuple(
        (
            item.number, day(item.day, words, profile), day(item.due, words, profile), str(item.overdue),
            money(item.interest), money(item.open),
        )
        for item in letter.items
    )  # fmt: skip
    totals = [(words["open"], money(letter.open))]
    totals += [(words["interest"], money(letter.interest))] if letter.interest else []
    totals += [(words["fee"], money(letter.fee))] if letter.fee else []
    totals.append((f"{words['total']} {letter.commodity}", money(letter.total)))
    notes = [_bank(profile, words)] if profile.iban else []
    pairs = (
        (words["date"], day(letter.day, words, profile)),
        (words["customer_number"], party.code),
    )
    return Sheet(
        letter.title, "", profile, (party.name, *_address(party.address)), pairs, columns, rows,
        tuple(totals), tuple(notes), _footer(profile, words), words["page"], letter.body, logo=logo,
    )  # fmt: skip


def number(amount: Decimal, words: dict[str, str]) -> str:
    """Return an amount with the language's separators; no more digits than it has."""
    text = f"{amount:,f}"
    if "." in text and amount == amount.to_integral_value() and len(text.partition(".")[2]) > 3:
        text = text.partition(".")[0]
    elif "." in text and len(text.partition(".")[2]) > 3:
        text = text.rstrip("0")
    return text.translate(str.maketrans(words["separators"], words["wanted"]))


def day(when: date, words: dict[str, str], profile: Profile) -> str:
    """Return a day as the sender's country writes it."""
    if words["language"] == "de":
        return f"{when:%d.%m.%Y}"
    month = _MONTHS[when.month - 1]
    return (
        f"{month} {when.day}, {when.year}" if profile.country == "US" else f"{when.day} {month} {when.year}"
    )


def _digits(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _words(language: str) -> dict[str, str]:
    return WORDS.get(language, WORDS["en"])


def seller(document: Document, profile: Profile) -> Profile:
    """Return who issued a document, as he was then; the profile of now for a draft."""
    kept = document.seller
    if kept is None:
        return profile
    return Profile(**{name: kept[name] for name in Profile.__dataclass_fields__ if name in kept})


def buyer(document: Document, party: Party) -> Party:
    """Return to whom a document was issued, as it was then; the party of now for a draft."""
    kept = document.buyer or {}
    texts = ("code", "name", "address", "country", "tax_number", "email")
    return replace(party, **{name: kept[name] for name in texts if name in kept})


def _address(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _pairs(
    made: Computed, party: Party, sender: Profile, words: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    about = made.document
    pairs = [(words["number"], about.number or ""), (words["date"], day(about.day, words, sender))]
    pairs.append((words["delivered"], about.delivered))
    if about.kind in ("invoice", "bill"):
        pairs.append((words["due"], day(about.due, words, sender)))
    credit = about.credits is not None
    pairs.append((words["credits"] if credit else words["reference"], about.reference))
    pairs.append((words["customer_number"], party.code))
    pairs.append((words["their_tax_number"], party.tax_number))
    return tuple(pair for pair in pairs if pair[1])


def _totals(made: Computed, words: dict[str, str]) -> tuple[tuple[str, str], ...]:
    found = made.totals
    rows = [(words["net"], number(found.net, words))]
    for one in found.codes:
        if one.tax or (one.code.rate and one.code.nature == "standard"):
            rows.append((_taxed(one, words), number(one.tax, words)))
    return (*rows, (f"{words['total']} {made.document.commodity}", number(found.gross, words)))


def _taxed(one: CodeTotal, words: dict[str, str]) -> str:
    return words["taxed"].format(
        name=words["tax_name"], rate=number(one.code.rate, words), base=number(one.base, words)
    )


def _notes(made: Computed, sender: Profile, words: dict[str, str]) -> tuple[str, ...]:
    about = made.document
    notes = []
    reasons = {one.code.reason: None for one in made.totals.codes if one.code.reason}
    notes += [f"{reason}." if not reason.endswith(".") else reason for reason in reasons]
    if about.kind == "invoice" and about.gross is not None:
        notes.append(words["terms"].format(due=day(about.due, words, sender)))
        if about.discount_percent:
            until = about.day + timedelta(days=about.discount_days)
            off = rounded(about.gross * about.discount_percent / HUNDRED, made.exponent)
            notes.append(
                words["early"].format(
                    until=day(until, words, sender), percent=number(about.discount_percent, words),
                    off=number(off, words), pay=number(about.gross - off, words), commodity=about.commodity,
                )
            )  # fmt: skip
        if sender.iban:
            notes.append(_bank(sender, words))
    return tuple([*notes, about.note] if about.note else notes)


def _bank(sender: Profile, words: dict[str, str]) -> str:
    bic = f", BIC {sender.bic}" if sender.bic else ""
    bank = f", {sender.bank}" if sender.bank else ""
    return words["transfer"].format(iban=_grouped(sender.iban), rest=f"{bic}{bank}", name=sender.name)


def _footer(sender: Profile, words: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    tax = f"{words['our_tax_number']} {sender.tax_number}" if sender.tax_number else ""
    account = f"IBAN {_grouped(sender.iban)}" if sender.iban else ""
    columns = (
        (sender.name, *_address(sender.address)),
        (sender.phone, sender.email, sender.website, tax),
        (sender.bank, account, f"BIC {sender.bic}" if sender.bic else "", *_address(sender.footer)),
    )
    return tuple(tuple(line for line in column if line) for column in columns)


def _grouped(iban: str) -> str:
    plain = "".join(iban.split())
    return "\N{NO-BREAK SPACE}".join(plain[n : n + 4] for n in range(0, len(plain), 4))


def _epc(made: Computed, sender: Profile) -> str:
    """Return a credit transfer as a code of the European Payments Council (EPC069-12, version 2)."""
    about = made.document
    if about.kind != "invoice" or about.commodity != "EUR" or not sender.iban or about.gross is None:
        return ""
    if not Decimal("0.01") <= about.gross <= EPC_MOST:
        return ""
    iban = "".join(sender.iban.split())
    lines = ("BCD", "002", "1", "SCT", sender.bic, sender.name[:70], iban, f"EUR{about.gross:.2f}", "", "")
    return "\n".join((*lines, (about.number or "")[:140]))


def printed(kind: DocumentKind) -> bool:
    """Return whether documents of a kind are the organisation's own: bills are their suppliers'."""
    return kind in ("invoice", "sales_credit")
