"""Deutschland: Nummern nach der Ordnung des SKR 03, Vorsteuer und Umsatzsteuer nach Sätzen getrennt."""

from __future__ import annotations

from sent.engines.capital.charts.template import Template, planned

ACCOUNTS = """
0210 | Maschinen | asset | fixed_asset
0211 | Abschreibungen auf Maschinen | asset | accumulated_depreciation
0320 | Fahrzeuge | asset | fixed_asset
0321 | Abschreibungen auf Fahrzeuge | asset | accumulated_depreciation
0410 | Geschäftsausstattung | asset | fixed_asset
0411 | Abschreibungen auf Geschäftsausstattung | asset | accumulated_depreciation
0630 | Verbindlichkeiten gegenüber Kreditinstituten | liability | loan
0800 | Gezeichnetes Kapital | equity | capital
0860 | Gewinnvortrag | equity | retained_earnings
0980 | Aktive Rechnungsabgrenzung | asset | prepayment
1000 | Kasse | asset | cash
1200 | Bank | asset | cash
1210 | Tagesgeld | asset | cash
1360 | Geldtransit | asset | clearing
1365 | Währungsverrechnung | equity | currency_clearing
1400 | Forderungen aus Lieferungen und Leistungen | asset | receivable
1571 | Abziehbare Vorsteuer 7 % | asset | tax
1576 | Abziehbare Vorsteuer 19 % | asset | tax
1577 | Abziehbare Vorsteuer § 13b UStG 19 % | asset | tax
1590 | Durchlaufende Posten | liability | suspense
1600 | Verbindlichkeiten aus Lieferungen und Leistungen | liability | payable
1740 | Verbindlichkeiten aus Lohn und Gehalt | liability | payroll
1741 | Verbindlichkeiten aus Lohn- und Kirchensteuer | liability | payroll
1742 | Verbindlichkeiten im Rahmen der sozialen Sicherheit | liability | payroll
1771 | Umsatzsteuer 7 % | liability | tax
1776 | Umsatzsteuer 19 % | liability | tax
1780 | Umsatzsteuer-Vorauszahlungen | asset | tax
1787 | Umsatzsteuer nach § 13b UStG 19 % | liability | tax
1789 | Umsatzsteuer laufendes Jahr | liability | tax
2100 | Zinsen und ähnliche Aufwendungen | expense | interest
2150 | Kursdifferenzen | expense | exchange
2200 | Körperschaftsteuer | expense | income_tax
2400 | Forderungsverluste | expense |
2650 | Zinserträge | income | interest
2700 | Sonstige Erträge | income |
3100 | Fremdleistungen | expense | cost_of_sales
3200 | Wareneingang | expense | cost_of_sales
3980 | Warenbestand | asset | inventory
4100 | Löhne Wachpersonal | expense | cost_of_sales
4120 | Gehälter | expense |
4130 | Gesetzliche Sozialaufwendungen | expense |
4210 | Miete | expense |
4240 | Gas, Strom, Wasser | expense |
4360 | Versicherungen | expense |
4530 | Laufende Fahrzeugkosten | expense |
4540 | Fahrzeugreparaturen | expense |
4650 | Bewirtung und Reisen | expense |
4805 | Reparaturen und Instandhaltung | expense |
4830 | Abschreibungen auf Sachanlagen | expense | depreciation
4910 | Porto und Büromaterial | expense |
4920 | Telefon und Internet | expense |
4945 | Fortbildung und Zulassungen | expense |
4950 | Rechts- und Beratungskosten | expense |
4955 | Buchführung und Abschluss | expense |
4964 | Software und Lizenzen | expense |
4970 | Nebenkosten des Geldverkehrs | expense | bank_fees
4980 | Dienstkleidung und Betriebsbedarf | expense |
4999 | Rundungsdifferenzen | expense | rounding
8300 | Erlöse 7 % USt | income | sales
8336 | Erlöse § 13b UStG | income | sales
8400 | Erlöse Objektschutz 19 % USt | income | sales
8410 | Erlöse Streifendienst 19 % USt | income | sales
8420 | Erlöse Notruf und Alarmverfolgung 19 % USt | income | sales
8430 | Erlöse IT- und Sicherheitsdienste 19 % USt | income | sales
9000 | Saldenvorträge | equity | opening
"""

TEMPLATE = Template(
    "de",
    "DE",
    "EUR",
    (1, 1),
    planned(ACCOUNTS),
    (
        ("GJ", "Hauptjournal", "general"),
        ("SJ", "Ausgangsrechnungen", "sales"),
        ("PJ", "Eingangsrechnungen", "purchase"),
        ("BJ", "Bank und Kasse", "bank"),
        ("CJ", "Jahresabschluss", "closing"),
    ),
)
