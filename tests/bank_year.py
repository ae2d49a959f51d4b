"""A year on a bank account as banks and customers really write it, by somebody who knows the truth.

The same seed makes the same year. What is done to texts: upper case, umlauts in three ways, names cut at 27
or 35, blanks in the middle of references, look-alike letters, swapped and wrong digits, texts cut off. What
makes it hard besides: price lists and monthly contracts (many equal amounts), customers with nearly one name,
several invoices in one transfer, part payments, charges taken off, payments without any reference, payments
by somebody else or under another invoice's number, strangers' payments that happen to have an open invoice's
amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sent.engines.capital.bank.model import Open
from sent.engines.capital.bank.readers.statement import StatementLine

START = date(2025, 1, 1)
_FIRST = """
Müller Schäfer Weiß Krüger Böhm Jäger Groß Köhler Becker Hoffmann Koch Richter Klein Wolf Schröder Neumann
Schwarz Zimmermann Braun Hofmann Schmitz Krause Lehmann Huber Mayer Hermann König Walter Peters Lang Weber
Fuchs Scholz Möller Kaiser Vogel Günther Frank Berger Winkler Lorenz Baumann Simon Albrecht Sauer
"""
FIRST = _FIRST.split()
_SECOND = """
Bau Baustoffe Logistik Elektrotechnik Gebäudereinigung Maschinenbau Immobilien Sicherheitstechnik Spedition
Metallbau Gastronomie Apotheke Verlag Software Hausverwaltung Autohaus Tischlerei
"""
SECOND = [*_SECOND.split(), "& Söhne", "& Partner"]
FORMS = ("GmbH", "GmbH & Co. KG", "KG", "AG", "e.K.", "UG (haftungsbeschränkt)", "OHG", "")
PRICES = [Decimal(n) for n in ("119", "178.50", "238", "297.50", "357", "476", "595", "833", "1190", "2380")]
RULES = {
    "fees": ("SPARKASSE", "ENTGELTABSCHLUSS KONTOFUEHRUNG", "out", (5, 40)),
    "rent": ("Grundstücksgesellschaft Nord", "MIETE BUERO HAUPTSTR 5", "out", (4200, 4200)),
    "phone": ("Telekom Deutschland GmbH", "Mobilfunk Kundenkonto 8831", "out", (80, 320)),
    "tax": ("Finanzamt Mitte", "UMSATZSTEUER VORANMELDUNG", "out", (2000, 30000)),
    "fuel": ("ARAL Station", "KARTENZAHLUNG TANKEN", "out", (30, 140)),
    "interest": ("SPARKASSE", "HABENZINSEN", "in", (1, 90)),
}


@dataclass
class Party:
    """A customer or supplier."""

    name: str
    iban: str
    monthly: Decimal | None = None


@dataclass
class Year:
    """What the bank tells, what is open, and what belongs together.

    `truth` says for each line's `bank_id` the ids of the items it settles (wholly or in part), a rule's name,
    or nothing: nobody can know.
    """

    lines: list[StatementLine] = field(default_factory=list)
    opens: list[Open] = field(default_factory=list)
    truth: dict[str, frozenset[str] | str | None] = field(default_factory=dict)


class _Writer:
    """Makes the year, kind by kind."""

    def __init__(self, seed: int, wanted: int) -> None:
        self.random = Random(seed)
        self.wanted = wanted
        self.year = Year()
        self.number = 0
        pick = self.random
        names: dict[str, None] = {}
        while len(names) < 300:
            names[f"{pick.choice(FIRST)} {pick.choice(SECOND)} {pick.choice(FORMS)}".strip()] = None
        self.customers = [Party(name, self._iban()) for name in names]
        for one in self.customers[:40]:
            one.monthly = pick.choice(PRICES)
        suppliers = {
            f"{pick.choice(SECOND[:17])} {pick.choice(FIRST)} {pick.choice(FORMS)}".strip() for _ in range(70)
        }
        self.suppliers = [Party(name, self._iban()) for name in sorted(suppliers)]

    def _iban(self) -> str:
        return f"DE{self.random.randrange(10, 99)}{self.random.randrange(10**17, 10**18)}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def amount(self) -> Decimal:
        listed = self.chance(0.3)
        return self.random.choice(PRICES) if listed else Decimal(self.random.randrange(2_000, 900_000)) / 100

    def day(self) -> date:
        return START + timedelta(days=self.random.randrange(330))

    def invoice(self, party: Party, day: date, amount: Decimal | None = None) -> Open:
        self.number += 1
        made = Open(
            f"invoice-{self.number}", amount or self.amount(), "EUR", day, f"RE-2025-{self.number:05}",
            party.name, "invoice",
        )  # fmt: skip
        self.year.opens.append(made)
        return made

    def pay(
        self,
        who: str,
        day: date,
        amount: Decimal,
        text: str,
        truth: frozenset[str] | str | None,
        *,
        iban: str = "",
        end_to_end: str = "",
    ) -> None:
        number = f"B{len(self.year.lines):06}"
        if self.chance(0.5):
            text, who = text.upper(), who.upper()
        way = self.random.random()
        if way < 0.4:
            table = str.maketrans(
                {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "ss"}
            )
        elif way < 0.55:
            table = str.maketrans("äöüÄÖÜß", "aouAOUs")
        else:
            table = {}
        text, who = text.translate(table), who.translate(table)
        if self.chance(0.3):
            who = who[: self.random.choice((27, 35))]
        if self.chance(0.15):
            text = " ".join(text[n : n + 27] for n in range(0, len(text), 27))
        if self.chance(0.1):
            text = text[: self.random.choice((30, 50, 70))]
        last = min(day, START + timedelta(days=364))
        line = StatementLine(last, day, amount, "EUR", who, iban, text, "", end_to_end, number)
        self.year.lines.append(line)
        self.year.truth[number] = truth

    def said(self, reference: str) -> str:
        """Return a reference as a customer writes it."""
        short, year, number = reference.split("-")
        forms = (
            reference, reference, reference, f"{short} {year} {number}", f"{short}{year}{number}",
            f"Rechnung {year}-{number}", f"Rg.Nr. {reference}", f"RNr {year}/{number}", f"{year}{number}",
        )  # fmt: skip
        text = self.random.choice(forms)
        if self.chance(0.06):
            text = text.replace("0", "O")
        if self.chance(0.05):
            at = [n for n, c in enumerate(text) if c.isdigit()]
            n = self.random.choice(at[-5:])
            if self.chance(0.5) and n + 1 < len(text):
                text = text[:n] + text[n + 1] + text[n] + text[n + 2 :]
            else:
                text = text[:n] + str(self.random.randrange(10)) + text[n + 1 :]
        return text

    def around(self, text: str, day: date) -> str:
        """Return a text with what people write around it."""
        before = self.random.choice(("", "", "Zahlung ", "Rechnung ", "Überweisung ", "Vielen Dank ", "re. "))
        customer = self.random.randrange(10_000, 99_999)
        after = self.random.choice(
            (
                "",
                "",
                f" vom {day:%d.%m.%Y}",
                f" KdNr {customer}",
                " abzgl. nichts",
                " Mit freundlichen Grüßen",
            )
        )
        return f"{before}{text}{after}"

    def single(self) -> None:
        party = self.random.choice(self.customers)
        day = self.day()
        one = self.invoice(party, day, party.monthly if party.monthly and self.chance(0.7) else None)
        paid = day + timedelta(days=max(0, int(self.random.gauss(18, 10))))
        who = party.name
        iban = party.iban if self.chance(0.7) else ""
        if self.chance(0.04):
            who, iban = f"{self.random.choice(('Anna', 'Peter', 'Uwe'))} {self.random.choice(FIRST)}", ""
        self.pay(
            who, paid, one.amount, self.around(self.said(one.reference), day), frozenset([one.id]), iban=iban
        )

    def silent(self) -> None:
        party = self.random.choice(self.customers[40:])
        day = self.day()
        one = self.invoice(party, day)
        text = self.random.choice(
            ("Zahlung", "Danke", "", "Ihre Rechnung", "lt. Vereinbarung", "Wartung März")
        )
        self.pay(
            party.name,
            day + timedelta(days=self.random.randrange(3, 40)),
            one.amount,
            text,
            frozenset([one.id]),
        )

    def contract(self) -> None:
        """A monthly amount without a reference: which month cannot be known."""
        party = self.random.choice(self.customers[:40])
        day = self.day()
        one = self.invoice(party, day, party.monthly)
        self.pay(party.name, day + timedelta(days=20), one.amount, "Wartungsvertrag", frozenset([one.id]))

    def several(self) -> None:
        party = self.random.choice(self.customers)
        day = self.day()
        many = [
            self.invoice(party, day - timedelta(days=self.random.randrange(20)))
            for _ in range(self.random.randrange(2, 7))
        ]
        refs = [one.reference for one in many]
        text = self.random.choice(
            (
                " ".join(self.said(one) for one in refs),
                ", ".join(refs),
                refs[0] + "".join(f"/{one[-5:].lstrip('0')}" for one in refs[1:]),
                f"{refs[0]} bis {refs[-1]}",
                "div. Rechnungen lt. Avis",
            )
        )
        total = sum((one.amount for one in many), Decimal(0))
        self.pay(
            party.name,
            day + timedelta(days=12),
            total,
            text,
            frozenset(one.id for one in many),
            iban=party.iban,
        )

    def parts(self) -> None:
        party = self.random.choice(self.customers)
        day = self.day()
        one = self.invoice(party, day, Decimal(self.random.randrange(50_000, 900_000)) / 100)
        first = (one.amount * Decimal(self.random.choice(("0.5", "0.3", "0.25", "0.4")))).quantize(
            Decimal("0.01")
        )
        for n, part in enumerate((first, one.amount - first)):
            text = f"{('1. Rate', 'Restzahlung')[n]} {self.said(one.reference)}"
            self.pay(
                party.name,
                day + timedelta(days=14 + 30 * n),
                part,
                text,
                frozenset([one.id]),
                iban=party.iban,
            )

    def charged(self) -> None:
        """A payment from abroad, less the banks' charges: in full it does not settle the invoice."""
        party = self.random.choice(self.customers)
        day = self.day()
        one = self.invoice(party, day, Decimal(self.random.randrange(50_000, 900_000)) / 100)
        less = Decimal(self.random.choice(("7.50", "10.00", "12.50", "15.00")))
        self.pay(
            party.name,
            day + timedelta(days=9),
            one.amount - less,
            f"INV {one.reference}",
            frozenset([one.id]),
        )

    def bill(self) -> None:
        party = self.random.choice(self.suppliers)
        day = self.day()
        self.number += 1
        number = self.random.choice(
            (f"{self.random.randrange(10**5, 10**6)}", f"R{self.random.randrange(10**6, 10**7)}",
             f"2025-{self.random.randrange(1000, 9999)}")
        )  # fmt: skip
        one = Open(f"bill-{self.number}", -self.amount(), "EUR", day, number, party.name, "bill")
        self.year.opens.append(one)
        self.pay(
            party.name, day + timedelta(days=self.random.randrange(5, 30)), one.amount,
            f"Rechnung {number} KdNr 40{self.random.randrange(1000)}", frozenset([one.id]), iban=party.iban,
        )  # fmt: skip

    def booked(self) -> None:
        """What the books have on the bank's account already: wages, transfers, payment runs."""
        day = self.day()
        self.number += 1
        kind, who = self.random.choice(
            (("Lohn", "Mitarbeiter"), ("Umbuchung", "Tagesgeld"), ("Zahllauf", "Sammler"))
        )
        name = f"{self.random.choice(('Anna', 'Peter', 'Uwe', 'Jana'))} {self.random.choice(FIRST)}"
        reference = f"ZL{self.number:06}"
        amount = -Decimal(self.random.randrange(100_000, 500_000)) / 100
        one = Open(f"line-{self.number}", amount, "EUR", day, reference, text=f"{kind} {name} {who}")
        self.year.opens.append(one)
        end = reference if self.chance(0.6) else ""
        self.pay(
            name, day + timedelta(days=self.random.randrange(3)), one.amount, f"{kind} {day:%m/%Y}",
            frozenset([one.id]), end_to_end=end,
        )  # fmt: skip

    def cards(self, day: date = START) -> None:
        many = []
        for _ in range(self.random.randrange(3, 9)):
            self.number += 1
            many.append(
                Open(
                    f"card-{self.number}",
                    Decimal(self.random.randrange(500, 30_000)) / 100,
                    "EUR",
                    day,
                    f"T{self.number:07}",
                    "PayCard Europe AG",
                    "other",
                )
            )
        self.year.opens += many
        gross = sum((one.amount for one in many), Decimal(0))
        fee = (gross * Decimal("0.0125")).quantize(Decimal("0.01"))
        text = f"UMSATZ {day:%d.%m.} BRUTTO {gross:.2f} ENTGELT {fee:.2f}".replace(".", ",", 0)
        if self.chance(0.1):
            text = "KARTENUMSATZ"
        self.pay(
            "PAYCARD EUROPE AG", day + timedelta(days=2), gross - fee, text, frozenset(one.id for one in many)
        )

    def ruled(self) -> None:
        kind = self.random.choice(list(RULES))
        who, text, way, (least, most) = RULES[kind]
        value = Decimal(self.random.randrange(least * 100, most * 100 + 1)) / 100
        self.pay(who, self.day(), value if way == "in" else -value, text, kind)

    def mistaken(self) -> None:
        """A customer copies the reference of an invoice that he pays too, or does not, and pays another."""
        party = self.random.choice(self.customers)
        day = self.day()
        named = self.invoice(party, day - timedelta(days=30))
        meant = self.invoice(party, day, Decimal(self.random.randrange(2_000, 900_000)) / 100)
        self.pay(party.name, day + timedelta(days=9), meant.amount, named.reference, frozenset([meant.id]))
        if self.chance(0.5):
            self.pay(
                party.name, day - timedelta(days=9), named.amount, named.reference, frozenset([named.id])
            )

    def stranger(self) -> None:
        """Nobody knows what it is; half have the amount of an invoice that stays open."""
        day = self.day()
        value = self.amount()
        if self.chance(0.5):
            value = self.invoice(self.random.choice(self.customers), day).amount
        who = f"{self.random.choice(('Anna', 'Peter', 'Uwe', 'Jana'))} {self.random.choice(FIRST)}"
        text = self.random.choice(
            ("Erstattung", f"Vertrag {self.random.randrange(10**6)}", "privat", "Kaution")
        )
        self.pay(who, day + timedelta(days=10), value, text, None)

    def unpaid(self) -> None:
        self.invoice(self.random.choice(self.customers), self.day())

    def write(self) -> Year:
        kinds: list[tuple[Callable[[], None], int]] = [
            (self.single, 520), (self.silent, 90), (self.contract, 12), (self.several, 70), (self.parts, 20),
            (self.charged, 10), (self.bill, 110), (self.booked, 40), (self.cards, 50), (self.ruled, 80),
            (self.mistaken, 8),
            (self.stranger, 20), (self.unpaid, 50),
        ]  # fmt: skip
        makers, weights = zip(*kinds, strict=True)
        days: set[date] = set()
        while len(self.year.lines) < self.wanted:
            make = self.random.choices(makers, weights)[0]
            if make == self.cards:
                if len(days) > 320:
                    continue
                while (day := self.day()) in days:
                    pass
                days.add(day)
                self.cards(day)
                continue
            make()
        del self.year.lines[self.wanted :]
        self.year.lines.sort(key=lambda line: line.day)
        return self.year


def make_year(seed: int, lines: int = 5000, *, missing: float = 0.0) -> Year:
    """Return a year of that many lines; a share of the open items is `missing`: nobody can know theirs."""
    year = _Writer(seed, lines).write()
    if missing:
        pick = Random(seed + 1)
        gone = {one.id for one in year.opens if pick.random() < missing}
        year.opens = [one for one in year.opens if one.id not in gone]
        for key, truth in year.truth.items():
            if isinstance(truth, frozenset) and truth & gone:
                year.truth[key] = None
    return year
