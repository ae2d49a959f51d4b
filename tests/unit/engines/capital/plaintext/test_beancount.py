"""beancount files: read as beancount reads them, and refused at the line it refuses."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from sent.engines.capital.plaintext import api as books
from sent.platform.errors import Invalid

OPENS = "".join(
    f"2019-01-01 open {name}\n"
    for name in ("Assets:Cash", "Assets:Bank", "Expenses:Food", "Income:Gain", "Equity:Open")
)
BUY = '2020-01-02 * "buy"\n  Assets:Inv  10 AAA {10 USD}\n  Assets:Cash\n'
BUY_DEARER = '2020-01-03 * "buy"\n  Assets:Inv  10 AAA {12 USD, "second"}\n  Assets:Cash\n'

AGREED = {
    "tags, links, metadata": '2020-01-02 ! "Payee" "Tea ; no note" #tag ^link\n  key: "value"\n  ; comment\n'
    "  Assets:Cash  1 USD\n    note: 2020-01-01\n  ! Assets:Bank\n",
    "sums in amounts": "2020-01-02 *\n  Assets:Cash  (1 + 2) * 3.50 / 2 USD\n  Assets:Bank  -5.25 USD\n",
    "missing amounts": "2020-01-02 *\n  Assets:Cash  1 USD\n  Assets:Bank  2 EUR\n  Equity:Open\n",
    "missing commodity": "2020-01-02 *\n  Assets:Cash  1 USD\n  Assets:Bank  -1\n",
    "rounded as it is written": "2020-01-02 *\n  Assets:Cash  3.00 EUR @ 1.23456 USD\n  Assets:Bank\n",
    "total price": "2020-01-02 *\n  Assets:Cash  3 EUR @@ 4 USD\n  Assets:Bank  -4.00 USD\n",
    "price to be computed": "2020-01-02 *\n  Assets:Cash  3 EUR @ USD\n  Assets:Bank  -4.00 USD\n",
    "cost with a part for all": "2020-01-02 *\n  Assets:Cash  5 AAA {10 # 5 USD}\n  Assets:Bank  -55 USD\n",
    "total cost": "2020-01-02 *\n  Assets:Cash  3 AAA {{30 USD, 2019-05-05}}\n  Assets:Bank\n",
    "cost to be computed": "2020-01-02 *\n  Assets:Cash  4 AAA {USD}\n  Assets:Bank  -10 USD\n",
    "tolerance": "2020-01-02 *\n  Assets:Cash  1.004 USD\n  Assets:Bank  -1.00 USD\n",
    "tolerance from cost": 'option "infer_tolerance_from_cost" "TRUE"\n2020-01-02 *\n'
    "  Assets:Cash  1.111 AAA {9.99 USD}\n  Assets:Bank  -11.095 USD\n",
    "default tolerance": 'option "inferred_tolerance_default" "USD:0.5"\n2020-01-02 *\n'
    "  Assets:Cash  1 USD\n  Assets:Bank  -1.4 USD\n",
    "first lot first": f'2019-01-01 open Assets:Inv "FIFO"\n{BUY}{BUY_DEARER}2020-02-01 *\n'
    "  Assets:Inv  -15 AAA {}\n  Assets:Cash  200 USD\n  Income:Gain\n",
    "last lot first": f'option "booking_method" "LIFO"\n2019-01-01 open Assets:Inv\n{BUY}{BUY_DEARER}'
    "2020-02-01 *\n  Assets:Inv  -15 AAA {} @ 14 USD\n  Assets:Cash  200 USD\n  Income:Gain\n",
    "dearest lot first": f'2019-01-01 open Assets:Inv "HIFO"\n{BUY}{BUY_DEARER}2020-02-01 *\n'
    "  Assets:Inv  -5 AAA {}\n  Income:Gain\n",
    "strict takes all": f"2019-01-01 open Assets:Inv\n{BUY}{BUY_DEARER}2020-02-01 *\n"
    "  Assets:Inv  -20 AAA {}\n  Income:Gain\n",
    "strict by label": f"2019-01-01 open Assets:Inv\n{BUY}{BUY_DEARER}2020-02-01 *\n"
    '  Assets:Inv  -5 AAA {"second"}\n  Income:Gain\n',
    "strict by date": f"2019-01-01 open Assets:Inv\n{BUY}{BUY_DEARER}2020-02-01 *\n"
    "  Assets:Inv  -5 AAA {2020-01-02}\n  Income:Gain\n",
    "no booking": f'2019-01-01 open Assets:Inv "NONE"\n{BUY}2020-02-01 *\n'
    "  Assets:Inv  -20 AAA {11 USD}\n  Income:Gain\n",
    "pad and balance": "2020-01-01 pad Assets:Bank Equity:Open\n2020-01-05 balance Assets:Bank  10.00 USD\n"
    "2020-01-05 balance Assets:Bank  5 EUR\n2020-01-06 balance Assets:Bank  10.01 USD\n",
    "balance with tolerance": "2020-01-02 *\n  Assets:Cash  10 USD\n  Assets:Bank\n"
    "2020-01-03 balance Assets:Cash  9 ~ 1 USD\n",
    "directives that book nothing": '2020-01-01 note Assets:Cash "a\nb"\n2020-01-01 event "a" "b"\n'
    '2020-01-01 query "a" "select"\n2020-01-01 custom "a" 1 TRUE "x"\n2020-01-01 price USD 1 EUR\n'
    '2020-01-01 commodity USD\n  name: "Dollar"\n* heading\n# more\n',
    "same day": "2020-01-03 *\n  Assets:Cash  1 USD\n  Assets:Bank\n2020-01-03 balance Assets:Cash  0 USD\n",
    "futures": "2020-01-02 *\n  Assets:Cash  1 /ESM21\n  Assets:Bank  -1 /ESM21\n",
    "slashes and letters": '2020/1/2 txn "a" "b"\n  Assets:Cash  1 V\n  Assets:Bank  -1 V\n',
    "accounts by plugin": 'plugin "beancount.plugins.auto_accounts"\n2020-01-02 *\n  Assets:New  1 USD\n'
    "  Assets:Cash\n",
}

REFUSED = {
    "does not balance": (
        "2020-01-02 *\n  Assets:Cash  1 USD\n  Assets:Bank  -2 USD\n",
        6,
        "does not balance",
    ),
    "two missing": ("2020-01-02 *\n  Assets:Cash\n  Assets:Bank\n", 8, "only one posting"),
    "not opened": ("2020-01-02 *\n  Assets:Other  1 USD\n  Assets:Bank\n", 7, "is not open on that day"),
    "closed": (
        "2020-01-01 close Assets:Cash\n2020-01-02 *\n  Assets:Cash  1 USD\n  Assets:Bank\n",
        8,
        "is not open",
    ),
    "other commodity": (
        "2019-01-01 open Assets:Eur EUR\n2020-01-02 *\n  Assets:Eur  1 USD\n  Assets:Bank\n",
        8,
        "opened for EUR",
    ),
    "opened twice": ("2019-01-01 open Assets:Cash\n", 6, "opened twice"),
    "lots not certain": (
        f"2019-01-01 open Assets:Inv\n{BUY}{BUY_DEARER}2020-02-01 *\n  Assets:Inv -5 AAA {{}}\n  Equity:Open",
        14,
        "several lots fit",
    ),
    "no such lot": (
        f"2019-01-01 open Assets:Inv\n{BUY}2020-02-01 *\n  Assets:Inv  -5 AAA {{9 USD}}\n  Income:Gain\n",
        11,
        "no lot of AAA",
    ),
    "too few": (
        f"2019-01-01 open Assets:Inv\n{BUY}2020-02-01 *\n  Assets:Inv  -15 AAA {{10 USD}}\n  Income:Gain\n",
        11,
        "less than is taken",
    ),
    "wrong balance": ("2020-01-02 balance Assets:Cash 1 USD\n", 6, "Assets:Cash has 0 USD, not 1"),
    "pad for nothing": ("2020-01-02 pad Assets:Cash Equity:Open\n", 6, "the pad is not used"),
    "cost and price": (
        "2020-01-02 *\n  Assets:Cash  1 AAA {1 USD} @ 2 EUR\n  Assets:Bank\n",
        7,
        "cost in USD and price in EUR",
    ),
    "no word": ("2020-01-02 *\n  Assets:Cash  1 USD €\n", 7, "is no word of beancount's"),
}

STRANGE = {
    "plugin": ('plugin "beancount.plugins.split_expenses"\n', 6, "may change what is booked"),
    "method": ('option "booking_method" "AVERAGE"\n', 6, "is not one of STRICT"),
    "include": ('include "../other.beancount"\n', 6, "leaves the book's folder"),
    "absolute include": ('include "/etc/passwd"\n', 6, "leaves the book's folder"),
    "missing include": ('include "none.beancount"\n', 6, "names no file"),
    "deep brackets": ("2020-01-02 *\n  Assets:Cash  " + "(" * 200 + "1 USD\n", 7, "go at most 64 deep"),
    "by nothing": ("2020-01-02 *\n  Assets:Cash  1/0 USD\n", 7, "divides by nothing"),
    "no day": ("2020-02-30 *\n", 6, "there is no day 2020-02-30"),
    "open text": ('2020-01-02 * "text\n', 6, "end the text with a quote"),
    "lone posting": ("  Assets:Cash  1 USD\n", 6, "only metadata"),
}


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "books.beancount"
    file.write_text(OPENS + text, encoding="utf-8")
    return file


def balances(book: books.Book) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for transaction in book.transactions:
        for one in transaction.postings:
            found[one.account, one.amount.commodity] += one.amount.number
    return {key: number for key, number in found.items() if number}


def by_beancount(file: Path) -> tuple[dict[tuple[str, str], Decimal], list[str]]:
    from beancount import loader
    from beancount.core import realization

    entries, errors, _ = loader.load_file(str(file))
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance:
            found[account.account, position.units.currency] += position.units.number
    return {key: number for key, number in found.items() if number}, [error.message for error in errors]


@pytest.mark.parametrize("name", AGREED)
def test_balances_are_those_of_beancount(tmp_path: Path, name: str) -> None:
    file = written(tmp_path, AGREED[name])
    theirs, errors = by_beancount(file)
    assert errors == []
    assert balances(books.read(file, "beancount")) == theirs


@pytest.mark.parametrize("name", REFUSED)
def test_what_beancount_refuses_is_refused_at_its_line(tmp_path: Path, name: str) -> None:
    text, line, said = REFUSED[name]
    file = written(tmp_path, text)
    assert by_beancount(file)[1] != []
    refused_at(file, line, said)


@pytest.mark.parametrize("name", STRANGE)
def test_what_cannot_be_read_safely_is_refused_at_its_line(tmp_path: Path, name: str) -> None:
    text, line, said = STRANGE[name]
    refused_at(written(tmp_path, text), line, said)


def refused_at(file: Path, line: int, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        books.read(file, "beancount")
    assert refused.value.message.startswith(f"books.beancount:{line}: ")
    assert said in refused.value.message


def test_includes_are_read_from_the_books_folder(tmp_path: Path) -> None:
    (tmp_path / "2020").mkdir()
    inner = "pushtag #trip\n2020-01-02 *\n  Assets:Cash  1 USD\n  Assets:Bank\npoptag #trip\n"
    (tmp_path / "2020" / "a.beancount").write_text(inner)
    book = books.read(written(tmp_path, 'include "2020/*.beancount"\n'), "beancount")
    assert [one.tags for one in book.transactions] == [("trip",)]
    assert str(book.transactions[0].place) == "2020/a.beancount:2"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.beancount"
    outside.write_text("")
    inside = tmp_path / "books"
    inside.mkdir()
    (inside / "link.beancount").symlink_to(outside)
    refused_at(written(inside, 'include "link.beancount"\n'), 6, "leaves the book's folder")


def test_roots_may_have_other_names(tmp_path: Path) -> None:
    file = tmp_path / "books.beancount"
    file.write_text(
        'option "name_assets" "Vermögen"\noption "name_equity" "Kapital"\n'
        "2020-01-01 open Vermögen:Bank\n2020-01-01 open Kapital:Anfang\n"
        "2020-01-02 *\n  Vermögen:Bank  1 EUR\n  Kapital:Anfang\n",
        encoding="utf-8",
    )
    assert books.read(file, "beancount").kinds == {"Vermögen:Bank": "asset", "Kapital:Anfang": "equity"}


def test_many_lots_take_time_in_proportion(tmp_path: Path) -> None:
    rows = (f"2020-01-02 *\n  Assets:Cash  1 AAA {{{n} USD}}\n  Assets:Bank\n" for n in range(1, 3000))
    book = books.read(written(tmp_path, "".join(rows)), "beancount")
    assert balances(book)["Assets:Cash", "AAA"] == 2999
