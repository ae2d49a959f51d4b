"""Group commit: everybody is told of the own entry, whatever the others asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from books import Books, open_books
from tenants import OrgFixture

from sent.engines.capital import api, poster
from sent.platform.errors import Conflict, Invalid, SentError, Unavailable


@pytest.fixture
async def books(org_a: OrgFixture) -> Books:
    return await open_books(org_a.ctx)


async def test_a_crowd_is_booked_in_few_transactions(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []
    whole = poster.post_batch

    async def counted(ctx: object, drafts: list[api.Draft]) -> list[api.Outcome]:
        groups.append(len(drafts))
        return await whole(ctx, drafts)  # type: ignore[arg-type]

    monkeypatch.setattr(poster, "post_batch", counted)
    together = api.Poster(books.ctx)
    drafts = [books.draft(books.bank, books.sales, "1.00", key=f"k{n}") for n in range(60)]
    found = await asyncio.gather(*(together.post(draft) for draft in drafts))
    assert found == [draft.id for draft in drafts]
    assert sum(groups) == 60 and len(groups) <= 4
    assert (await books.amounts())[books.bank] == 60


async def test_each_is_told_of_its_own_entry(books: Books) -> None:
    together = api.Poster(books.ctx)
    good = books.draft(books.bank, books.sales, "2.00", key="k")
    asked = [
        good,
        replace(good, id=uuid4()),
        books.draft(books.wallet, books.sales, "1.00"),
        books.draft(books.bank, uuid4(), "1.00"),
        books.draft(books.bank, books.sales, "3.00", memo="x" * 2000),
        books.draft(books.bank, books.sales, "4.00"),
    ]
    found = await asyncio.gather(*(together.post(draft) for draft in asked), return_exceptions=True)
    assert found[0] == found[1] == good.id and found[5] == asked[5].id
    assert [type(one) for one in found[2:5]] == [Conflict, Invalid, Invalid]
    assert isinstance(found[3], SentError) and found[3].code == "capital.account"
    assert (await books.amounts())[books.bank] == Decimal(6)


async def test_a_crowd_too_large_is_told_at_once(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster, "WAITING", 3)
    together = api.Poster(books.ctx)
    drafts = [books.draft(books.bank, books.sales, "1.00") for _ in range(10)]
    found = await asyncio.gather(*(together.post(draft) for draft in drafts), return_exceptions=True)
    refused = [one for one in found if isinstance(one, Unavailable)]
    assert refused and (await books.amounts())[books.bank] == 10 - len(refused)
    assert await together.post(books.draft(books.bank, books.sales, "1.00"))
