"""Release notes: Markdown without HTML, without pictures, with links one can read before one follows them.

Whoever signs releases writes them, but a page that fetches pictures would tell him who reads it, and a link
that names another place than it leads to is how people are tricked.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QFont,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtWidgets import QTextBrowser

from sent.platform.i18n import tr
from sent.ui.kit.text import tip
from sent.ui.theme import theme

MOST = 20_000
"""Characters shown; longer notes end in a line that says so."""
LINES, LINKS, CELLS = 500, 200, 600
"""Of what is laid out as Markdown; more (2,800 small tables took 38 s) is shown as it is written."""
HIGHEST = 4000
EDGE = 2
"""Pixels."""
SCHEMES = ("http", "https")


class Notes(QTextBrowser):
    """Shows the notes of one version."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.setReadOnly(True)
        self.setAccessibleName(tr("Release notes"))
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.anchorClicked.connect(_follow)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._fit())
        self._text = ""
        theme.state().changed.connect(self._restyle)
        self._restyle()

    def show_notes(self, text: str) -> None:
        """Show Markdown; the same again changes nothing."""
        if text != self._text:
            self._text = text
            self._render()

    def loadResource(self, type: int, name: QUrl | str) -> Any:
        """Load nothing, from nowhere."""
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Be as high as the text: the page scrolls, not a box in it."""
        high = math.ceil(self.document().size().height()) + 2 * EDGE
        self.setFixedHeight(min(high, HIGHEST))
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(off if high <= HIGHEST else Qt.ScrollBarPolicy.ScrollBarAsNeeded)

    def _restyle(self) -> None:
        """Look like the card it lies on; only the keyboard's focus shows its edge."""
        edge = f"border: {EDGE}px solid transparent; border-radius: 6px"
        self.setStyleSheet(
            f"QTextBrowser {{ background: transparent; padding: 0; {edge}; }}"
            f" QTextBrowser:focus {{ border-color: {theme.tokens().accent}; }}"
        )
        self._render()

    def _render(self) -> None:
        document = self.document()
        features = QTextDocument.MarkdownFeature
        cut = self._text[:MOST] + ("\n\n…" if len(self._text) > MOST else "")
        if _plain(cut):
            document.setPlainText("\n".join(cut.splitlines()[:LINES]))
        else:
            document.setMarkdown(cut, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        document.setDocumentMargin(4)
        document.setIndentWidth(20)
        _space(document)
        for start, length, made in reversed(_fragments(document)):
            _settle(document, start, length, made)
        self.moveCursor(QTextCursor.MoveOperation.Start)


def _plain(text: str) -> bool:
    """Say whether laying the text out would keep the window waiting."""
    return len(text.splitlines()) > LINES or text.count("](") > LINKS or text.count("|") > CELLS


def _space(document: QTextDocument) -> None:
    """Give headings the size of the page's own, and lines room."""
    size = round(13 * theme.state().scale)
    block = document.begin()
    while block.isValid():
        cursor, level = QTextCursor(block), block.blockFormat().headingLevel()
        room = QTextBlockFormat(block.blockFormat())
        first = block == document.begin()
        room.setTopMargin(0 if first else 12 if level else 3)
        room.setBottomMargin(4 if level else 3)
        cursor.setBlockFormat(room)
        if level:
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            heading = QTextCharFormat()
            heading.clearProperty(QTextFormat.Property.FontSizeAdjustment)
            heading.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
            heading.setProperty(QTextFormat.Property.FontPixelSize, size + max(0, 3 - level))
            heading.setFontWeight(QFont.Weight.DemiBold)
            cursor.mergeCharFormat(heading)
        block = block.next()


def _fragments(document: QTextDocument) -> list[tuple[int, int, QTextCharFormat]]:
    """Return the links and pictures: where, how long, and their format."""
    found = []
    block = document.begin()
    while block.isValid():
        at = block.begin()
        while not at.atEnd():
            piece = at.fragment()
            if piece.isValid() and (piece.charFormat().isAnchor() or piece.charFormat().isImageFormat()):
                found.append((piece.position(), piece.length(), piece.charFormat()))
            at += 1
        block = block.next()
    return found


def _settle(document: QTextDocument, start: int, length: int, made: QTextCharFormat) -> None:
    """Replace a picture by its name; show where a link leads, or leave its text when it leads elsewhere."""
    cursor = QTextCursor(document)
    cursor.setPosition(start)
    cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
    text = cursor.selectedText()
    plain = QTextCharFormat(made)
    for key in (QTextFormat.Property.AnchorHref, QTextFormat.Property.IsAnchor):
        plain.clearProperty(key)
    if made.isImageFormat():
        name = made.toImageFormat().property(QTextFormat.Property.ImageAltText)
        plain = QTextCharFormat()
        plain.setForeground(theme.colour("text3"))
        cursor.insertText(tr("[picture: {name}]", name=str(name)[:200]), plain)
        return
    url = QUrl(made.anchorHref())
    plain.setFontUnderline(False)
    plain.clearForeground()
    if not url.isValid() or url.scheme().lower() not in SCHEMES or not url.host():
        cursor.insertText(text, plain)
        return
    link = QTextCharFormat(made)
    link.setForeground(theme.colour("accent"))
    link.setToolTip(tip(url.toDisplayString()))
    shown = url.toDisplayString(QUrl.ComponentFormattingOption.PrettyDecoded)
    cursor.insertText(text, link)
    if shown.rstrip("/") != text.strip().rstrip("/"):
        plain.setForeground(theme.colour("text3"))
        cursor.insertText(f" ({shown})", plain)


def _follow(url: QUrl) -> None:
    if url.scheme().lower() in SCHEMES:
        QDesktopServices.openUrl(url)
