"""Paper made from what is in the database, and what its settings refuse."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from PIL import Image
from pypdf import PdfReader
from tenants import OrgFixture
from trade import DAY, Trade, open_trade

from sent.engines.capital.billing import api
from sent.platform.errors import Invalid, NotFound

PROFILE = api.Profile(
    "Northgate Security Ltd", "12 Mill Lane\nManchester", "GB", "GB987654321", iban="GB29NWBK6016"
)


@pytest.fixture
async def trade(org_a: OrgFixture) -> Trade:
    return await open_trade(org_a.ctx)


def text(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(data)).pages)


async def test_an_invoice_prints_as_it_was_issued(trade: Trade) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (90, 30), "#1f4e79").save(picture, "PNG")
    await api.save_settings(trade.ctx, api.Settings(PROFILE, picture.getvalue()))
    draft = await trade.draft(trade.line("45.00", quantity="8"))
    assert "Draft: Invoice" in text(await api.pdf(trade.ctx, draft.id))
    made = await api.issue(trade.ctx, draft.id)
    first = await api.pdf(trade.ctx, made.id)
    for wanted in ("Invoice INV-2026-00001", "Northgate Security Ltd", "Harbour Logistics Ltd", "432.00"):
        assert wanted in text(first), wanted
    await api.save_party(trade.ctx, replace(trade.customer, name="Renamed Ltd"))
    await api.save_settings(trade.ctx, api.Settings(replace(PROFILE, name="Southgate"), picture.getvalue()))
    assert await api.pdf(trade.ctx, made.id) == first
    data = (await api.einvoice(trade.ctx, made.id)).decode()
    for wanted in ("<ram:ID>INV-2026-00001<", "<ram:GrandTotalAmount>432.00<", ">Harbour Logistics Ltd<"):
        assert wanted in data, wanted
    credit = await api.issue(trade.ctx, (await api.credit(trade.ctx, made.id, DAY)).id)
    printed = text(await api.pdf(trade.ctx, credit.id))
    assert "Credit note CN-2026-00001" in printed and made.number is not None and made.number in printed
    bill = await trade.issued(trade.line("1.00", "P20"), kind="bill")
    with pytest.raises(Invalid, match="their suppliers' paper"):
        await api.pdf(trade.ctx, bill.id)
    with pytest.raises(NotFound):
        await api.letter_pdf(trade.ctx, made.id)


async def test_a_reminder_prints(trade: Trade) -> None:
    await api.save_levels(trade.ctx, [api.DunningLevel(1, 7, "Friendly reminder", "Please pay.", Decimal(3))])
    made = await trade.issued(trade.line("100.00"))
    (letter,) = await api.dunning_run(trade.ctx, date(2026, 6, 1))
    printed = text(await api.letter_pdf(trade.ctx, letter.id))
    for wanted in ("Friendly reminder", "Please pay.", made.number or "?", "123.00"):
        assert wanted in printed, wanted


async def test_what_cannot_be_kept_is_refused_with_its_place(trade: Trade) -> None:
    refused = (
        (replace(trade.customer, name=" "), "fill in both"),
        (replace(trade.customer, country="UKX"), "two letters"),
        (replace(trade.customer, terms_days=900), "0 to 730 days"),
        (replace(trade.customer, discount_percent=Decimal(2), discount_days=31), "within the payment terms"),
        (replace(trade.customer, language="fr"), "en or de"),
        (replace(trade.customer, commodity="XXQ"), "add it first"),
        (replace(trade.customer, name="n" * 201), "shorten it"),
    )
    for party, cure in refused:
        with pytest.raises(Invalid, match=cure):
            await api.save_party(trade.ctx, party)
    code = api.TaxCode("N", "New", "sale", "exempt", Decimal(0))
    for wrong, cure in (
        (code, "say why"),
        (replace(code, reason="so", rate=Decimal(5)), "its rate is 0"),
        (replace(code, code=""), "fill in both"),
        (replace(code, nature="standard", rate=Decimal(101)), "0 to 100 %"),
        (replace(code, reason="so", starts=DAY, ends=date(2026, 1, 1)), "before it starts"),
    ):
        with pytest.raises(Invalid, match=cure):
            await api.save_tax_code(trade.ctx, wrong)
    for settings, cure in (
        (api.Settings(replace(PROFILE, paper="A5")), "A4 or Letter"),
        (api.Settings(replace(PROFILE, accent="red")), "six hexadecimal"),
        (api.Settings(PROFILE, b"GIF89a"), "PNG or JPEG"),
        (api.Settings(PROFILE, write_off_limit=Decimal(-1)), "correct the limit"),
    ):
        with pytest.raises(Invalid, match=cure):
            await api.save_settings(trade.ctx, settings)
    for line, cure in (
        (trade.line("1.00", text=" "), "line 1: describe"),
        (trade.line("1.00", quantity="1e10"), "quantity is too large"),
        (trade.line("NaN"), "price is too large"),
        (trade.line("1.000000001"), "prices 8 at most"),
        (trade.line("1.00", discount=Decimal(101)), "0 to 100 %"),
    ):
        with pytest.raises(Invalid, match=cure):
            await trade.draft(line)
    with pytest.raises(Invalid, match="1 to 1000 lines"):
        await trade.draft()
