"""Colours of YAML: keys, modifiers behind a bar, texts, numbers, comments; line by line, in linear time."""

from __future__ import annotations

import re

from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from sent.ui.theme import theme

_KEY = re.compile(
    r"^(\s*(?:- +)*)([^\s#'\"\[\]{},:|][^:|'\"{}\[\]#]{0,200}?)((?:\|[A-Za-z0-9_]+){0,20})(:)(?=\s|$)"
)
_PIECES = {
    "comment": r"(?<!\S)#.*",
    "text": r"'(?:[^']|'')*'?|\"(?:[^\"\\]|\\.)*\"?",
    "number": r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-])",
    "word": r"(?<![\w-])(?:true|false|null|and|or|not|of|them|all|any)(?![\w-])",
    "mark": r"[\[\]{},()]",
}


def _any(*names: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{_PIECES[name]})" for name in names))


_CONDITION = _any("comment", "text", "number", "word", "mark")
_FLOW = _any("comment", "text", "number", "mark")
_PLAIN = re.compile(
    r"(?P<lead>\s*(?:- +)*)(?:(?P<number>-?\d+(?:\.\d+)?)(?=\s*(?:#|$))"
    r"|(?P<word>true|false|null)(?=\s*(?:#|$)))?"
)
_COMMENT = _any("comment")
_DASHES = re.compile(r"^\s*(?:-(?= |$) *)+")

LONGEST = 2000
"""Characters of a line that are looked at."""


class YamlLook(QSyntaxHighlighter):
    """Colours a document as the theme says, and again when that changes."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self._restyle()
        theme.state().changed.connect(self._restyle)

    def _restyle(self) -> None:
        inks = {
            "key": "accent", "modifier": "medium", "colon": "text3", "text": "ok", "number": "high",
            "word": "low", "comment": "text3", "mark": "text3",
        }  # fmt: skip
        self._formats = {}
        for name, ink in inks.items():
            made = QTextCharFormat()
            made.setForeground(theme.colour(ink))
            if name == "comment":
                made.setFontItalic(True)
            if name == "key":
                made.setFontWeight(QFont.Weight.Medium)
            self._formats[name] = made
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        text = text[:LONGEST]
        key = _KEY.match(text)
        start, condition = 0, False
        if key is not None:
            self._paint("mark", key.start(1), key.end(1))
            self._paint("key", key.start(2), key.end(2))
            self._paint("modifier", key.start(3), key.end(3))
            self._paint("colon", key.start(4), key.end(4))
            start, condition = key.end(), key[2] == "condition"
        elif dashes := _DASHES.match(text):
            self._paint("mark", 0, dashes.end())
            start = dashes.end()
        self._value(text, start, condition=condition)

    def _value(self, text: str, start: int, *, condition: bool) -> None:
        """Colour what stands behind a key or a dash; plain words are plain, but for those of a condition."""
        first = text[start:].lstrip()[:1]
        if text.startswith(("---", "...")):
            self._paint("mark", 0, 3)
            return
        looked = _CONDITION if condition else _FLOW if first and first in "[{'\"" else _COMMENT
        if looked is _COMMENT and (plain := _PLAIN.match(text, start)):
            for name in ("number", "word"):
                self._paint(name, plain.start(name), plain.end(name))
        for found in looked.finditer(text, start):
            self._paint(str(found.lastgroup), found.start(), found.end())

    def _paint(self, name: str, start: int, end: int) -> None:
        if end > start:
            self.setFormat(start, end - start, self._formats[name])
