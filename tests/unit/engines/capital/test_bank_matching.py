"""Matching: each kind of evidence, each kind of group, and that doubt keeps things from being booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sent.engines.capital.bank import rules as rulebook
from sent.engines.capital.bank.assignment import Hypothesis, choose
from sent.engines.capital.bank.identity import Known, fresh
from sent.engines.capital.bank.matching import match
from sent.engines.capital.bank.model import AUTO, Learned, Match, Movement, Open, OpenKind, Rule
from sent.engines.capital.bank.proposals import proposals
from sent.engines.capital.bank.readers.statement import StatementLine
from sent.engines.capital.bank.sums import subsets
from sent.engines.capital.bank.words import edits, similar
from sent.platform.errors import Invalid

DAY = date(2025, 3, 20)
_count = iter(range(1, 10_000))


def paid(amount: str, text: str = "", who: str = "Müller Bau GmbH", **more: object) -> Movement:
    return Movement(UUID(int=next(_count)), DAY, Decimal(amount), "EUR", who, text=text, **more)  # type: ignore[arg-type]


def invoice(number: int, amount: str, party: str = "Müller Bau GmbH", **more: object) -> Open:
    day = DAY - timedelta(days=14)
    return Open(
        f"invoice-{number}", Decimal(amount), "EUR", day, f"RE-2025-{number:05}", party, "invoice", **more
    )  # type: ignore[arg-type]


def only(movements: list[Movement], opens: list[Open], learned: Learned | None = None) -> Match:
    (found,) = match(movements, opens, learned)
    return found


def ids(found: Match) -> set[str]:
    return {one.open.id for one in found.taken}


OTHERS = [invoice(900 + n, f"{100 + n}.37", "Spedition Vogel KG") for n in range(20)]


@pytest.mark.parametrize(
    "text",
    [
        "RE-2025-00017", "Rechnung RE 2025 00017 vom 6.3.", "re202500017", "RE-2O25-OOO17",
        "RG.NR. 2025/00017",
        "Zahlung RE-2025-0 0017", "EREF RE-2025-00017KDNR 4711",
    ],
)  # fmt: skip
def test_a_reference_is_found_however_it_is_written(text: str) -> None:
    found = only([paid("1190.50", text, "")], [invoice(17, "1190.50"), *OTHERS])
    assert ids(found) == {"invoice-17"}
    assert found.confidence >= AUTO


@pytest.mark.parametrize(
    "who", ["MUELLER BAU", "Muller Bau GmbH", "Bau Müller GmbH & Co. KG", "MUELLER BAU GMBH NIEDERLASSUNG"]
)
def test_a_name_and_the_amount_suffice_without_a_reference(who: str) -> None:
    found = only([paid("1190.50", "Danke", who)], [invoice(17, "1190.50"), *OTHERS])
    assert ids(found) == {"invoice-17"}
    assert found.confidence >= AUTO


@pytest.mark.parametrize("kind", ["invoice", "line"])
def test_an_amount_alone_is_never_enough(kind: OpenKind) -> None:
    open_ = replace(invoice(17, "1190.50"), kind=kind, party="", day=DAY)
    found = match([paid("1190.50", "Kaution", "Anna Koch")], [open_])
    assert [one.confidence < 0.9 for one in found] in ([], [True])
    named = replace(open_, party="Müller Bau GmbH")
    assert all(one.confidence < 0.5 for one in match([paid("1190.50", "Kaution", "Anna Koch")], [named]))


def test_two_that_fit_equally_well_are_left_to_a_person() -> None:
    found = only([paid("119.00", "Wartung")], [invoice(17, "119.00"), invoice(18, "119.00")])
    assert found.confidence < 0.6
    decided = only([paid("119.00", "RE-2025-00018")], [invoice(17, "119.00"), invoice(18, "119.00")])
    assert ids(decided) == {"invoice-18"}
    assert decided.confidence >= AUTO


def test_what_another_payment_surely_takes_is_no_alternative() -> None:
    sure, vague = paid("119.00", "RE-2025-00018"), paid("119.00", "Wartung")
    found = match([vague, sure], [invoice(17, "119.00"), invoice(18, "119.00")])
    assert {one.movements[0]: ids(one) for one in found} == {
        sure.id: {"invoice-18"}, vague.id: {"invoice-17"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["RE-2025-00017, RE-2025-00018, RE-2025-00019", "RE-2025-00017/18/19", "RE-2025-00017 bis RE-2025-00019"],
)
def test_one_transfer_pays_several_invoices(text: str) -> None:
    opens = [invoice(17, "100.10"), invoice(18, "200.20"), invoice(19, "300.30"), invoice(20, "400.40")]
    found = only([paid("600.60", text)], [*opens, *OTHERS])
    assert ids(found) == {"invoice-17", "invoice-18", "invoice-19"}
    assert found.confidence >= AUTO


def test_a_credit_note_may_be_taken_off() -> None:
    note = replace(invoice(30, "-50.25"), kind="credit_note")
    found = only([paid("250.05", "RE-2025-00017 abzgl. RE-2025-00030")], [invoice(17, "300.30"), note])
    assert ids(found) == {"invoice-17", "invoice-30"}


def test_parts_of_an_invoice_are_taken_as_parts() -> None:
    first, rest = paid("400.00", "1. Rate RE-2025-00017"), paid("790.50", "Rest RE-2025-00017")
    found = match([first], [invoice(17, "1190.50")])
    assert [(one.amount, one.open.id) for one in found[0].taken] == [(Decimal("400.00"), "invoice-17")]
    both = match([first, rest], [invoice(17, "1190.50")])
    assert sum(sum(taken.amount for taken in one.taken) for one in both) == Decimal("1190.50")
    assert all(one.confidence >= AUTO for one in both)


def test_several_transfers_settle_one_line_of_the_ledger() -> None:
    line = Open("line:1:1", Decimal("1000.00"), "EUR", DAY, "DEP-77001", "Müller Bau GmbH")
    found = only([paid("612.34", "DEP-77001"), paid("387.66", "DEP-77001")], [line])
    assert len(found.movements) == 2
    assert found.confidence >= AUTO


def test_a_card_settlement_keeps_its_fee() -> None:
    cards = [
        Open(f"card-{n}", Decimal(amount), "EUR", DAY - timedelta(days=2), "", "PayCard AG", "other")
        for n, amount in enumerate(("10.20", "35.70", "112.00"))
    ]
    told = paid("155.93", "UMSATZ BRUTTO 157,90 ENTGELT 1,97", "PAYCARD AG")
    found = only([told], cards)
    assert (ids(found), found.charge) == ({"card-0", "card-1", "card-2"}, Decimal("-1.97"))
    assert found.confidence >= AUTO
    assert only([replace(told, text="KARTENUMSATZ")], cards).confidence < AUTO, "nothing confirms the fee"


def test_a_payment_under_another_invoices_number_is_not_booked_on_that() -> None:
    found = match([paid("118.37", "RE-2025-00017")], [invoice(17, "1190.50"), invoice(18, "118.37")])
    assert all(one.confidence < AUTO or ids(one) == {"invoice-18"} for one in found)


def test_an_end_to_end_reference_names_its_item() -> None:
    line = Open("line:1:1", Decimal("-99.00"), "EUR", DAY, "PAY000123")
    found = only([replace(paid("-99.00", "", ""), end_to_end="PAY-000123")], [line])
    assert found.confidence >= AUTO


def test_a_known_iban_says_who_pays() -> None:
    stranger = replace(paid("1190.50", "Danke", "Anna Koch"), iban="DE75")
    learned = Learned({"DE75": "Müller Bau GmbH"})
    assert only([stranger], [invoice(17, "1190.50")], learned).confidence >= AUTO


def test_money_that_goes_never_settles_money_that_comes() -> None:
    assert match([paid("-1190.50", "RE-2025-00017")], [invoice(17, "1190.50")]) == []
    other = replace(invoice(17, "1190.50"), commodity="USD")
    assert match([paid("1190.50", "RE-2025-00017")], [other]) == []


def test_the_best_whole_is_chosen_and_not_the_first_that_comes() -> None:
    room = [Decimal(1), Decimal(1)]
    greedy = Hypothesis((0,), ((0, Decimal(1)),), 5.0)
    other = Hypothesis((0,), ((1, Decimal(1)),), 4.0)
    second = Hypothesis((1,), ((0, Decimal(1)),), 4.5)
    chosen = choose([greedy, other, second], room)
    assert {one.hypothesis for one in chosen} == {other, second}


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.1, 9)), max_size=9,
        unique_by=lambda one: one[:2],
    )
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_no_other_choice_is_better(edges: list[tuple[int, int, float]]) -> None:
    every = [Hypothesis((m,), ((o, Decimal(1)),), score) for m, o, score in edges]
    chosen = choose(every, [Decimal(1)] * 5)
    best = 0.0
    for size in range(len(every) + 1):
        for some in combinations(every, size):
            used = [one.movements for one in some], [one.taken for one in some]
            if all(len(set(part)) == len(some) for part in used):
                best = max(best, sum(one.score for one in some))
    assert sum(one.hypothesis.score for one in chosen) == pytest.approx(best)
    assert all(0 <= one.confidence <= 1 for one in chosen)


@given(st.lists(st.integers(-50, 300), max_size=9), st.integers(-50, 900))
@settings(deadline=None)
def test_all_sets_of_a_sum_are_found(amounts: list[int], target: int) -> None:
    found, complete = subsets(amounts, target, enough=10_000)
    wanted = {
        some
        for size in range(2, len(amounts) + 1)
        for some in combinations(range(len(amounts)), size)
        if sum(amounts[n] for n in some) == target
    }
    assert complete
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "ab", 1), ("ab", "xy", 2)],
)
def test_edits_are_counted(a: str, b: str, apart: int) -> None:
    assert edits(a, b, 2) == edits(b, a, 2) == apart
    assert edits(a, b, apart - 1) is None if apart else True


def test_names_are_alike_by_what_tells_them() -> None:
    assert similar("Müller Bau GmbH", "MUELLER BAU") == 1.0
    assert similar("Müller Bau GmbH", "Müller Baustoffe KG") < 0.95
    assert similar("Müller Bau GmbH", "Vogel Spedition GmbH") < 0.3


ACCOUNT = UUID(int=77)


def test_the_first_rule_that_fits_counts_and_a_likely_match_goes_before_it() -> None:
    rule = Rule("rent", ACCOUNT, text_pattern=r"\bmiete\b", direction="out", auto=True)
    rent, other = paid("-850.00", "MIETE April", "Vermieter"), paid("850.00", "Miete", "Vermieter")
    found = proposals(
        [rent, other], [], [replace(rule, position=200, name="b", account=UUID(int=1)), rule], Learned()
    )
    assert [(one.movements, one.account, one.auto) for one in found] == [((rent.id,), ACCOUNT, True)]
    line = Open("line:1:1", Decimal("-850.00"), "EUR", DAY, text="Miete April Vermieter")
    (matched,) = proposals([rent], [line], [rule], Learned())
    assert matched.kind == "match", "it is booked already"


def test_a_habit_is_proposed_and_never_done_alone() -> None:
    learned = Learned({}, {"vermieter": {ACCOUNT: 40}})
    (found,) = proposals([paid("-850.00", "April", "Vermieter")], [], [], learned)
    assert (found.account, found.auto) == (ACCOUNT, False)
    assert found.confidence <= 0.9


def test_a_pattern_that_cannot_run_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="pattern for the text"):
        rulebook.checked(Rule("x", ACCOUNT, text_pattern="(a"))
    with pytest.raises(Invalid, match="needs a condition"):
        rulebook.checked(Rule("x", ACCOUNT))


LINE = StatementLine(DAY, DAY, Decimal("10.00"), "EUR", "Anna", text="Kaffee", bank_id="A1")


def test_equal_lines_of_one_day_are_two_and_known_ones_none() -> None:
    twins = [replace(LINE, bank_id=""), replace(LINE, bank_id="")]
    first = fresh(twins, [], format="csv")
    assert len({one.fingerprint for one in first}) == 2
    known = [Known(one.line, "csv") for one in first]
    assert fresh(twins, known, format="csv") == []
    (third,) = fresh([*twins, twins[0]], known, format="csv")
    assert third.fingerprint not in {one.fingerprint for one in first}


def test_what_the_bank_tells_apart_is_two() -> None:
    assert len(fresh([replace(LINE, bank_id="A2")], [Known(LINE, "ofx")], format="ofx")) == 1


def test_a_batch_and_its_parts_are_one() -> None:
    parts = [replace(LINE, amount=Decimal(n), bank_id=f"A1#{n}", text=str(n)) for n in (4, 6)]
    assert fresh(parts, [Known(LINE, "mt940")], format="camt053") == []
    assert fresh([LINE], [Known(one, "camt053") for one in parts], format="mt940") == []


def test_another_format_without_common_names_is_known_by_its_words_or_its_balances() -> None:
    told = replace(LINE, bank_id="", text="KAFFEE", counterparty="ANNA")
    assert fresh([told], [Known(LINE, "camt053")], format="csv") == []
    strange = replace(told, text="Tee", counterparty="Jana")
    assert len(fresh([strange], [Known(LINE, "camt053")], format="csv")) == 1
    assert fresh([strange], [Known(LINE, "camt053")], format="csv", same_period=True) == []


WORDS = ("Kaffee", "Miete März", "RE-2025-00017 Müller")


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from(["1.00", "2.00"]), st.sampled_from(WORDS)), max_size=12
    ),
    files=st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["camt053", "mt940", "csv"])),
        max_size=6,
    ),
)
@settings(deadline=None, max_examples=200)
def test_whatever_files_come_in_whatever_order_each_movement_is_added_once(
    lines: list[tuple[int, str, str]], files: list[tuple[int, int, str]]
) -> None:
    told = [
        StatementLine(date(2025, 3, day), DAY, Decimal(amount), "EUR", text=text, bank_id=f"N{n}")
        for n, (day, amount, text) in enumerate(lines)
    ]
    known: list[Known] = []
    seen: set[int] = set()
    for first, last, format in files:
        days = set(range(min(first, last), max(first, last) + 1))
        seen |= days
        part = [one for one in told if one.day.day in days]
        if format == "csv":
            part = [replace(one, bank_id="", text=one.text.upper()) for one in part]
        before = [one for one in known if one.line.day.day in days]
        known += [Known(one.line, format) for one in fresh(part, before, format=format)]
    wanted = sorted((one.day, one.amount, one.text.upper()) for one in told if one.day.day in seen)
    assert sorted((one.line.day, one.line.amount, one.line.text.upper()) for one in known) == wanted
