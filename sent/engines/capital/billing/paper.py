"""Draws a sheet as PDF with reportlab: letter paper with an address window, a table over pages, a footer.

The measures are those of DIN 5008 form B, which windows of C5/6 and DL envelopes fit as well as no. 10 ones.
Nothing is loaded from outside; the same sheet gives the same bytes. reportlab is loaded at the first one.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sent
from sent.engines.capital.billing.sheet import Sheet
from sent.platform.errors import Invalid

MM = 72 / 25.4
PAPERS = {"A4": (210 * MM, 297 * MM), "Letter": (8.5 * 72, 11 * 72)}
LEFT = RIGHT = 20 * MM
BOTTOM = 34 * MM
BODY, SMALL, TITLE = 9.5, 7.5, 19.0
LEADING = 13.0
INK, GREY, HAIR, WASH = "#1b1f24", "#667080", "#d6dae0", "#f4f6f8"
FONTS = {"regular": "Inter-Regular", "bold": "Inter-SemiBold"}
MAX_PAGES = 500
MAX_PIXELS = 8_000_000
"""Of a logo: half a megabyte of PNG may unpack to gigabytes."""


@cache
def fonts() -> dict[str, str]:
    """Return the names of the regular and bold font: Inter where it was built in, else Helvetica."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(sent.__file__).parent / "ui" / "assets" / "fonts"
    if not all((folder / f"{name}.ttf").is_file() for name in FONTS.values()):
        return {"regular": "Helvetica", "bold": "Helvetica-Bold"}
    for name in FONTS.values():
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    return dict(FONTS)


def draw(sheet: Sheet) -> bytes:
    """Return the sheet as a PDF; raises Invalid when the logo is no picture or it has too many pages."""
    pages = _Drawing(sheet, 0).run()
    drawing = _Drawing(sheet, pages)
    drawing.run()
    return drawing.data()


class _Drawing:
    """One pass over a sheet; `y` is where the next line stands. The first pass counts the pages."""

    def __init__(self, sheet: Sheet, pages: int) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self.sheet = sheet
        self.pages = pages
        self.page = 1
        # A profile that was kept without SENT's checks is nothing that a colour's reader gets to see.
        self.width, self.height = PAPERS.get(sheet.sender.paper, PAPERS["A4"])
        accent = str(sheet.sender.accent)
        self.accent = accent if re.fullmatch("#[0-9a-fA-F]{6}", accent) else INK
        self.buffer = io.BytesIO()
        self.canvas: Any = Canvas(self.buffer, (self.width, self.height), pageCompression=1, invariant=1)
        self.canvas.setTitle(sheet.title)
        self.canvas.setAuthor(sheet.sender.name)
        self.fonts = fonts()
        self.y = self.height

    def data(self) -> bytes:
        self.canvas.save()
        return self.buffer.getvalue()

    def run(self) -> int:
        self.head()
        self.intro()
        self.table()
        self.totals()
        self.closing()
        self.foot()
        self.canvas.showPage()
        return self.page

    def text(
        self, x: float, y: float, text: str, *, size: float = BODY, bold: bool = False, ink: str = INK
    ) -> None:
        self.canvas.setFont(self.fonts["bold" if bold else "regular"], size)
        self.canvas.setFillColor(ink)
        self.canvas.drawString(x, y, text)

    def right(
        self, x: float, y: float, text: str, *, size: float = BODY, bold: bool = False, ink: str = INK
    ) -> None:
        self.text(x - self.measure(text, size, bold), y, text, size=size, bold=bold, ink=ink)

    def measure(self, text: str, size: float = BODY, bold: bool = False) -> float:
        return float(self.canvas.stringWidth(text, self.fonts["bold" if bold else "regular"], size))

    def rule(self, y: float, x: float = LEFT, *, ink: str = HAIR, weight: float = 0.6) -> None:
        self.canvas.setStrokeColor(ink)
        self.canvas.setLineWidth(weight)
        self.canvas.line(x, y, self.width - RIGHT, y)

    def wrapped(self, text: str, width: float, size: float = BODY) -> list[str]:
        """Break a text into lines of a width, never at a no-break space; words longer than it are cut."""
        lines: list[str] = []
        space = self.measure(" ", size)
        for paragraph in text.splitlines() or [""]:
            line, used = "", 0.0
            for word in paragraph.split(" "):
                parts = self.cut(word, width, size)
                for n, (part, wide) in enumerate(parts):
                    if n == 0 and (not line or used + space + wide <= width):
                        used = used + space + wide if line else wide
                        line = f"{line} {part}" if line else part
                    else:
                        lines.append(line)
                        line, used = part, wide
            lines.append(line)
        return lines

    def cut(self, word: str, width: float, size: float) -> list[tuple[str, float]]:
        """Return a word in parts that fit a width, with their widths; in one pass, however long it is."""
        whole = self.measure(word, size)
        if whole <= width:
            return [(word, whole)]
        parts: list[tuple[str, float]] = []
        part, used = "", 0.0
        for letter in word:
            wide = self.measure(letter, size)
            if part and used + wide > width:
                parts.append((part, used))
                part, used = "", 0.0
            part, used = part + letter, used + wide
        return [*parts, (part, used)]

    def fitting(self, text: str, width: float, size: float) -> float:
        """Return the size, at most `size`, at which a text fits a width."""
        wide = self.measure(text, size)
        return size if wide <= width else max(size * width / wide, 4.0)

    def need(self, height: float) -> bool:
        """Start a new page unless a height is left on this one; returns whether it did."""
        if self.y - height >= BOTTOM:
            return False
        self.foot()
        self.canvas.showPage()
        self.page += 1
        if self.page > MAX_PAGES:
            raise Invalid("capital.paper.pages", f"the document has more than {MAX_PAGES} pages: split it")
        self.y = self.height - 20 * MM
        self.text(LEFT, self.y, self.sheet.title, size=SMALL + 1, bold=True, ink=GREY)
        self.right(self.width - RIGHT, self.y, self.sheet.sender.name, size=SMALL + 1, ink=GREY)
        self.y -= 9 * MM
        return True

    def head(self) -> None:
        """Draw sender, address window, title and the pairs beside it."""
        sender, top = self.sheet.sender, self.height
        self.canvas.setFillColor(self.accent)
        self.canvas.rect(0, top - 3 * MM, self.width, 3 * MM, stroke=0, fill=1)
        if not self.logo(top - 11 * MM):
            self.text(
                LEFT,
                top - 20 * MM,
                sender.name,
                size=self.fitting(sender.name, 95 * MM, 16),
                bold=True,
                ink=self.accent,
            )
        y = top - 16 * MM
        for line in self.sheet.footer[1][:4]:
            self.right(self.width - RIGHT, y, line, size=SMALL + 0.5, ink=GREY)
            y -= 11
        origin = " · ".join(self.sheet.footer[0])
        self.text(LEFT, top - 49 * MM, origin, size=self.fitting(origin, 85 * MM, 6.5), ink=GREY)
        self.rule_short(top - 50 * MM, 85 * MM)
        y = top - 56 * MM
        for line in self.sheet.recipient[:8]:
            self.text(LEFT, y, line, size=self.fitting(line, 85 * MM, BODY + 0.5))
            y -= LEADING
        self.beside(top - 53 * MM)
        self.y = top - 103 * MM
        room = self.width - LEFT - RIGHT
        self.text(LEFT, self.y, self.sheet.title, size=self.fitting(self.sheet.title, room, TITLE), bold=True)
        self.y -= 9 * MM

    def rule_short(self, y: float, width: float) -> None:
        self.canvas.setStrokeColor(HAIR)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(LEFT, y, LEFT + width, y)

    def beside(self, y: float) -> None:
        start, end = self.width - RIGHT - 72 * MM, self.width - RIGHT
        height = len(self.sheet.pairs) * 14.5 + 10
        self.canvas.setFillColor(WASH)
        self.canvas.roundRect(start - 4 * MM, y - height + 12, 76 * MM, height, 3, stroke=0, fill=1)
        y -= 3
        for label, value in self.sheet.pairs:
            self.text(start, y, label, size=SMALL + 0.5, ink=GREY)
            size = self.fitting(value, 44 * MM, BODY - 0.5)
            self.right(end - 1 * MM, y, value, size=size, bold=True)
            y -= 14.5

    def logo(self, top: float) -> bool:
        from PIL import Image
        from reportlab.lib.utils import ImageReader

        if self.sheet.logo is None:
            return False
        try:
            with Image.open(io.BytesIO(self.sheet.logo), formats=("PNG", "JPEG")) as head:
                wide, high = head.size
            if wide * high > MAX_PIXELS:
                raise ValueError("too many pixels")
            picture = ImageReader(io.BytesIO(self.sheet.logo))
            scale = min(60 * MM / wide, 20 * MM / high)
            self.canvas.drawImage(picture, LEFT, top - high * scale, wide * scale, high * scale, mask="auto")
        except (
            OSError,
            ValueError,
            ZeroDivisionError,
            SyntaxError,
            EOFError,
            struct.error,
            zlib.error,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as error:
            raise Invalid(
                "capital.billing.logo",
                "the logo cannot be read: save it again as PNG of at most"
                f" {MAX_PIXELS // 1_000_000} megapixels",
            ) from error  # fmt: skip
        return True

    def intro(self) -> None:
        if self.sheet.subject and not any(self.sheet.subject == value for _, value in self.sheet.pairs):
            self.text(LEFT, self.y, self.sheet.subject, bold=True)
            self.y -= LEADING + 2
        self.paragraphs([self.sheet.intro] if self.sheet.intro else [])

    def paragraphs(self, texts: Sequence[str], width: float | None = None) -> None:
        for text in texts:
            for line in self.wrapped(text, width or self.width - LEFT - RIGHT):
                self.need(LEADING)
                self.text(LEFT, self.y, line)
                self.y -= LEADING
            self.y -= 4

    def columns(self) -> list[tuple[float, float]]:
        """Return start and width of each column."""
        room = self.width - LEFT - RIGHT
        whole = sum(column.share for column in self.sheet.columns)
        x, found = LEFT, []
        for column in self.sheet.columns:
            width = room * column.share / whole
            found.append((x, width))
            x += width
        return found

    def titles(self) -> None:
        self.canvas.setFillColor(self.accent)
        self.canvas.rect(LEFT, self.y - 6, self.width - LEFT - RIGHT, 18, stroke=0, fill=1)
        for column, (x, width) in zip(self.sheet.columns, self.columns(), strict=True):
            size = self.fitting(column.title, width - 8, SMALL + 0.5)
            if column.align == "right":
                self.right(x + width - 4, self.y, column.title, size=size, bold=True, ink="#ffffff")
            else:
                self.text(x + 4, self.y, column.title, size=size, bold=True, ink="#ffffff")
        self.y -= 20

    def table(self) -> None:
        self.need(3 * LEADING + 20)
        self.y -= 9
        self.titles()
        places = self.columns()
        widest = max(range(len(places)), key=lambda n: places[n][1])
        for row in self.sheet.rows:
            lines = self.wrapped(row[widest], places[widest][1] - 8)
            if self.need(min(len(lines), 4) * LEADING):
                self.titles()
            for n, line in enumerate(lines):
                if n and self.need(LEADING):
                    self.titles()
                self.text(places[widest][0] + 4, self.y, line)
                if n == 0:
                    self.cells(row, widest, places)
                self.y -= LEADING
            self.rule(self.y + LEADING - 5)
            self.y -= 4

    def cells(self, row: Sequence[str], widest: int, places: Sequence[tuple[float, float]]) -> None:
        for n, (value, column) in enumerate(zip(row, self.sheet.columns, strict=True)):
            x, width = places[n]
            size = self.fitting(value, width - 6, BODY)
            if n == widest:
                continue
            if column.align == "right":
                self.right(x + width - 4, self.y, value, size=size)
            else:
                self.text(x + 4, self.y, value, size=size, ink=GREY if n == 0 and widest == 1 else INK)

    def totals(self) -> None:
        start, end = self.width - RIGHT - 92 * MM, self.width - RIGHT - 4
        self.need(len(self.sheet.totals) * 16 + 24)
        self.y -= 6
        for label, value in self.sheet.totals[:-1]:
            self.text(start + 8, self.y, label, size=self.fitting(label, 58 * MM, BODY - 0.5), ink=GREY)
            self.right(end, self.y, value)
            self.y -= 15
        self.y -= 4
        label, value = self.sheet.totals[-1]
        self.canvas.setFillColor(WASH)
        self.canvas.rect(start, self.y - 11, self.width - RIGHT - start, 24, stroke=0, fill=1)
        self.canvas.setFillColor(self.accent)
        self.canvas.rect(start, self.y - 11, 2.5, 24, stroke=0, fill=1)
        self.text(start + 8, self.y - 3, label, size=BODY + 1.5, bold=True)
        self.right(end, self.y - 3, value, size=self.fitting(value, 50 * MM, BODY + 2.5), bold=True)
        self.y -= 34

    def closing(self) -> None:
        """Draw notes, and the code for paying beside them."""
        room = self.width - LEFT - RIGHT
        side = 30 * MM
        width = room - side - 10 * MM if self.sheet.code else room
        high = sum(len(self.wrapped(note, width)) * LEADING + 4 for note in self.sheet.notes)
        if self.sheet.code:
            self.need(max(side + 14, min(high, 60 * MM)))
            self.code(self.width - RIGHT - side, self.y - side + 10, side)
        self.paragraphs(self.sheet.notes, width)

    def code(self, x: float, y: float, side: float) -> None:
        from reportlab.graphics import renderPDF
        from reportlab.graphics.barcode.qr import QrCodeWidget
        from reportlab.graphics.shapes import Drawing

        widget = QrCodeWidget(self.sheet.code, barLevel="M", barBorder=0)
        left, low, right, high = widget.getBounds()
        scale = (side / (right - left), side / (high - low))
        drawing = Drawing(side, side, transform=[scale[0], 0, 0, scale[1], -left * scale[0], -low * scale[1]])
        drawing.add(widget)
        renderPDF.draw(drawing, self.canvas, x, y)
        title = self.sheet.code_title
        self.right(x + side, y - 11, title, size=SMALL, ink=GREY)

    def foot(self) -> None:
        top = 26 * MM
        self.rule(top + 10)
        width = (self.width - LEFT - RIGHT) / 3
        for n, column in enumerate(self.sheet.footer):
            for place, line in enumerate(column[:6]):
                size = self.fitting(line, width - 8, SMALL - 0.3)
                self.text(
                    LEFT + n * width, top - place * 9.2, line, size=size, bold=not (n or place), ink=GREY
                )
        page = self.sheet.page.format(page=self.page, pages=self.pages)
        self.right(self.width - RIGHT, 8 * MM, page, size=SMALL, ink=GREY)
