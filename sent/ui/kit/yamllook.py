"""Colours of YAML: keys, modifiers behind a bar, texts, numbers, comments; line by line, in linear time."""

from __future__ import annotations

import re

from PySide6.QtGui import QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from sent.ui.theme import theme

_KEY = re.compile(
    r"^(\s*(?:- +)*)([^\s#'\"\[\]{},:|][^:|'\"{}\[\]#]{0,200}?)((?:\|[A-Za-z0-9_]+){0,20})(:)(?=\s|$)"
)
_TOKEN = re.compile(
    r"(?P<comment>(?<!\S)#.*)|(?P<text>'(?:[^']|'')*'?|\"(?:[^\"\\]|\\.)*\"?)"
    r"|(?P<number>(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-]))|(?P<word>(?<![\w-])(?:true|false|null|and|or|not|of|them)(?![\w-]))"
    r"|(?P<mark>^---|^\.\.\.|(?<=^)\s*-(?=\s)|[\[\]{},])"
)

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
        start = 0
        key = _KEY.match(text)
        if key is not None:
            self._paint("mark", key.start(1), key.end(1))
            self._paint("key", key.start(2), key.end(2))
            self._paint("modifier", key.start(3), key.end(3))
            self._paint("colon", key.start(4), key.end(4))
            start = key.end()
        for found in _TOKEN.finditer(text, start):
            self._paint(str(found.lastgroup), found.start(), found.end())

    def _paint(self, name: str, start: int, end: int) -> None:
        if end > start:
            self.setFormat(start, end - start, self._formats[name])
