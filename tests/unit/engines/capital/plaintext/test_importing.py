"""What a book becomes: balanced entries, keys that hold, codes that come back, names each format allows."""

from __future__ import annotations

import gzip
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.capital.model import Draft
from sent.engines.capital.plaintext import api as books
from sent.engines.capital.plaintext import importing, symbols, writing
from sent.platform.errors import Invalid, SentError

JOURNAL = uuid4()


def book_of(tmp_path: Path, text: str, format: books.Format = "ledger") -> books.Book:
    file = tmp_path / "books"
    file.write_text(text, encoding="utf-8")
    return books.read(file, format)


def drafts(book: books.Book) -> tuple[list[Draft], dict[UUID, str]]:
    names = [*book.accounts, *importing.clearing_names(book).values()]
    accounts = {name: UUID(int=n) for n, name in enumerate(names)}
    codes = {one.symbol: symbols.code_of(one.symbol) for one in importing.commodities(book)}
    made = [one.draft for one in importing.drafts(book, JOURNAL, accounts, codes)]
    return made, {id: name for name, id in accounts.items()}


def said(book: books.Book) -> list[list[tuple[str, str, Decimal]]]:
    made, names = drafts(book)
    return [[(names[x.account], x.commodity, x.amount) for x in one.lines] for one in made]


def test_each_commodity_balances_and_the_cause_is_named(tmp_path: Path) -> None:
    opens = "".join(f"2019-01-01 open Assets:{name}\n" for name in "ABCD")
    text = (
        "2020-01-02 *\n  Assets:A  3 AAA {3.335 USD}\n  Assets:B  -10.00 USD\n"
        "  Assets:C  0.001 USD\n  Assets:D  -0.001 USD\n"
    )
    (lines,) = said(book_of(tmp_path, opens + text, "beancount"))
    assert lines[4:] == [
        ("Equity:Clearing:Exchange", "AAA", Decimal(-3)),
        ("Equity:Clearing:Exchange", "USD", Decimal("10.005")),
        ("Equity:Clearing:Rounding", "USD", Decimal("-0.005")),
    ]
    total: dict[str, Decimal] = defaultdict(Decimal)
    for _, commodity, amount in lines:
        total[commodity] += amount
    assert set(total.values()) == {Decimal(0)}


def test_the_other_side_of_virtual_postings_is_the_importers(tmp_path: Path) -> None:
    (lines,) = said(book_of(tmp_path, "2020-01-02 x\n  a  $3\n  b\n  (c)  $2.5\n"))
    assert lines[3:] == [("Equity:Clearing:Virtual", "x.dollar-sign", Decimal("-2.5"))]


def test_a_file_that_uses_the_importers_names_keeps_them_for_itself(tmp_path: Path) -> None:
    text = "2020-01-02 x\n  Equity:Clearing:Exchange  3 AAA @ $2\n  b\n"
    (lines,) = said(book_of(tmp_path, text))
    assert [line[0] for line in lines] == [
        "Equity:Clearing:Exchange",
        "b",
        "Equity:Clearing:Exchange:2",
        "Equity:Clearing:Exchange:2",
    ]


def test_keys_say_what_and_how_often_and_not_where(tmp_path: Path) -> None:
    entry = "2020-01-02 x\n  a  $1\n  b\n\n"
    once, _ = drafts(book_of(tmp_path, entry))
    twice, _ = drafts(book_of(tmp_path, "; moved\n\n" + entry + "2020-01-01 y\n  a  $1\n  b\n\n" + entry))
    keys = [one.key for one in twice]
    assert keys[0] == once[0].key
    assert len(set(keys)) == 3
    other, _ = drafts(book_of(tmp_path, entry.replace("$1", "$1.5")))
    assert other[0].key != once[0].key


def test_amounts_are_kept_to_eight_digits_and_what_is_lost_is_told(tmp_path: Path) -> None:
    book = book_of(tmp_path, "2020-01-02 x\n  a  ($10 / 3)\n  b\n")
    assert importing.rounded(book) == 2
    (lines,) = said(book)
    assert [line[2] for line in lines] == [Decimal("3.33333333"), Decimal("-3.33333333")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1899-01-02 x\n  a  $1\n  b\n", "books:1: the ledger keeps days from 1900-01-01 to 2200-12-31"),
        (f"2020-01-02 x\n  a  ${10**20}\n  b\n", "books:2: an amount has at most 20 digits"),
    ],
)
def test_what_the_ledger_cannot_keep_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        drafts(book_of(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Assets:Bank", "asset"),
        ("assets", "asset"),
        ("Liabilities:Card", "liability"),
        ("debts:x", "liability"),
        ("EQUITY", "equity"),
        ("Revenues:Sales", "income"),
        ("income:x", "income"),
        ("expense:food", "expense"),
        ("Vermögen:Bank", None),
        ("assetsy:x", None),
    ],
)
def test_kinds_follow_from_the_first_part(name: str, kind: str | None) -> None:
    assert importing.kind_of(name, {}) == kind


@given(st.lists(st.text(max_size=40), unique=True, max_size=30))
def test_every_symbol_has_a_code_of_its_own_and_comes_back(texts: list[str]) -> None:
    codes: dict[str, str] = {}
    for text in texts:
        code = symbols.code_of(text, set(codes.values()))
        assert len(code) <= 24
        assert code[0].isascii() and code[0].isalpha()
        assert all(char.isascii() and (char.isalnum() or char in "._'-") for char in code)
        codes[text] = code
        assert symbols.symbol_of(code, text) == text
    assert len(set(codes.values())) == len(codes)


def test_codes_of_known_signs_can_be_read() -> None:
    assert symbols.code_of("£") == "x.pound-sign"
    assert symbols.code_of("some thing") == "x.some-thing"
    assert symbols.code_of("EUR") == "EUR"
    assert symbols.code_of("") == "x.units"


def exported(format: books.Format, accounts: list[writing.Opened], entry: writing.Written) -> str:
    text = writing.writer(
        format, accounts, lambda code: {"x.dollar-sign": "$", "x.units": ""}.get(code, code)
    )
    return text.head() + text.entry(entry)


DAY = date(2020, 1, 2)
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize("format", books.FORMATS)
def test_odd_names_and_texts_are_written_so_that_they_can_be_read(
    tmp_path: Path, format: books.Format
) -> None:
    accounts = [
        writing.Opened(ONE, "1200", "Bank;  (main)", "asset", DAY),
        writing.Opened(TWO, "assets:my  bank", "my  bank", "asset", DAY),
        writing.Opened(THREE, "Assets:my bank", "my bank", "asset", DAY),
    ]
    lines = (
        (ONE, Decimal("1.50000000"), "x.dollar-sign", 'say "date:x" [2020] \\'),
        (TWO, Decimal("-0.50000000"), "x.dollar-sign", ""),
        (THREE, Decimal("-1.00000000"), "x.dollar-sign", ""),
        (ONE, Decimal("12345.12345678"), "eur", ""),
        (TWO, Decimal("-12345.12345678"), "eur", ""),
        (ONE, Decimal(3), "x.units" if format != "beancount" else "NULL", ""),
        (TWO, Decimal(-3), "x.units" if format != "beancount" else "NULL", ""),
    )
    entry = writing.Written(1, DAY, '(*! a "b"\n; c | d', "no (1);", lines)
    book = book_of(tmp_path, exported(format, accounts, entry), format)
    (transaction,) = book.transactions
    assert [one.amount.number for one in transaction.postings] == [line[1] for line in lines]
    assert len({one.account for one in transaction.postings}) == 3
    assert all(importing.kind_of(one.account, {}) == "asset" for one in transaction.postings)


def test_beancount_loads_names_of_any_letters(tmp_path: Path) -> None:
    from beancount import loader

    names = ["Русский язык:активы", "資産:現金", "1:2", "ß:ß", "a", "A:-", "Assets", "é́:x"]
    accounts = [
        writing.Opened(UUID(int=n), name, name.rpartition(":")[2], "asset", DAY)
        for n, name in enumerate(names)
    ]
    lines = tuple((one.id, Decimal(1), "EUR", "") for one in accounts)
    last = (accounts[0].id, Decimal(-len(names)), "EUR", "")
    entry = writing.Written(1, DAY, "x", "", (*lines, last))
    file = tmp_path / "x.beancount"
    file.write_text(exported("beancount", accounts, entry), encoding="utf-8")
    _, errors, _ = loader.load_file(str(file))
    assert errors == []


def test_packed_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "books.journal.gz"
    file.write_bytes(gzip.compress(b"2020-01-02 x\n  a  $1\n  b\n", mtime=0))
    assert len(books.read(file, "hledger").transactions) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
        (gzip.compress(b"x" * (64 * 1024 * 1024 + 1), mtime=0), "at most 64 MB"),
        (gzip.compress(b"\n\xff", mtime=0), ":2: the file must be UTF-8"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "books.gz"
    file.write_bytes(content)
    with pytest.raises(Invalid, match=message):
        books.read(file, "hledger")


def test_a_book_that_includes_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="books:1: books includes itself"):
        book_of(tmp_path, "include books\n")


_WORDS = st.sampled_from(
    [
        "2020-01-02",
        " * ",
        "\n",
        "\n  ",
        "a:b",
        "  ",
        "$",
        "1",
        "1,000.5",
        "{",
        "}",
        "@",
        "@@",
        "=",
        "(",
        ")",
        "[",
        "]",
        '"',
        ";",
        "=/x/",
        "~",
        "open",
        "balance",
        "pad",
        "Assets:A",
        "USD",
        "option",
        "include",
        "-",
        "/",
        "#x",
        "^y",
        "\t",
    ]
)


@given(st.lists(_WORDS, max_size=60), st.sampled_from(books.FORMATS))
def test_any_text_is_read_or_refused_with_its_line(words: list[str], format: books.Format) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(words))
        file.flush()
        name = Path(file.name).name
        try:
            book = books.read(Path(file.name), format)
        except SentError as error:
            assert error.message.startswith(f"{name}:")
        else:
            assert all(one.postings for one in book.transactions)


def test_the_same_content_in_another_format_is_another_entry(tmp_path: Path) -> None:
    text = "2020-01-02 x\n  a  $1\n  b\n"
    book = book_of(tmp_path, text)
    ours, _ = drafts(book)
    theirs, _ = drafts(replace(book, format="hledger"))
    assert ours[0].key != theirs[0].key
