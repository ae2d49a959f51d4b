"""Reports as files: CSV for machines, XLSX with numbers one can go on calculating with, PDF for paper.

Bounded by the report itself: at most 24 columns and one row for each account.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from sent.engines.capital.reports.model import Column, Report, Row

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(report: Report) -> bytes:
    """Return UTF-8 CSV: code, label, kind, then one amount for each heading; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["code", "label", "kind", *headings(report)])
    for row in report.rows:
        amounts = ["" if amount is None else f"{amount:f}" for amount in filled(report, row)]
        writer.writerow([_safe(row.code), _safe(row.label), row.kind, *amounts])
    return out.getvalue().encode()


def _safe(text: str) -> str:
    """Keep spreadsheets from running a name as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA) else text


def headings(report: Report) -> list[str]:
    """Return a heading for each amount of a row: a trial balance has two for each column."""
    if report.id == "trial_balance":
        return [f"{one.title} {side}" for one in report.columns for side in ("debit", "credit")]
    return [one.title for one in report.columns]


def filled(report: Report, row: Row) -> list[Decimal | None]:
    """Return a row's amounts, None for those a heading does not have."""
    return [*row.amounts, *[None] * (len(headings(report)) - len(row.amounts))]


def days(column: Column) -> str:
    """Return which days a column covers."""
    if column.starts is None:
        return f"at {column.ends.isoformat()}"
    return f"{column.starts.isoformat()} to {column.ends.isoformat()}"


def spans(report: Report) -> str:
    """Return the days of all columns, each span once."""
    return "; ".join(dict.fromkeys(days(one) for one in report.columns))


def xlsx_bytes(report: Report) -> bytes:
    """Return an XLSX workbook (ECMA-376) of one sheet; amounts are numbers, headings stay in sight."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet(report.title[:31])
    money, bold = {"num_format": "#,##0.00;-#,##0.00;–"}, {"bold": True}
    looks: dict[str, Any] = {
        "heading": (book.add_format(bold), book.add_format(bold | money)),
        "account": (book.add_format({"indent": 1}), book.add_format(money)),
        "total": (book.add_format({"indent": 1, "top": 1}), book.add_format(money | {"top": 1})),
        "result": (book.add_format(bold | {"top": 1}), book.add_format(bold | money | {"top": 1})),
    }
    right = book.add_format({"bold": True, "align": "right", "bottom": 1})
    sheet.write_string(0, 0, report.title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(1, 0, f"{report.commodity}, {spans(report)}")
    for at, title in enumerate(headings(report)):
        sheet.write_string(3, 2 + at, title, right)
    for n, row in enumerate(report.rows, 4):
        text, number = looks[row.kind]
        sheet.write_string(n, 0, row.code, text)
        sheet.write_string(n, 1, row.label, text)
        for at, amount in enumerate(filled(report, row)):
            if amount is None:
                sheet.write_blank(n, 2 + at, None, number)
            else:
                sheet.write_number(n, 2 + at, float(amount), number)
    for n, note in enumerate(report.notes, len(report.rows) + 5):
        sheet.write_string(n, 1, note)
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 1, 44)
    sheet.set_column(2, 1 + len(headings(report)), 16)
    sheet.freeze_panes(4, 2)
    sheet.repeat_rows(3)
    sheet.fit_to_pages(1, 0)
    book.close()
    return out.getvalue()


def pdf_bytes(report: Report, company: str = "") -> bytes:
    """Return a PDF: A4 upright up to three amounts in a row, else across; headings on every page."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    from sent.engines.capital.billing.paper import fonts

    across = len(headings(report)) > 3
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=landscape(A4) if across else A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=report.title,
        author=company,
        invariant=1,
    )
    styles = _styles(fonts())
    subtitle = f"{report.commodity} · {spans(report)}"
    parts: list[Any] = [Paragraph(escaped(company), styles["small"])] if company else []
    parts += [
        Paragraph(escaped(report.title), styles["title"]),
        Paragraph(escaped(subtitle), styles["small"]),
    ]
    parts += [Spacer(1, 6 * mm), _table(report, page.width, fonts())]
    parts += [Paragraph(escaped(note), styles["small"]) for note in report.notes]
    numbered = _numbered(fonts()["regular"])
    page.build(parts, onFirstPage=numbered, onLaterPages=numbered)
    return out.getvalue()


def escaped(text: str) -> str:
    """Return a text for reportlab's paragraphs, which read markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _styles(fonts: dict[str, str]) -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle

    return {
        "title": ParagraphStyle("title", fontName=fonts["bold"], fontSize=16, leading=22),
        "small": ParagraphStyle(
            "small", fontName=fonts["regular"], fontSize=8.5, leading=12, textColor="#667080"
        ),
    }


def _table(report: Report, width: float, fonts: dict[str, str]) -> Any:
    from reportlab.platypus import LongTable, TableStyle

    amounts = len(headings(report))
    figure = min(90.0, (width - 190) / max(amounts, 1))
    rows = [["", "", *headings(report)]]
    look: list[Any] = [
        ("FONT", (0, 0), (-1, -1), fonts["regular"], 8.5),
        ("FONT", (0, 0), (-1, 0), fonts["bold"], 8),
        ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.7, "#1b1f24"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
    ]
    for n, row in enumerate(report.rows, 1):
        shown = ["" if amount is None else f"{amount:,.2f}" for amount in filled(report, row)]
        rows.append([row.code, row.label, *shown])
        if row.kind in ("heading", "result"):
            look.append(("FONT", (0, n), (-1, n), fonts["bold"], 8.5))
        if row.kind in ("total", "result") and row.amounts:
            look.append(("LINEABOVE", (2, n), (-1, n), 0.4 if row.kind == "total" else 0.8, "#1b1f24"))
        if row.kind == "heading":
            look.append(("TOPPADDING", (0, n), (-1, n), 7))
            look.append(("NOSPLIT", (0, n), (-1, n + 1)))
        if row.kind == "result":
            look.append(("BACKGROUND", (0, n), (-1, n), "#f4f6f8"))
    return LongTable(
        rows, colWidths=[44, width - 44 - figure * amounts, *[figure] * amounts], repeatRows=1,
        style=TableStyle(look),
    )  # fmt: skip


def _numbered(font: str) -> Any:
    def draw(canvas: Any, page: Any) -> None:
        canvas.setFont(font, 8)
        canvas.setFillColor("#667080")
        canvas.drawRightString(page.pagesize[0] - page.rightMargin, 24, str(canvas.getPageNumber()))

    return draw
