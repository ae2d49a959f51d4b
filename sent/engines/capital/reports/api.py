"""Reports for other layers.

month = api.Column("March", date(2026, 3, 1), date(2026, 3, 31))
found = await api.report(ctx, "profit_and_loss", [month])
api.csv_bytes(found), api.xlsx_bytes(found), api.pdf_bytes(found)
"""

from __future__ import annotations

from sent.engines.capital.reports.closing import Check, CheckId, CheckState, checks, closing_entry
from sent.engines.capital.reports.export import csv_bytes, pdf_bytes, xlsx_bytes
from sent.engines.capital.reports.figures import Figures, Month, Part, figures
from sent.engines.capital.reports.lists import AGES, aged, general_ledger, tax_return
from sent.engines.capital.reports.model import Column, Day, EntryLine, EntryRow, Posting, Report, Row
from sent.engines.capital.reports.service import TITLES, Kind, days, entries, entry, lines, postings, report

__all__ = [
    "AGES", "TITLES", "Check", "CheckId", "CheckState", "Column", "Day", "EntryLine", "EntryRow", "Figures",
    "Kind", "Month", "Part", "Posting", "Report", "Row", "aged", "checks", "closing_entry", "csv_bytes",
    "days", "entries", "entry", "figures", "general_ledger", "lines", "pdf_bytes", "postings", "report",
    "tax_return", "xlsx_bytes",
]  # fmt: skip
