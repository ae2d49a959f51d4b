"""Invoices as XML say the same as the document, by the business terms of EN 16931."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.capital.billing import einvoice
from sent.engines.capital.billing.documents import Computed
from sent.engines.capital.billing.model import Document, DocumentLine, Party, Profile, TaxCode
from sent.engines.capital.billing.templates import DE
from sent.engines.capital.billing.totals import totals
from sent.platform.errors import Conflict, Invalid

SELLER = Profile(
    "Nordtor GmbH", "Hafenstraße 3\n20095 Hamburg", "DE", "DE 987654321", "post@nordtor.example", "+49 40 1",
    iban="DE89 3704 0044 0532 0130 00", bic="HASPDEHHXXX",
)  # fmt: skip
BUYER = Party("customer", "C1", "Müller & Söhne", "Kai 1\n20457 Hamburg", "DE", "123/456")
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


def made(lines: list[DocumentLine], known: tuple[TaxCode, ...] = DE, **changes: object) -> Computed:
    codes = tuple(next((code for code in known if code.code == line.tax), None) for line in lines)
    found = totals(lines, codes, 2)
    document = Document(
        uuid4(), "invoice", "issued", BUYER.id, "RE-7", date(2026, 3, 14), date(2026, 4, 13), "", "EUR", None,
        "PO 7", "", "", Decimal(0), 0, None, None, found.net, found.tax, found.gross, Decimal(0), uuid4(),
        None, None, None, None, False, 1,
    )  # fmt: skip
    return Computed(replace(document, **changes), tuple(lines), codes, found, 2)  # type: ignore[arg-type]


def read(document: Computed) -> ElementTree.Element:
    return ElementTree.fromstring(einvoice.xml(document, BUYER, SELLER))


def texts(root: ElementTree.Element, name: str) -> list[str]:
    return [one.text or "" for one in root.iter(RAM + name)]


def test_an_invoice_names_parties_totals_taxes_and_account() -> None:
    root = read(
        made(
            [
                DocumentLine("Patrol", Decimal(8), Decimal("31.90"), "U19", "Std", Decimal(10)),
                DocumentLine("Rebate", Decimal(1), Decimal(-5), "U19"),
                DocumentLine("Key", Decimal(3), Decimal("3.33"), "U7"),
            ]
        )
    )
    assert texts(root, "TypeCode")[0] == "380"
    assert texts(root, "Name") == ["Patrol", "Rebate", "Key", "Nordtor GmbH", "Müller & Söhne"]
    assert texts(root, "LineTotalAmount") == ["229.68", "-5.00", "9.99", "234.67"]
    assert texts(root, "ChargeAmount") == ["28.71", "5", "3.33"]
    assert texts(root, "BilledQuantity") == ["8", "-1", "3"], "a price is never negative"
    assert [one.get("unitCode") for one in root.iter(RAM + "BilledQuantity")] == ["HUR", "C62", "C62"]
    assert texts(root, "BasisAmount") == ["224.68", "9.99"]
    assert texts(root, "CalculatedAmount") == ["42.69", "0.70"]
    assert (texts(root, "TaxTotalAmount"), texts(root, "GrandTotalAmount")) == (["43.39"], ["278.06"])
    assert texts(root, "IBANID") == ["DE89370400440532013000"]
    schemes = [one.get("schemeID") for one in root.iter(RAM + "ID") if one.get("schemeID")]
    assert schemes == ["VA", "FC"], "a VAT number and a tax number"


@pytest.mark.parametrize(
    ("code", "category", "reason"),
    [
        ("UIG", "K", "innergemeinschaftliche"),
        ("UEU", "AE", "reverse charge"),
        ("UF", "E", "§ 4"),
        ("UA", "G", "Ausfuhr"),
    ],
)
def test_what_is_not_charged_has_a_category_and_a_reason(code: str, category: str, reason: str) -> None:
    root = read(made([DocumentLine("Goods", Decimal(1), Decimal(100), code)]))
    assert set(texts(root, "CategoryCode")) == {category}
    assert set(texts(root, "RateApplicablePercent")) == {"0"}
    (told,) = texts(root, "ExemptionReason")
    assert reason in told
    assert bool(texts(root, "CountryID")[2:]) == (category == "K"), "goods within the EU say where they went"


def test_a_credit_note_names_what_it_credits() -> None:
    line = DocumentLine("Patrol", Decimal(1), Decimal(100), "U19")
    root = read(made([line], kind="sales_credit", credits=uuid4(), reference="RE-0"))
    assert texts(root, "TypeCode")[0] == "381"
    assert texts(root, "IssuerAssignedID") == ["RE-0"]


def test_what_the_standard_cannot_say_is_refused() -> None:
    line = DocumentLine("Patrol", Decimal(1), Decimal(100), "U19")
    with pytest.raises(Conflict, match="issue it"):
        read(made([line], state="draft", number=None))
    with pytest.raises(Invalid, match="line 2 has no tax code"):
        read(made([line, replace(line, tax="")]))
    with pytest.raises(Invalid, match="Müller & Söhne has no country"):
        einvoice.xml(made([line]), replace(BUYER, country=""), SELLER)


@given(st.text(max_size=60), st.booleans())
def test_any_text_makes_well_formed_xml_that_adds_up(text: str, inclusive: bool) -> None:
    known = tuple(replace(code, inclusive=inclusive) for code in DE)
    lines = [
        DocumentLine(text, Decimal(3), Decimal("33.33"), "U19"),
        DocumentLine("x", Decimal(7), Decimal("9.99"), "U7"),
    ]
    root = read(made(lines, known, note=text))
    amounts = [Decimal(one) for one in texts(root, "LineTotalAmount")]
    assert sum(amounts[:-1]) == amounts[-1] == sum(Decimal(one) for one in texts(root, "BasisAmount"))
    (tax,) = (Decimal(one) for one in texts(root, "TaxTotalAmount"))
    assert tax == sum(Decimal(one) for one in texts(root, "CalculatedAmount"))
    assert texts(root, "GrandTotalAmount") == [str(amounts[-1] + tax)]
