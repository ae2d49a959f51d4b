"""What a notice says, in each language.

    ALERT = Template(
        en=("{level}: {title}", "Host {host}"),
        de=("{level}: {title}", "Rechner {host}"),
    )
    texts = ALERT.render(level="critical", title=alert.title, host=alert.host)

Placeholders are names, nothing else: no attributes, no formats. All languages use the same ones, and what is
rendered gives exactly those. Values come from logs, that is from anybody: control characters and those that
reverse the direction of text are taken out, and a value cannot bring a line break or a placeholder in.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from sent.platform.errors import Invalid

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "de")
TITLE, BODY, VALUE = 200, 4000, 500
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Text:
    """Title (one line) and body (several) in one language."""

    title: str
    body: str = ""

    def title_line(self) -> str:
        """Return the title as it is kept and sent."""
        return cleaned(self.title, TITLE)

    def body_lines(self) -> str:
        """Return the body as it is kept and sent."""
        return cleaned(self.body, BODY, lines=True)


class Template:
    """Texts with placeholders; raises ValueError where languages or placeholders do not agree."""

    def __init__(self, **texts: tuple[str, str]) -> None:
        if set(texts) != set(LANGUAGES):
            raise ValueError(f"a template speaks {', '.join(LANGUAGES)}; this one {', '.join(texts)}")
        self._texts = {language: Text(*texts[language]) for language in LANGUAGES}
        used = {language: _fields(text) for language, text in self._texts.items()}
        self.fields = used["en"]
        for language, fields in used.items():
            if fields != self.fields:
                raise ValueError(f"{language} uses {sorted(fields)}, en uses {sorted(self.fields)}")

    def render(self, **values: object) -> dict[Language, Text]:
        """Return the texts with the values put in; raises Invalid unless exactly the fields are given."""
        if missing := self.fields - set(values):
            raise Invalid("notify.placeholder", f"no value for {', '.join(sorted(missing))}")
        if unknown := set(values) - self.fields:
            raise Invalid("notify.placeholder", f"the template has no place for {', '.join(sorted(unknown))}")
        safe = {name: cleaned(str(value), VALUE) for name, value in values.items()}

        def fill(text: str) -> str:
            return _FIELD.sub(lambda found: safe[found[1]], text)

        return {language: Text(fill(text.title), fill(text.body)) for language, text in self._texts.items()}


def cleaned(text: str, limit: int, *, lines: bool = False) -> str:
    """Return `text` without characters that control anything, cut to `limit`; one line unless `lines`."""
    kept = "".join(_kept(char, lines) for char in text[: limit * 4])
    words = kept.strip() if lines else " ".join(kept.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _kept(char: str, lines: bool) -> str:
    if char == "\n" and lines:
        return char
    # Cc, Cf (direction, joiners, byte-order marks), Cs, Co, Cn, Zl, Zp.
    return " " if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" else char


def _fields(text: Text) -> set[str]:
    found: set[str] = set()
    for part in (text.title, text.body):
        found |= set(_FIELD.findall(part))
        if re.search(r"[{}]", _FIELD.sub("", part)):
            raise ValueError(f"placeholders are {{lower_case}} names: {part!r}")
    return found


GATHERED = Template(
    en=("Many notices such as “{title}”", "More than ten came within a minute; these were gathered:"),
    de=("Viele Meldungen wie „{title}“", "Mehr als zehn kamen in einer Minute; diese wurden gesammelt:"),
)
TEST = Template(
    en=("Test of your notifications", "If you read this, it works."),
    de=("Test Ihrer Benachrichtigungen", "Wenn Sie das lesen, funktioniert es."),
)
