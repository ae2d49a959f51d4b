"""Account names as hledger and ledger write them: what is applied in front, and aliases.

ledger resolves an alias where it is defined, with what is applied there; hledger replaces the beginning of
the whole name when it is used, the alias defined last first. Patterns are matched by RE2, which cannot hang.
"""

from __future__ import annotations

from typing import Any

from sent.engines.capital.plaintext.model import Place, wrong
from sent.engines.capital.plaintext.quantities import Dialect

Kept = tuple[list[str], list[tuple[str | Any, str]]]
LONGEST = 200
MOST_ALIASES = 1000
LONGEST_PATTERN = 500


class Names:
    """What stands in front of names now, and what they are called in short."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._above: list[str] = []
        self._short: dict[str, str] = {}
        self._patterns: list[tuple[str | Any, str]] = []

    def push(self, name: str, place: Place) -> None:
        """Put a name in front of those that follow."""
        if not name:
            raise wrong(place, "apply account needs an account")
        self._above.append(name)

    def pop(self, place: Place) -> None:
        """End what was applied last."""
        if not self._above:
            raise wrong(place, "nothing is applied that could end here")
        self._above.pop()

    def kept(self) -> Kept:
        """Return what stands in front and the aliases, as they are where a file is included."""
        return list(self._above), list(self._patterns)

    def restore(self, kept: Kept) -> None:
        """Go back behind an include: aliases of an included file end with it in hledger only."""
        self._above = kept[0]
        if self._dialect == "hledger":
            self._patterns = kept[1]

    def forget(self) -> None:
        """End all aliases."""
        self._short.clear()
        self._patterns.clear()

    def alias(self, text: str, place: Place) -> None:
        """Define `short=name`, or hledger's `/pattern/=replacement`."""
        if len(self._patterns) + len(self._short) >= MOST_ALIASES:
            raise wrong(place, f"a book has at most {MOST_ALIASES} aliases")
        if text.startswith("/"):
            if self._dialect == "ledger":
                raise wrong(place, "ledger has no aliases by pattern: name each account")
            end = text.find("/=", 1)
            if end < 0:
                end = text.find("/ =", 1)
            if end < 0:
                raise wrong(place, "an alias by pattern is written /pattern/=replacement")
            new = text[end:].partition("=")[2].strip()
            self._patterns.insert(0, (compiled(text[1:end], place), new))
            return
        old, sign, new = text.partition("=")
        if not sign or not old.strip() or not new.strip():
            raise wrong(place, "an alias is written short=name")
        if self._dialect == "ledger":
            self.name(old.strip(), ":".join([*self._above, new.strip()]), place)
        else:
            self._patterns.insert(0, (old.strip(), new.strip()))

    def name(self, short: str, account: str, place: Place) -> None:
        """Let a short name stand for an account."""
        if not short:
            raise wrong(place, "an alias needs a name")
        self._short[short] = account

    def full(self, name: str, place: Place, *, aliased: bool = True) -> str:
        """Return an account's whole name; raises Invalid when it is none."""
        found = ""
        if self._dialect == "ledger" and aliased:
            first, colon, rest = name.partition(":")
            short = self._short.get(name) or self._short.get(first)
            if short is not None:
                found = short if name in self._short else short + colon + rest
        found = found or ":".join([*self._above, name])
        if self._dialect == "hledger" and aliased:
            for old, new in self._patterns:
                if not isinstance(old, str):
                    found = str(old.sub(new, found))
                elif found == old or found.startswith(old + ":"):
                    found = new + found[len(old) :]
        if (
            not found.strip(": ")
            or len(found) > LONGEST
            or not all(part.strip() for part in found.split(":"))
        ):
            raise wrong(
                place, f"{found[:40]!r} is no account: parts with colons, {LONGEST} characters at most"
            )
        return found


def compiled(pattern: str, place: Place) -> Any:
    """Return a pattern that ignores case, compiled by RE2; raises Invalid."""
    import re2

    if len(pattern) > LONGEST_PATTERN:
        raise wrong(place, f"a pattern has at most {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise wrong(place, f"the pattern {pattern!r} is not understood: {error}") from error
