"""Journals of hledger and ledger-cli: read as each program reads them.

What the programs say stands here as it was computed with hledger 1.25 and ledger 3.3.0; where they are
installed they are asked again.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from sent.engines.capital.plaintext import api as books
from sent.platform.errors import Invalid

Rows = dict[tuple[str, str], Decimal]

BOTH: dict[str, tuple[str, str]] = {
    "missing amounts": (
        "2020-01-02 x\n  a  3 AAA\n  b  $-10.00\n  c\n",
        "a AAA 3, b $ -10, c $ 10, c AAA -3",
    ),
    "sides of a symbol": (
        '2020-01-02 x\n  a  -$3\n  b  $-4\n  c  - $2\n  d  2 "b c"\n  e  "b c"3\n  f\n',
        "a $ -3, b $ -4, c $ -2, d b_c 2, e b_c 3, f $ 9, f b_c -5",
    ),
    "thousands and decimals": (
        "2020-01-02 x\n  a  $1,234.50\n  b  1.234,50 SEK\n  c\n",
        "a $ 1234.5, b SEK 1234.5, c $ -1234.5, c SEK -1234.5",
    ),
    "a comma for the decimals": ("2020-01-02 x\n  a  1,50 NOK\n  b\n", "a NOK 1.5, b NOK -1.5"),
    "unit cost": ("2020-01-02 x\n  a  3 AAA @ $3.3333\n  b  $-10.00\n", "a AAA 3, b $ -10"),
    "total cost": ("2020-01-02 x\n  a  -3 AAA @@ $10\n  b\n", "a AAA -3, b $ 10"),
    "an exchange without a cost": ("2020-01-02 x\n  a  3 AAA\n  b  $-10.00\n", "a AAA 3, b $ -10"),
    "virtual postings": ("2020-01-02 x\n  a  $3\n  b\n  (c)  $9\n", "a $ 3, b $ -3, c $ 9"),
    "assigned balance": (
        "2020-01-01 x\n  a  $3\n  b\n\n2020-01-02 x\n  a  = $10\n  b\n",
        "a $ 10, b $ -10",
    ),
    "asserted balance": ("2020-01-01 x\n  a  $3 = $3.00\n  b\n  a  $1 = $4\n", "a $ 4, b $ -4"),
    "dates": (
        "Y2011\n1/5=1/7 ! (12) payee | note ; c\n  ; more\n  a  $1\n  b\n\n2012.02.03 * y\n  a  $1\n  b\n",
        "a $ 2, b $ -2",
    ),
    "passed over": (
        "; c\n# c\n* c\ncomment\n2020-01-01 x\n  a  $1\nend comment\nP 2020-01-01 AAA $3\n~ weekly\n  a  $5\n"
        "  b\n\ntag x\n2020-01-02 x\n  a  $1\n  b\n",
        "a $ 1, b $ -1",
    ),
    "spaces in names": (
        "2020-01-02 x\n  a b:c d\t $1\n  Русский язык  $2\n  e\n",
        "a_b:c_d $ 1, Русский_язык $ 2, e $ -3",
    ),
    "applied account": (
        "apply account Top\n2020-01-02 x\n  a  $1\n  b\nend apply account\n2020-01-02 x\n  a  $1\n  b\n",
        "Top:a $ 1, Top:b $ -1, a $ 1, b $ -1",
    ),
    "alias": (
        "alias foo=Assets:Foo\n2020-01-02 x\n  foo:sub  $1\n  foobar\n",
        "Assets:Foo:sub $ 1, foobar $ -1",
    ),
    "rounding": ("2020-01-02 x\n  a  3 AAA @ $3.335\n  b  $-10.00\n", "a AAA 3, b $ -10"),
}

HLEDGER = {
    "a lone mark is the decimal mark": ("2020-01-02 x\n  a  $1,000\n  b\n", "a $ 1, b $ -1"),
    "unless the style says otherwise": (
        "commodity $1,000.00\n2020-01-02 x\n  a  $1,000\n  b\n",
        "a $ 1000, b $ -1000",
    ),
    "default commodity": ("D $1,000.00\n2020-01-02 x\n  a  12\n  b\n", "a $ 12, b $ -12"),
    "groups by spaces": ("2020-01-02 x\n  a  1 000,5 SEK\n  b\n", "a SEK 1000.5, b SEK -1000.5"),
    "lots do not count": ("2020-01-02 x\n  a  10 AAA {$30.00} @ $40.00\n  b\n", "a AAA 10, b $ -400"),
    "rules are not applied": ("= food\n  (tax)  *0.1\n\n2020-01-02 x\n  food  $1\n  b\n", "food $ 1, b $ -1"),
    "virtual ones balance apart": (
        "2020-01-02 x\n  a  $3\n  b\n  [c]  $5\n  [d]\n",
        "a $ 3, b $ -3, c $ 5, d $ -5",
    ),
    "order is by day": (
        "2020-01-02 x\n  a  $3 = $13\n  b\n\n2020-01-01 x\n  a  = $10\n  b\n",
        "a $ 13, b $ -13",
    ),
    "balance with accounts below": (
        "2020-01-02 x\n  a:x  $3\n  b\n\n2020-01-02 x\n  a  $1 =* $4\n  b  == $-4\n",
        "a:x $ 3, a $ 1, b $ -4",
    ),
    "alias by pattern": (
        r"alias /^foo:(.*)$/=\1:bar" "\n2020-01-02 x\n  foo:x  $1\n  z\n",
        "x:bar $ 1, z $ -1",
    ),
}

LEDGER = {
    "a comma before three digits is for thousands": (
        "2020-01-02 x\n  a  $1,000\n  b\n",
        "a $ 1000, b $ -1000",
    ),
    "sums in brackets": ("2020-01-02 x\n  a  ($10 / 4)\n  b  (-5 * $0.5)\n", "a $ 2.5, b $ -2.5"),
    "a lot counts at its own cost": (
        "2020-01-02 x\n  a  -10 AAA {$30.00} [2020-01-01] (n) @ $40.00\n  b  $400.00\n  gain\n",
        "a AAA -10, b $ 400, gain $ -100",
    ),
    "rules": (
        "= /^Exp/ and not /Books/\n  (tax)  -0.10\n  (fixed)  $1\n  (twice:$account)  (amount * 2)\n\n"
        "2020-01-02 x\n  Expenses:Food  $20\n  Expenses:Books  $5\n  cash\n",
        "Expenses:Food $ 20, Expenses:Books $ 5, cash $ -25, tax $ -2, fixed $ 1, twice:Expenses:Food $ 40",
    ),
    "rules by payee": (
        "= @shop\n  (tax)  1\n\n2020-01-02 Shop\n  a  $2\n  b  $-2\n\n2020-01-02 x\n  a  $2\n  b\n",
        "a $ 4, b $ -4",
    ),
    "default account": ("bucket Assets:Cash\n2020-01-02 x\n  e  $5\n", "e $ 5, Assets:Cash $ -5"),
    "alias of a directive": (
        "account Assets:Bar\n   alias bz\n\n2020-01-02 x\n  bz  $1\n  c\n",
        "Assets:Bar $ 1, c $ -1",
    ),
    "tags applied": ("apply tag foo\n2020-01-02 x\n  a  $1\n  b\nend tag\n", "a $ 1, b $ -1"),
}

REFUSED: dict[str, tuple[str, int, str]] = {
    "does not balance": ("2020-01-02 x\n  a  $10.005\n  b  $-10.00\n", 1, "does not balance: 0.005 $"),
    "two missing": ("2020-01-02 x\n  a  $1\n  b\n  c\n", 4, "only one posting may be without an amount"),
    "same sign": ("2020-01-02 x\n  a  3 AAA\n  b  $10.00\n", 1, "does not balance"),
    "asserted balance": ("2020-01-02 x\n  a  $3 = $4\n  b\n", 2, "a has 3 $, not 4"),
    "no day": ("2020-02-31 x\n  a  $3\n  b\n", 1, "is no day"),
    "amount": ("2020-01-02 x\n  a  $\n  b\n", 2, "expected an amount"),
    "include": ("include missing.journal\n", 1, "names no file"),
}
STRANGE = {
    "directive": ("\nfoo bar\n", 2, "is no directive of ledger's"),
    "no year": ("02-03 x\n  a  $3\n  b\n", 1, "has no year"),
    "units": ("C 1.00 Kb = 1024 b\n", 1, "is not supported: write amounts in one unit"),
    "code": ("python\n  import os\n", 1, "is not supported"),
    "time": ("i 2020/01/01 10:00:00 work\n", 1, "write the hours as transactions"),
    "include": ("include /etc/passwd\n", 1, "leaves the book's folder"),
    "include above": ("include ../a\n", 1, "leaves the book's folder"),
    "brackets": ("2020-01-02 x\n  a  " + "(" * 500 + "\n", 2, "go at most 64 deep"),
    "query": ("= " + "(" * 500 + "\n  (a)  1\n", 1, "go at most 64 deep"),
    "pattern": ("= /(/\n  (a)  1\n", 1, "is not understood"),
    "long": ("; " + "x" * 30_000 + "\n", 1, "a line has at most 20000 characters"),
    "zero": ("2020-01-02 x\0\n", 1, "there is a zero byte"),
}


def rows(text: str) -> Rows:
    """Return what `a $ 3, b AAA -3` says; _ is a space."""
    found: Rows = {}
    for row in text.split(", "):
        account, commodity, number = row.split(" ")
        found[account.replace("_", " "), commodity.replace("_", " ")] = Decimal(number)
    return found


def balances(book: books.Book) -> Rows:
    found: Rows = defaultdict(Decimal)
    for transaction in book.transactions:
        for one in transaction.postings:
            found[one.account, one.amount.commodity] += one.amount.number
    return {key: number for key, number in found.items() if number}


def asked(program: str, file: Path) -> Rows | None:
    """Return what the program computes; None when it refuses the file."""
    form = '"%(account)","%(commodity(scrub(amount)))","%(quantity(scrub(amount)))"\n'
    options = {
        "hledger": ["bal", "--flat", "-N", "-O", "csv", "--layout=bare"],
        "ledger": ["--args-only", "reg", "-F", form],
    }[program]
    done = subprocess.run(
        [program, "-f", str(file), *options], capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode:
        return None
    found: Rows = defaultdict(Decimal)
    for row in csv.reader(io.StringIO(done.stdout), escapechar="\\"):
        if row[0] != "account":
            found[row[0].strip("()[]"), row[1].strip('"')] += number(row[2])
    return {key: value for key, value in found.items() if value}


def number(shown: str) -> Decimal:
    """Return a number as it is shown: the mark that stands last is for the decimals."""
    plain = shown.replace(" ", "")
    comma = plain.rfind(",") > plain.rfind(".")
    return Decimal(plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", ""))


CASES = [
    *(("hledger", name, *case) for name, case in {**BOTH, **HLEDGER}.items()),
    *(("ledger", name, *case) for name, case in {**BOTH, **LEDGER}.items()),
]


@pytest.mark.parametrize(("format", "name", "text", "said"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_journals_are_read_as_their_program_reads_them(
    tmp_path: Path, format: books.Format, name: str, text: str, said: str
) -> None:
    file = tmp_path / "books.journal"
    file.write_text(text, encoding="utf-8")
    assert balances(books.read(file, format)) == rows(said)


@pytest.mark.parametrize("program", ["hledger", "ledger"])
def test_the_programs_themselves_agree(tmp_path: Path, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    file = tmp_path / "books.journal"
    for name, text, said in (case[1:] for case in CASES if case[0] == program):
        file.write_text(text, encoding="utf-8")
        wanted = rows(said)
        if "thousands" in name or name == "a lone mark is the decimal mark":
            continue  # shown with the marks of the file, which is what is in question
        assert asked(program, file) == wanted, name
    for name, (text, _, _) in REFUSED.items():
        file.write_text(text, encoding="utf-8")
        assert asked(program, file) is None, name


@pytest.mark.parametrize("format", ["hledger", "ledger"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_the_programs_refuse_is_refused_at_its_line(
    tmp_path: Path, format: books.Format, name: str
) -> None:
    refused_at(tmp_path, format, *REFUSED[name])


@pytest.mark.parametrize("name", STRANGE)
def test_what_cannot_be_read_safely_is_refused_at_its_line(tmp_path: Path, name: str) -> None:
    refused_at(tmp_path, "ledger", *STRANGE[name])


def refused_at(tmp_path: Path, format: books.Format, text: str, line: int, said: str) -> None:
    file = tmp_path / "books.journal"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        books.read(file, format)
    assert refused.value.message.startswith(f"books.journal:{line}: ")
    assert said in refused.value.message


def test_kinds_are_what_hledger_is_told(tmp_path: Path) -> None:
    file = tmp_path / "books.journal"
    file.write_text(
        "account vermögen  ; type: A\n2020-01-02 x\n  vermögen:bank  1\n  assets:b\n", encoding="utf-8"
    )
    assert books.read(file, "hledger").kinds == {"vermögen": "asset", "vermögen:bank": "asset"}


def test_a_pattern_that_would_hang_elsewhere_does_not(tmp_path: Path) -> None:
    file = tmp_path / "books.journal"
    file.write_text("= /" + "(a*)*" * 40 + "b/\n  (x)  1\n\n2020-01-02 x\n  " + "a" * 190 + "  $1\n  c\n")
    assert len(books.read(file, "ledger").transactions) == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("hledger", "Sub:foo $ 1, Sub:c $ -1, foo  2, c  -2"),
        ("ledger", "Bar  3, Sub:c  -1, c  -2"),
    ],
)
def test_what_an_included_file_sets_ends_with_it_as_far_as_the_program_has_it(
    tmp_path: Path, program: books.Format, said: str
) -> None:
    inner = "alias foo=Bar\nD $1,000.00\napply account Sub\n2020-01-01 x\n  foo  1\n  c\n"
    (tmp_path / "inner").write_text(inner)
    file = tmp_path / "books.journal"
    file.write_text("Y2019\ninclude inner\n1/1 y\n  foo  2\n  c\n")
    assert balances(books.read(file, program)) == rows(said)
    if shutil.which(program) is not None:
        assert asked(program, file) == rows(said)
