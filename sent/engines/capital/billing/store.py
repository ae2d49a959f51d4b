"""Billing in SQL: parties, tax codes, documents, payments. What is final goes through functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from sent.engines.capital.billing.model import (
    Document,
    DocumentDraft,
    DocumentLine,
    Party,
    Profile,
    Settings,
    TaxCode,
)
from sent.engines.capital.billing.totals import Totals
from sent.engines.capital.model import Draft, Fault, Outcome
from sent.engines.capital.store import request_digest
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar

_PARTY = (
    "select p.id, p.kind, p.code, p.name, p.address, p.country, p.tax_number, p.email, p.language, p.iban,"
    " p.terms_days, p.discount_percent, p.discount_days, p.commodity, p.control_id as control,"
    " p.account_id as account, p.client_id as client, p.stopped, p.archived, p.version from capital.party p"
)
_TAX = (
    "select t.id, t.code, t.name, t.kind, t.nature, t.rate, t.starts, t.ends, t.inclusive, t.recoverable,"
    " t.rounding, t.reason, t.category, t.account_id as account, t.counter_id as counter, t.base_boxes,"
    " t.tax_boxes, t.counter_boxes, t.version from capital.tax_code t"
)
_TAX_COLUMNS = (
    "code name kind nature rate starts ends inclusive recoverable rounding reason category account_id"
    " counter_id base_boxes tax_boxes counter_boxes"
)
_TAX_FIELDS = {"account_id": "account", "counter_id": "counter"}
_DOCUMENT = (
    "select d.id, d.kind, d.state, d.party_id as party, d.number, d.day, d.due, d.delivered, d.commodity,"
    " d.rate,"
    " d.reference, d.intro, d.note, d.discount_percent, d.discount_days, d.control_id as control, d.credits,"
    " d.net, d.tax, d.gross, coalesce((select sum(a.amount) from capital.allocation a"
    "  where a.organization_id = d.organization_id and a.released_at is null and a.document_id = d.id), 0)"
    " + coalesce((select sum(a.amount) from capital.allocation a"
    "  where a.organization_id = d.organization_id and a.released_at is null and a.credit_id = d.id), 0)"
    " as settled, d.entry_id as entry, d.voided_on, d.issued_at, d.seller, d.buyer, d.stopped, d.version"
    " from capital.document d"
)


async def exponent(tx: Tx, commodity: str) -> int | None:
    """Return how many digits a commodity has; None when it is unknown."""
    found = await scalar(tx, "select capital.exponent(%s)", [commodity])
    return None if found is None else int(found)


async def parties(tx: Tx, kind: str | None) -> list[Party]:
    """Return parties by name."""
    query = f"{_PARTY} where %(kind)s::text is null or p.kind = %(kind)s order by p.name, p.id limit 20000"
    return await fetch(tx, Party, query, {"kind": kind})


async def party(tx: Tx, id: UUID) -> Party | None:
    """Return a party."""
    return await fetch_one(tx, Party, f"{_PARTY} where p.id = %s", [id])


async def save_party(tx: Tx, one: Party) -> bool:
    """Insert a party of version 0, else change it; False when its version is another one by now."""
    row = {**asdict(one)}
    if one.version == 0:
        await tx.execute(
            "insert into capital.party (id, kind, code, name, address, country, tax_number, email,"
            " language, iban,"
            " terms_days, discount_percent, discount_days, commodity, control_id, account_id, client_id,"
            " stopped,"
            " archived) values (%(id)s, %(kind)s, %(code)s, %(name)s, %(address)s, %(country)s,"
            " %(tax_number)s,"
            " %(email)s, %(language)s, %(iban)s, %(terms_days)s, %(discount_percent)s, %(discount_days)s,"
            " %(commodity)s, %(control)s, %(account)s, %(client)s, %(stopped)s, %(archived)s)",
            row,
        )
        return True
    cursor = await tx.execute(
        "update capital.party set code = %(code)s, name = %(name)s, address = %(address)s,"
        " country = %(country)s, tax_number = %(tax_number)s, email = %(email)s, language = %(language)s,"
        " iban = %(iban)s, terms_days = %(terms_days)s, discount_percent = %(discount_percent)s,"
        " discount_days = %(discount_days)s, commodity = %(commodity)s, control_id = %(control)s,"
        " account_id = %(account)s, stopped = %(stopped)s, archived = %(archived)s"
        " where id = %(id)s and version = %(version)s",
        row,
    )
    return cursor.rowcount == 1


async def settings(tx: Tx) -> Settings:
    """Return the organisation's billing; the defaults before anybody saved any."""
    cursor = await tx.execute(
        "select b.profile, b.logo, b.given_id, b.taken_id, b.write_off_id, b.write_off_limit from"
        " capital.billing b"
    )
    row = await cursor.fetchone()
    if row is None:
        return Settings()
    known = Profile.__dataclass_fields__
    profile = Profile(**{name: value for name, value in row[0].items() if name in known})
    return Settings(profile, None if row[1] is None else bytes(row[1]), *row[2:])


async def save_settings(tx: Tx, one: Settings) -> None:
    """Keep the organisation's billing."""
    await tx.execute(
        "insert into capital.billing as b (profile, logo, given_id, taken_id, write_off_id, write_off_limit)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (organization_id) do update set profile ="
        " excluded.profile,"
        " logo = excluded.logo, given_id = excluded.given_id, taken_id = excluded.taken_id,"
        " write_off_id = excluded.write_off_id, write_off_limit = excluded.write_off_limit",
        [Jsonb(asdict(one.profile)), one.logo, one.given, one.taken, one.write_off, one.write_off_limit],
    )


async def tax_codes(tx: Tx) -> list[TaxCode]:
    """Return all tax codes, the newest row of a code first."""
    return await fetch(tx, TaxCode, f"{_TAX} order by t.kind desc, t.code, t.starts desc limit 2000")


async def save_tax_code(tx: Tx, one: TaxCode) -> bool:
    """Insert a tax code of version 0, else change it; False when its version is another one by now."""
    row = {
        **asdict(one), "base_boxes": list(one.base_boxes), "tax_boxes": list(one.tax_boxes),
        "counter_boxes": list(one.counter_boxes),
    }  # fmt: skip
    values = {column: f"%({_TAX_FIELDS.get(column, column)})s" for column in _TAX_COLUMNS.split()}
    if one.version == 0:
        names, texts = ", ".join(values), ", ".join(values.values())
        await tx.execute(f"insert into capital.tax_code (id, {names}) values (%(id)s, {texts})", row)
        return True
    sets = ", ".join(f"{column} = {text}" for column, text in values.items())
    cursor = await tx.execute(
        f"update capital.tax_code set {sets} where id = %(id)s and version = %(version)s", row
    )
    return cursor.rowcount == 1


async def set_series(tx: Tx, kind: str, year: int, prefix: str, width: int, first: int) -> None:
    """Say how the numbers of a kind and year look."""
    await tx.execute("select capital.set_series(%s, %s, %s, %s, %s)", [kind, year, prefix, width, first])


async def document(tx: Tx, id: UUID) -> Document | None:
    """Return a document."""
    return await fetch_one(tx, Document, f"{_DOCUMENT} where d.id = %s", [id])


async def documents(tx: Tx, kind: str | None, party: UUID | None, most: int) -> list[Document]:
    """Return documents, the newest first."""
    return await fetch(
        tx,
        Document,
        f"{_DOCUMENT} where (%(kind)s::text is null or d.kind = %(kind)s)"
        " and (%(party)s::uuid is null or d.party_id = %(party)s)"
        " order by d.day desc, d.created_at desc limit %(most)s",
        {"kind": kind, "party": party, "most": most},
    )


async def lines(tx: Tx, document: UUID) -> list[DocumentLine]:
    """Return the lines of a document in their order."""
    return await fetch(
        tx,
        DocumentLine,
        "select l.id, l.description, l.quantity, l.unit, l.unit_price, l.discount, l.account_id as account,"
        " l.tax, l.net, l.version from capital.document_line l where l.document_id = %s order by l.n",
        [document],
    )


@dataclass(frozen=True, slots=True)
class Head:
    """What a draft is saved with: everything that was left to the party is decided."""

    due: date
    commodity: str
    discount_percent: Decimal
    discount_days: int


_INSERT = (
    "insert into capital.document (id, kind, party_id, day, due, delivered, commodity, rate, reference,"
    " intro, note, discount_percent, discount_days, credits) values (%(id)s, %(kind)s, %(party)s, %(day)s,"
    " %(due)s, %(delivered)s, %(commodity)s, %(rate)s, %(reference)s, %(intro)s, %(note)s, %(percent)s,"
    " %(days)s, %(credits)s)"
)
_INSERT_LINE = (
    "insert into capital.document_line (id, document_id, n, description, quantity, unit, unit_price,"
    " discount, account_id, tax) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def _row(one: DocumentDraft, head: Head) -> dict[str, Any]:
    return {
        "id": one.id, "kind": one.kind, "party": one.party, "day": one.day, "due": head.due,
        "delivered": one.delivered, "commodity": head.commodity, "rate": one.rate, "reference": one.reference,
        "intro": one.intro, "note": one.note, "percent": head.discount_percent, "days": head.discount_days,
        "credits": one.credits, "version": one.version,
    }  # fmt: skip


def _line_rows(one: DocumentDraft) -> list[tuple[Any, ...]]:
    return [
        (line.id, one.id, n, line.description, line.quantity, line.unit, line.unit_price, line.discount,
         line.account, line.tax)
        for n, line in enumerate(one.lines, 1)
    ]  # fmt: skip


async def insert_drafts(tx: Tx, drafts: Sequence[tuple[DocumentDraft, Head]]) -> None:
    """Insert many new drafts with few round trips."""
    async with tx.cursor() as cursor:
        await cursor.executemany(_INSERT, [_row(one, head) for one, head in drafts])
        await cursor.executemany(_INSERT_LINE, [row for one, _ in drafts for row in _line_rows(one)])


async def save_draft(tx: Tx, one: DocumentDraft, head: Head) -> bool:
    """Insert a draft of version 0, else replace it; False when its version is another one by now."""
    if one.version == 0:
        await tx.execute(_INSERT, _row(one, head))
    else:
        cursor = await tx.execute(
            "update capital.document set party_id = %(party)s, day = %(day)s, due = %(due)s,"
            " delivered = %(delivered)s, commodity = %(commodity)s, rate = %(rate)s, reference ="
            " %(reference)s,"
            " intro = %(intro)s, note = %(note)s, discount_percent = %(percent)s, discount_days = %(days)s"
            " where id = %(id)s and version = %(version)s",
            _row(one, head),
        )
        if cursor.rowcount != 1:
            return False
        await tx.execute("delete from capital.document_line where document_id = %s", [one.id])
    async with tx.cursor() as cursor:
        await cursor.executemany(_INSERT_LINE, _line_rows(one))
    return True


async def delete_draft(tx: Tx, id: UUID) -> bool:
    """Delete a draft; False when there is no such document."""
    cursor = await tx.execute("delete from capital.document where id = %s", [id])
    return cursor.rowcount == 1


async def stop(tx: Tx, document: UUID, stopped: bool) -> bool:
    """Stop or resume the dunning of a document; False when there is no such document."""
    cursor = await tx.execute("update capital.document set stopped = %s where id = %s", [stopped, document])
    return cursor.rowcount == 1


@dataclass(frozen=True, slots=True)
class TaxRow:
    """A row of `capital.tax_item`, signed as the kind of document is in the return."""

    tax: UUID
    rate: Decimal
    base: Decimal
    amount: Decimal
    home_base: Decimal
    home_amount: Decimal


def tax_rows(rows: Sequence[TaxRow]) -> Jsonb:
    """Return rows as the functions of the database take them."""
    # As text: JSON numbers would pass through binary floats.
    return Jsonb([{name: str(value) for name, value in asdict(row).items()} for row in rows])


@dataclass(frozen=True, slots=True)
class Issue:
    """All that makes a draft final: who sent it to whom, what it comes to and the entry."""

    document: UUID
    version: int
    due: date
    lines: Sequence[DocumentLine]
    totals: Totals
    rate: Decimal | None
    control: UUID
    seller: Profile
    buyer: Party
    taxes: Sequence[TaxRow]
    draft: Draft


_ISSUE = (
    "select number, fault, booked from capital.issue(%s, %s, %s::uuid[], %s::integer[], %s, %s, %s, %s, %s,"
    " %s, %s, %s, %s, %s::numeric[], %s, %s, %s, %s, %s, %s::uuid[], %s::text[], %s::numeric[], %s::text[])"
)


def _issued(one: Issue) -> list[Any]:
    people = (orjson.loads(orjson.dumps(asdict(person), default=str)) for person in (one.seller, one.buyer))
    draft, totals = one.draft, one.totals
    return [
        one.document, one.version, [line.id for line in one.lines], [line.version for line in one.lines],
        draft.day, one.due, one.control, totals.net, totals.tax, totals.gross, one.rate,
        *(Jsonb(person) for person in people), list(totals.nets), tax_rows(one.taxes), draft.journal,
        draft.id, draft.memo, request_digest("document", one.document), *_columns(draft),
    ]  # fmt: skip


async def issue(tx: Tx, one: Issue) -> tuple[str, Outcome]:
    """Number, book and close a draft; returns the number."""
    ((number, fault, entry),) = await (await tx.execute(_ISSUE, _issued(one))).fetchall()
    return str(number), Outcome(Fault(fault), entry)


async def issue_many(tx: Tx, found: Sequence[Issue]) -> list[tuple[str, Outcome]]:
    """Number, book and close drafts in their order, with few round trips."""
    made = []
    async with tx.cursor() as cursor:
        await cursor.executemany(_ISSUE, [_issued(one) for one in found], returning=True)
        more: bool | None = bool(found)
        while more:
            ((number, fault, entry),) = await cursor.fetchall()
            made.append((str(number), Outcome(Fault(fault), entry)))
            more = cursor.nextset()
    return made


async def void(tx: Tx, document: UUID, entry: UUID, day: date, why: str) -> Outcome:
    """Take back what a document booked."""
    cursor = await tx.execute(
        "select fault, booked from capital.void_document(%s, %s, %s, %s)", [document, entry, day, why]
    )
    ((fault, booked),) = await cursor.fetchall()
    return Outcome(Fault(fault), booked)


def _columns(draft: Draft) -> list[list[Any]]:
    return [
        [line.account for line in draft.lines], [line.commodity for line in draft.lines],
        [line.amount for line in draft.lines], [line.note for line in draft.lines],
    ]  # fmt: skip


async def issued_codes(tx: Tx, document: UUID) -> list[TaxCode]:
    """Return the tax codes that an issued document was made with."""
    return await fetch(
        tx,
        TaxCode,
        f"{_TAX} where exists (select from capital.tax_item i where i.document_id = %s and i.tax_id = t.id)",
        [document],
    )


async def credited(tx: Tx, document: UUID) -> Decimal:
    """Return what credit notes took off a document so far."""
    found = await scalar(
        tx,
        "select coalesce(sum(d.gross), 0) from capital.document d where d.credits = %s and d.state ="
        " 'issued'",
        [document],
    )
    return Decimal(found)
