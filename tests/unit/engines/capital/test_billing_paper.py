"""What stands on the paper, read back from the PDF."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from pypdf import PdfReader

from sent.engines.capital.billing import paper, sheet
from sent.engines.capital.billing.documents import Computed
from sent.engines.capital.billing.figures import DunningItem, DunningLetter
from sent.engines.capital.billing.model import Document, DocumentLine, Party, Profile, TaxCode
from sent.engines.capital.billing.templates import DE, UK
from sent.engines.capital.billing.totals import totals
from sent.platform.errors import Invalid

SELLER = Profile(
    "Nordtor Sicherheit GmbH", "Hafenstraße 3\n20095 Hamburg", "DE", "DE987654321", "post@nordtor.example",
    "+49 40 1", "nordtor.example", "Sparkasse", "DE89 3704 0044 0532 0130 00", "HASPDEHHXXX",
)  # fmt: skip
BUYER = Party("customer", "C1", "Müller & Söhne", "Kai 1\n20457 Hamburg", "DE", "DE1", language="de")


def made(
    lines: list[DocumentLine], known: tuple[TaxCode, ...], commodity: str = "EUR", **changes: object
) -> Computed:
    codes = tuple(next(code for code in known if code.code == line.tax) for line in lines)
    found = totals(lines, codes, 2)
    document = Document(
        uuid4(), "invoice", "issued", BUYER.id, "RE-7", date(2026, 3, 14), date(2026, 4, 13), "März 2026",
        commodity,
        None, "PO 7", "Guten Tag,\nwir berechnen:", "Danke.", Decimal(2), 10, None, None, found.net,
        found.tax,
        found.gross, Decimal(0), uuid4(), None, None, None, None, False, 1,
    )  # fmt: skip
    return Computed(replace(document, **changes), tuple(lines), codes, found, 2)  # type: ignore[arg-type]


def pages(drawn: sheet.Sheet) -> list[str]:
    data = paper.draw(drawn)
    assert data == paper.draw(drawn), "the same sheet is the same file"
    texts = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    return [" ".join(text.replace("\N{NO-BREAK SPACE}", " ").split()) for text in texts]


def test_an_invoice_says_what_the_law_asks_for() -> None:
    lines = [
        DocumentLine(
            "Objektschutz, Nachtschicht", Decimal("160"), Decimal("24.50"), "U19", "Std", Decimal(10)
        ),
        DocumentLine("Leistung nach Belgien", Decimal(1), Decimal("1000"), "UEU"),
    ]
    (text,) = pages(sheet.of_document(made(lines, DE), BUYER, SELLER, None))
    for wanted in (
        "Rechnung RE-7", "Nordtor Sicherheit GmbH", "Hafenstraße 3", "Müller & Söhne", "20457 Hamburg",
        "14.03.2026",
        "März 2026", "PO 7", "DE987654321", "160 Std", "24,50", "10 %", "3.528,00",
        "USt 19 % auf 3.528,00", "670,32",
        "5.198,32", "Steuerschuldnerschaft des Leistungsempfängers", "Zahlbar ohne Abzug bis 13.04.2026",
        "bis 24.03.2026 gewähren wir 2 % Skonto (103,97 EUR)", "IBAN DE89 3704 0044 0532 0130 00",
        "Seite 1 von 1",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_long_documents_break_over_pages_with_their_head_repeated() -> None:
    lines = [
        DocumentLine(f"Shift {n}: " + "rounds and locking " * (n % 9 + 1), Decimal(8), Decimal(30), "S20")
        for n in range(1, 61)
    ]
    known = sheet.of_document(made(lines, UK, "GBP"), replace(BUYER, language="en"), SELLER, None)
    found = pages(known)
    assert len(found) >= 4
    for n, text in enumerate(found, 1):
        assert f"Page {n} of {len(found)}" in text
        assert "Invoice RE-7" in text
    assert all(sum(f"Shift {n}:" in text for text in found) == 1 for n in range(1, 61))
    assert "Total GBP" in found[-1] and "17,280.00" in found[-1]


def test_one_description_longer_than_a_page_is_printed_whole() -> None:
    words = [f"word{n}" for n in range(280)]
    (line,) = [DocumentLine(" ".join(words), Decimal(1), Decimal(1), "S20")]
    text = " ".join(pages(sheet.of_document(made([line] * 4, UK), BUYER, SELLER, None)))
    assert all(text.count(f"{word} ") == 4 for word in words)
    unbroken = replace(line, description="x" * 2000)
    text = " ".join(pages(sheet.of_document(made([unbroken], UK), BUYER, SELLER, None)))
    assert text.count("x") >= 2000


def test_letter_paper_american_days_and_drafts() -> None:
    seller = replace(SELLER, paper="Letter", country="US", iban="")
    draft = made([DocumentLine("Key", Decimal(1), Decimal("0.1234"), "S20")], UK, "USD", number=None)
    drawn = sheet.of_document(draft, replace(BUYER, language="en"), seller, None)
    (text,) = pages(drawn)
    assert "Draft: Invoice" in text and "March 14, 2026" in text and "0.1234" in text and "IBAN" not in text
    assert PdfReader(io.BytesIO(paper.draw(drawn))).pages[0].mediabox.width == 612


def test_the_code_for_paying_is_a_sepa_transfer_of_the_gross() -> None:
    line = DocumentLine("Key", Decimal(1), Decimal(100), "U19")
    code = sheet.of_document(made([line], DE), BUYER, SELLER, None).code
    assert code.split("\n") == [
        "BCD", "002", "1", "SCT", "HASPDEHHXXX", "Nordtor Sicherheit GmbH", "DE89370400440532013000",
        "EUR119.00",
        "", "", "RE-7",
    ]  # fmt: skip
    assert sheet.of_document(made([line], DE, "GBP"), BUYER, SELLER, None).code == ""
    assert sheet.of_document(made([line], DE), BUYER, replace(SELLER, iban=""), None).code == ""
    credit = made([line], DE, kind="sales_credit")
    assert sheet.of_document(credit, BUYER, SELLER, None).code == ""


def test_issued_documents_keep_seller_and_buyer_of_their_day() -> None:
    document = made(
        [DocumentLine("Key", Decimal(1), Decimal(1), "U19")], DE, seller={"name": "Old Gate AG",
        "paper": "A4"},
        buyer={"name": "Before", "address": "Old Street 1", "code": "C0", "tax_number": ""},
    )  # fmt: skip
    (text,) = pages(sheet.of_document(document, BUYER, SELLER, None))
    assert "Old Gate AG" in text and "Before" in text and "Old Street 1" in text
    assert "Nordtor" not in text and "Müller" not in text


def test_a_logo_is_drawn_and_a_broken_one_is_told(tmp_path: object) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (300, 80), "#1f4e79").save(picture, "PNG")
    document = made([DocumentLine("Key", Decimal(1), Decimal(1), "U19")], DE)
    data = paper.draw(sheet.of_document(document, BUYER, SELLER, picture.getvalue()))
    assert len(PdfReader(io.BytesIO(data)).pages[0].images) == 1
    with pytest.raises(Invalid, match="save it again as PNG"):
        paper.draw(sheet.of_document(document, BUYER, SELLER, b"\x89PNG\r\n broken"))


def test_a_reminder_lists_what_is_late_with_interest_and_fee() -> None:
    item = DunningItem(
        uuid4(), "RE-7", date(2026, 1, 2), date(2026, 2, 1), 41, Decimal("1234.50"), Decimal("11.09"), 2
    )
    letter = DunningLetter(
        BUYER.id,
        BUYER.name,
        "EUR",
        date(2026, 3, 14),
        2,
        "Zweite Mahnung",
        "Bitte zahlen Sie.",
        (item,),
        Decimal(5),
    )
    (text,) = pages(sheet.of_letter(letter, BUYER, SELLER, None, 2))
    for wanted in ("Zweite Mahnung", "Bitte zahlen Sie.", "RE-7", "41", "11,09", "5,00", "1.250,59"):
        assert wanted in text, wanted


def test_nothing_is_fetched_or_run_by_the_file() -> None:
    document = made([DocumentLine("Key (1) \\ <b>", Decimal(1), Decimal(1), "U19")], DE)
    data = paper.draw(sheet.of_document(document, BUYER, SELLER, None))
    for word in (b"/URI", b"/JavaScript", b"/Launch", b"/EmbeddedFile"):
        assert word not in data
    assert "Key (1) \\ <b>" in pages(sheet.of_document(document, BUYER, SELLER, None))[0]


def test_without_the_built_in_font_helvetica_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "FONTS", {"regular": "Missing", "bold": "Missing-Bold"})
    paper.fonts.cache_clear()
    try:
        document = made([DocumentLine("Schließdienst Жук 中", Decimal(1), Decimal(1), "U19")], DE)
        (text,) = pages(sheet.of_document(document, BUYER, SELLER, None))
    finally:
        paper.fonts.cache_clear()
    assert "Schließdienst" in text and "Müller & Söhne" in text


def test_a_document_of_too_many_pages_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    foot = paper._Drawing.foot
    monkeypatch.setattr(paper._Drawing, "foot", lambda self: (ended.append(self.page), foot(self)))
    monkeypatch.setattr(paper, "MAX_PAGES", 5)
    lines = [DocumentLine("\n".join("abc"), Decimal(1), Decimal(1), "S20") for _ in range(500)]
    with pytest.raises(Invalid, match="pages"):
        paper.draw(sheet.of_document(made(lines, UK, "GBP"), BUYER, SELLER, None))
    assert len(ended) <= 6


def test_a_logo_that_unpacks_to_gigabytes_is_refused_by_its_head() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    for side in (5_000, 12_000, 60_000):
        head = side.to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10)))
        lines = [DocumentLine("x", Decimal(1), Decimal(1), "S20")]
        with pytest.raises(Invalid, match="megapixels"):
            paper.draw(sheet.of_document(made(lines, UK, "GBP"), BUYER, SELLER, bomb))


@pytest.mark.parametrize(
    "logo", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_a_logo_is_a_png_or_jpeg_whoever_kept_it(logo: bytes) -> None:
    lines = [DocumentLine("x", Decimal(1), Decimal(1), "S20")]
    with pytest.raises(Invalid, match="logo"):
        paper.draw(sheet.of_document(made(lines, UK, "GBP"), BUYER, SELLER, logo))


@pytest.mark.parametrize("accent", ["[[1]*9**9 for x in 'a']", "__import__('os')", "red", ""])
def test_a_colour_is_never_evaluated(accent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from reportlab.lib import colors

    seen: list[object] = []
    read = colors.toColor.__class__.__call__
    monkeypatch.setattr(
        colors.toColor.__class__,
        "__call__",
        lambda self, *a, **k: (seen.append(a[0]), read(self, *a, **k))[1],
    )
    lines = [DocumentLine("x", Decimal(1), Decimal(1), "S20")]
    sender = replace(SELLER, accent=accent, paper="Wallpaper")
    paper.draw(sheet.of_document(made(lines, UK, "GBP"), BUYER, sender, None))
    assert accent not in seen
