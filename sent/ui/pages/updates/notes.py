"""Release notes: Markdown without HTML, without pictures, with links one can read before one follows them.

Whoever signs releases writes them, but a page that fetches pictures would tell him who reads it, and a link
that names another place than it leads to is how people are tricked.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextCharFormat, QTextCursor, QTextDocument, QTextFormat
from PySide6.QtWidgets import QTextBrowser

from sent.platform.i18n import tr
from sent.ui.theme import theme

MOST = 60_000
"""Characters shown; longer notes end in a line that says so."""
SCHEMES = ("http", "https")


class Notes(QTextBrowser):
    """Shows the notes of one version."""

    def __init__(self) -> None:
        super().__init__()
        self.setOpenLinks(False)
        self.setReadOnly(True)
        self.setAccessibleName(tr("Release notes"))
        self.setTabChangesFocus(True)
        self.anchorClicked.connect(_follow)
        self._text = ""
        theme.state().changed.connect(self._render)

    def show_notes(self, text: str) -> None:
        """Show Markdown; the same again changes nothing."""
        if text != self._text:
            self._text = text
            self._render()

    def loadResource(self, type: int, name: QUrl | str) -> Any:
        """Load nothing, from nowhere."""
        return None

    def _render(self) -> None:
        document = self.document()
        features = QTextDocument.MarkdownFeature
        cut = self._text[:MOST] + ("\n\n…" if len(self._text) > MOST else "")
        document.setMarkdown(cut, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        for start, length, made in reversed(_fragments(document)):
            _settle(document, start, length, made)
        self.moveCursor(QTextCursor.MoveOperation.Start)


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
    link.setToolTip(url.toDisplayString())
    shown = url.toDisplayString(QUrl.ComponentFormattingOption.PrettyDecoded)
    cursor.insertText(text, link)
    if shown.rstrip("/") != text.strip().rstrip("/"):
        plain.setForeground(theme.colour("text3"))
        cursor.insertText(f" ({shown})", plain)


def _follow(url: QUrl) -> None:
    if url.scheme().lower() in SCHEMES:
        QDesktopServices.openUrl(url)
