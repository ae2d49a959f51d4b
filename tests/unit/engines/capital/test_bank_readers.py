"""Readers of bank statements: what the published formats say, and that broken files name place and cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from bank_files import IBAN, Payment, camt, mt940, ofx
from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.capital.bank.readers import camt as camt_reader
from sent.engines.capital.bank.readers import mt940 as mt940_reader
from sent.engines.capital.bank.readers import ofx as ofx_reader
from sent.engines.capital.bank.readers import table
from sent.engines.capital.bank.readers.detect import detected, read
from sent.engines.capital.bank.readers.statement import Statement
from sent.platform.errors import Invalid

DAY = date(2025, 3, 31)
RENT = Payment(
    DAY, "-850.00", "Grundstücksgesellschaft Nord & Süd", "DE89370400440532013000", "MIETE APRIL <Halle 5>",
    "RENT-04", "BR0001", date(2025, 4, 1),
)  # fmt: skip
PAID = Payment(DAY, "1190.50", "Müller Bau GmbH", "DE75512108001245126199", "RE-2025-00017", "", "BR0002")


def only(found: list[Statement]) -> Statement:
    (one,) = found
    return one


@pytest.mark.parametrize("version", ["02", "08"])
def test_camt_tells_parties_references_and_balances(version: str) -> None:
    found = only(camt_reader.read(camt([RENT, PAID], "100.00", version=version)))
    assert (found.account, found.commodity, found.number) == (IBAN, "EUR", "7")
    assert (found.opening, found.closing) == (Decimal("100.00"), Decimal("440.50"))
    rent, paid = found.lines
    assert (rent.amount, rent.day, rent.value_day) == (Decimal("-850.00"), DAY, date(2025, 4, 1))
    assert (rent.counterparty, rent.iban) == (RENT.name, RENT.iban)
    assert rent.text == "MIETE APRIL <Halle 5>"
    assert (rent.end_to_end, rent.bank_id, rent.code) == ("RENT-04", "BR0001", "PMNT-RCDT-ESCT")
    assert (paid.amount, paid.counterparty, paid.end_to_end) == (Decimal("1190.50"), "Müller Bau GmbH", "")


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_batch_is_split_when_its_parts_make_its_amount_and_else_kept_whole(version: str) -> None:
    parts = (replace(PAID, amount="40.00", text="A"), replace(PAID, amount="60.00", text="B"))
    batch = replace(PAID, amount="100.00", parts=parts)
    found = only(camt_reader.read(camt([batch], "0.00", version=version)))
    assert [(x.amount, x.text, x.bank_id) for x in found.lines] == [
        (Decimal("40.00"), "A", "BR0002#1"), (Decimal("60.00"), "B", "BR0002#2"),
    ]  # fmt: skip
    odd = replace(batch, amount="101.00")
    found = only(camt_reader.read(camt([odd], "0.00", version=version)))
    assert [(x.amount, x.text) for x in found.lines] == [(Decimal("101.00"), "A B")]


def test_a_returned_transfer_is_a_credit_from_whom_it_was_sent_to() -> None:
    back = replace(RENT, amount="850.00", reversal=True, bank_id="BR0003")
    line = only(camt_reader.read(camt([RENT, back], "900.00"))).lines[1]
    assert (line.amount, line.reversal, line.counterparty) == (Decimal("850.00"), True, RENT.name)
    line = only(mt940_reader.read(mt940([RENT, back], "900.00"))).lines[1]
    assert (line.amount, line.reversal) == (Decimal("850.00"), True)


def test_only_booked_entries_count() -> None:
    data = camt([RENT, PAID], "0.00", closing="1190.50").replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>", 1)
    assert [x.amount for x in only(camt_reader.read(data)).lines] == [Decimal("1190.50")]


@pytest.mark.parametrize("version", [1, 2])
def test_ofx_tells_lines_in_both_ways_of_writing(version: int) -> None:
    found = only(ofx_reader.read(ofx([RENT, PAID], "440.50", version=version)))
    assert (found.account, found.commodity) == ("0000202051", "EUR")
    assert (found.opening, found.closing) == (None, Decimal("440.50"))
    rent, paid = found.lines
    assert (rent.amount, rent.day, rent.bank_id) == (Decimal("-850.00"), DAY, "BR0001")
    assert rent.text == "MIETE APRIL <Halle 5>"
    assert rent.counterparty == "Grundstücksgesellschaft Nord & Süd"[:32].strip()
    assert (paid.counterparty, paid.code) == ("Müller Bau GmbH", "CREDIT")


def test_sgml_may_leave_values_empty_and_without_an_end() -> None:
    data = ofx([PAID], "1190.50", version=1).replace(b"<MEMO>", b"<CHECKNUM>\r\n<REFNUM>\r\n<MEMO>")
    line = only(ofx_reader.read(data)).lines[0]
    assert (line.text, line.reference, line.amount) == ("RE-2025-00017", "", Decimal("1190.50"))


def test_a_credit_card_is_an_account_too() -> None:
    data = ofx([PAID], "1190.50").decode()
    for old, new in (
        ("BANKMSGSRSV1", "CREDITCARDMSGSRSV1"), ("STMTTRNRS", "CCSTMTTRNRS"), ("STMTRS", "CCSTMTRS"),
        ("BANKACCTFROM", "CCACCTFROM"),
    ):  # fmt: skip
        data = data.replace(f"<{old}>", f"<{new}>").replace(f"</{old}>", f"</{new}>")
    assert only(ofx_reader.read(data.encode())).lines[0].bank_id == "BR0002"


def test_mt940_tells_the_german_subfields() -> None:
    found = only(mt940_reader.read(mt940([RENT, PAID], "100.00")))
    assert (found.account, found.number) == ("0000202051", "7/1")
    assert (found.opening, found.closing) == (Decimal("100.00"), Decimal("440.50"))
    rent, paid = found.lines
    assert (rent.amount, rent.day, rent.value_day) == (Decimal("-850.00"), DAY, date(2025, 4, 1))
    assert (rent.counterparty, rent.iban) == (RENT.name, RENT.iban)
    assert rent.text == "MIETE APRIL <Halle 5> GUTSCHRIFT"
    assert (rent.end_to_end, rent.bank_id, rent.code) == ("RENT-04", "BR0001", "166")
    assert paid.text == "RE-2025-00017 GUTSCHRIFT"


def test_mt940_takes_plain_text_an_envelope_several_statements_and_overdrafts() -> None:
    first = mt940([PAID], "-2000.00", structured=False).decode("cp1252")
    second = mt940([RENT], "-809.50", number="8/1").decode("cp1252")
    data = f"{{1:F01BANKDEFFXXXX}}{{2:O940}}{{4:\r\n{first[:-3]}-}}\r\n{second}".encode("cp1252")
    one, two = mt940_reader.read(data)
    assert (one.opening, one.closing, two.opening) == (
        Decimal("-2000.00"), Decimal("-809.50"), Decimal("-809.50"),
    )  # fmt: skip
    assert one.lines[0].text == "RE-2025-00017 Müller Bau GmbH"
    assert (two.number, two.closing) == ("8/1", Decimal("-1659.50"))


def test_mt940_books_in_the_year_that_is_nearest_to_the_value_day() -> None:
    late = replace(PAID, day=date(2024, 12, 31), value_day=date(2025, 1, 2))
    line = only(mt940_reader.read(mt940([late], "0.00"))).lines[0]
    assert (line.day, line.value_day) == (date(2024, 12, 31), date(2025, 1, 2))


def test_mt940_takes_pages_and_slashed_information() -> None:
    text = mt940([PAID], "0.00").decode("cp1252").replace(":60F:", ":60M:").replace(":62F:", ":62M:")
    start = text.index(":86:")
    told = ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/NAME/J JANSEN/REMI/Factuur 17\r\n/EREF/E-17"
    text = text[:start] + told + text[text.index("\r\n:62M:") :]
    line = only(mt940_reader.read(text.encode())).lines[0]
    assert (line.counterparty, line.iban) == ("J JANSEN", "NL91ABNA0417164300")
    assert (line.text, line.end_to_end, line.code) == ("Factuur 17", "E-17", "SEPA OVERBOEKING")


GERMAN = (
    "Umsatzanzeige;Stand 31.03.2025\n\n"
    "Buchungstag;Valuta;Auftraggeber/Empfänger;Verwendungszweck;IBAN;Betrag;Saldo;Währung\n"
    '31.03.2025;01.04.2025;Müller Bau GmbH;"RE-2025-00017; danke";DE7551210800;1.190,50;440,50;EUR\n'
    "30.03.2025;31.03.2025;Vermieter;Miete;DE89370400440532013000;-850,00;-750,00;EUR\n\n"
)
ENGLISH = (
    "Date,Description,Paid out,Paid in,Balance\n"
    "03/31/2025,Rent,850.00,,-750.00\n"
    '03/31/2025,Invoice 17,,"1,190.50",440.50\n'
)


def test_a_csv_proposes_its_mapping_and_is_read_by_it() -> None:
    mapping = table.propose(GERMAN.encode("cp1252"))
    assert (mapping.delimiter, mapping.mark, mapping.day_format) == (";", ",", "%d.%m.%Y")
    found = only(table.read(GERMAN.encode("cp1252"), mapping))
    assert (found.opening, found.closing) == (Decimal("100.00"), Decimal("440.50"))
    paid = found.lines[0]
    assert (paid.amount, paid.counterparty, paid.text, paid.value_day) == (
        Decimal("1190.50"), "Müller Bau GmbH", "RE-2025-00017; danke", date(2025, 4, 1),
    )  # fmt: skip


def test_a_csv_may_have_two_columns_and_american_days() -> None:
    mapping = table.propose(ENGLISH.encode(), commodity="USD")
    assert (mapping.delimiter, mapping.mark, mapping.day_format) == (",", ".", "%m/%d/%Y")
    found = only(table.read(ENGLISH.encode(), mapping))
    assert [x.amount for x in found.lines] == [Decimal("-850.00"), Decimal("1190.50")]
    assert (found.opening, found.closing, found.commodity) == (Decimal("100.00"), Decimal("440.50"), "USD")


def test_a_csv_may_tell_the_sign_in_a_column_of_its_own() -> None:
    mapping = table.CsvMapping(
        {"day": ("Datum",), "amount": ("Umsatz",), "sign": ("S/H",)}, ";", ",", "%d.%m.%Y", commodity="EUR"
    )
    found = only(table.read(b"Datum;Umsatz;S/H\n31.03.2025;850,00;S\n31.03.2025;10,00;H\n", mapping))
    assert [x.amount for x in found.lines] == [Decimal("-850.00"), Decimal("10.00")]


def test_the_content_tells_the_format() -> None:
    files = {
        "camt053": camt([PAID], "0.00"), "mt940": mt940([PAID], "0.00"), "csv": GERMAN.encode(),
        "ofx": ofx([PAID], "0.00", version=1),
    }  # fmt: skip
    for kind, data in files.items():
        assert detected(data) == read(data)[0] == kind
    assert detected(ofx([PAID], "0.00")) == "ofx"


BOMB = b'<?xml version="1.0"?><!DOCTYPE D [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document>&b;</Document>'
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE D [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'
)
GOOD_CAMT, GOOD_OFX, GOOD_MT = (
    camt([RENT, PAID], "100.00"),
    ofx([PAID], "1.00", version=1),
    mt940([PAID], "0.00"),
)
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "file: it is empty"),
    "camt bomb": (BOMB, "line 1: a document type is not taken"),
    "camt entity": (OUTSIDE, "line 1: a document type is not taken"),
    "camt deep": (b"<Document>" + b"<a>" * 100 + b"</a>" * 100 + b"</Document>", "line 1: nested too deep"),
    "camt cut off": (GOOD_CAMT[:-200], "line 2: broken XML"),
    "camt other message": (b"<Document><CstmrCdtTrfInitn/></Document>", "document: it is no camt.053"),
    "camt amount": (GOOD_CAMT.replace(b">850.00<", b">85O.00<"), "'85O.00' is no amount"),
    "camt infinite": (GOOD_CAMT.replace(b">850.00<", b">Infinity<"), "'Infinity' is no amount"),
    "camt sign": (GOOD_CAMT.replace(b"DBIT", b"DEBIT"), "CdtDbtInd must be CRDT or DBIT"),
    "camt sum": (
        camt([RENT, PAID], "100.00", closing="440.49"),
        r"statement 7 of DE02120300000000202051: opening 100.00 and lines make 440.50.*difference -0.01",
    ),
    "camt currency": (GOOD_CAMT.replace(b'<Ntry><Amt Ccy="EUR"', b'<Ntry><Amt Ccy="USD"'), "lines in USD"),
    "ofx no body": (b"OFXHEADER:100\n", "file: no <OFX> in it"),
    "ofx cut off": (GOOD_OFX[:-60], "has no end: the file is cut off"),
    "ofx day": (GOOD_OFX.replace(b"<DTPOSTED>2025", b"<DTPOSTED>2O25"), "STMTTRN BR0002 .line 24.*is no day"),
    "ofx amount": (GOOD_OFX.replace(b"<TRNAMT>1190.50", b"<TRNAMT>"), "TRNAMT is missing"),
    "ofx stray end": (GOOD_OFX.replace(b"</BANKTRANLIST>", b"</NOTHING>"), "</NOTHING> ends what did not"),
    "mt940 cut off": (GOOD_MT.partition(b":62F:")[0], "closing balance :62F: is missing"),
    "mt940 mark": (GOOD_MT.replace(b"0331C1190", b"0331X1190"), "line 5, :61:: 'X1' is no mark"),
    "mt940 day": (GOOD_MT.replace(b":61:250331", b":61:251331"), "line 5, :61:: '251331' is no day"),
    "mt940 sum": (mt940([PAID], "0.00", closing="1.00"), "statement 7/1 of 0000202051: opening 0.00"),
    "csv head": (b"a;b\n1;2\n", "file: no head with a day and an amount"),
    "csv amount": (GERMAN.replace("1.190,50", "1x").encode(), "row 4, amount: '1x' is no amount"),
    "csv balance": (GERMAN.replace("1.190,50", "1.191,50").encode(), "difference"),
    "csv day": (GERMAN.replace("30.03.2025;3", "32.03.2025;3").encode(), "written in no known way"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_names_place_and_cure(name: str) -> None:
    data, said = BROKEN[name]
    with pytest.raises(Invalid, match=said) as refused:
        read(data, commodity="EUR")
    assert refused.value.code == "capital.statement"


@pytest.mark.parametrize("data", [GOOD_CAMT, GOOD_OFX, GOOD_MT, ofx([PAID], "1.00"), GERMAN.encode()])
@given(at=st.floats(0, 1), noise=st.binary(max_size=6), cut=st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_no_noise_does_anything_but_be_refused(data: bytes, at: float, noise: bytes, cut: int) -> None:
    place = int(at * len(data))
    broken = data[:place] + noise + data[place + cut :]
    for reader in (camt_reader.read, ofx_reader.read, mt940_reader.read, csv_reader()):
        try:
            found = reader(broken)
        except Invalid as refused:
            assert refused.code == "capital.statement"
        else:
            assert all(x.amount.is_finite() for one in found for x in one.lines)


def csv_reader() -> Callable[[bytes], list[Statement]]:
    return lambda data: table.read(data, table.propose(data, commodity="EUR"))


def test_the_columns_of_a_csv_file_are_named_whatever_stands_above_them() -> None:
    data = b"Account;DE02\n\nDate;Text;Amount\n01.03.2026;Rent;-850,00\n"
    assert table.heading(data, ";") == ("Date", "Text", "Amount")
    assert table.heading(data, "|") == ("Account;DE02",)
    with pytest.raises(Invalid):
        table.heading(b"", ";")
