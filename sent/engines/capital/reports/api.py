"""Reports for other layers.

month = api.Column("March", date(2026, 3, 1), date(2026, 3, 31))
found = await api.report(ctx, "profit_and_loss", [month])
api.csv_bytes(found), api.xlsx_bytes(found), api.pdf_bytes(found)
"""

from __future__ import annotations

from sent.engines.capital.reports.export import csv_bytes, pdf_bytes, xlsx_bytes
from sent.engines.capital.reports.model import Column, Day, EntryLine, EntryRow, Posting, Report, Row
from sent.engines.capital.reports.service import TITLES, Kind, days, entries, entry, lines, postings, report

__all__ = [
    "TITLES", "Column", "Day", "EntryLine", "EntryRow", "Kind", "Posting", "Report", "Row", "csv_bytes",
    "days", "entries", "entry", "lines", "pdf_bytes", "postings", "report", "xlsx_bytes",
]  # fmt: skip
