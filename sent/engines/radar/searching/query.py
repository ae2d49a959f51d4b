"""The search line's language: a text becomes a tree, or an error that names the place.

    failed password                 both words, anywhere in an event
    "failed password"               these words next to each other
    fail*                           words that begin so
    user:mallory  user:mal*         a field's value, whole or by wildcards; case never matters
    user:"mallory smith"            a value with spaces; here `*` is a star
    user:*                          the field is there
    message:"invalid user"          words of the message only
    source:office  host:fs*         of a source, of a host
    level:error  level>=error       syslog's severity by name (`>=`: at least as grave) ...
    severity>=4                     ... or by number, 0 (emergency) to 7 (debug)
    bytes>=1000                     a field's number
    -user:root  NOT (a OR b)        what is not so
    a OR b c                        AND binds closer than OR, and need not be written

The tree is a JSON document for `radar.search_part` (migration 0018), which has the other half of the meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sent.engines.radar.desk import SEVERITIES
from sent.platform.errors import Invalid

MAX_QUERY = 1000
MAX_NODES = 60
MAX_DEPTH = 20

Tree = dict[str, Any]

EVERYTHING: Tree = {"op": "and", "parts": []}

COLUMNS = ("host", "program", "channel", "event", "message", "source", "level", "severity")
"""Fields every event has, besides those it tells itself."""

_FIELD = re.compile(r"([A-Za-z_][\w.@#-]*)(:|>=|<=|>|<)")
_BARE = re.compile(r'[^\s()"]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")
_MARKS = str.maketrans(dict.fromkeys("\\\"/:,='()[];|<>@{}&!?#*\n\t\r", " "))


MISTAKES = {
    "long": "a query has at most {most} characters",
    "quote": "this quote is not closed",
    "value": "a value is missing behind {name}",
    "unopened": "this bracket was never opened",
    "missing": "something is missing here",
    "conditions": "a query has at most {most} conditions, {deep} deep",
    "unclosed": "this bracket is not closed",
    "before": "a condition is missing before this",
    "number": "{name} is compared with a number: {example}",
    "star": "a word may only end with *; use field:*text* to look inside a value",
    "word": "there is no word in this to look for",
    "severity": "{name} is one of {known}",
}
"""What can be wrong with a line, by what translations are found by."""


class QueryError(Invalid):
    """The line is not a query; `data` has `at` and `length` of the place, in characters.

    Its `mistake` is a key of `MISTAKES`; the other data are the values of that sentence.
    """

    def __init__(self, mistake: str, at: int, length: int = 1, **values: object) -> None:
        message = MISTAKES[mistake].format(**values)
        super().__init__("radar.query", message, at=at, length=max(1, length), mistake=mistake, **values)


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is "(", ")", "-", "or", "and" or "term"."""

    kind: str
    at: int
    end: int
    field: str = ""
    sign: str = ""
    value: str = ""
    quoted: bool = False


def parse(text: str) -> Tree:
    """Return the tree of `text`, an empty one of an empty text; raises QueryError."""
    if len(text) > MAX_QUERY:
        raise QueryError("long", MAX_QUERY, len(text) - MAX_QUERY, most=MAX_QUERY)
    reader = _Reader(list(_tokens(text)), len(text))
    return reader.whole()


def words(text: str) -> list[str]:
    """Return what the index holds of a text: lower case, cut at spaces and marks."""
    return f"{text.lower().translate(_MARKS)} ".replace(". ", " ").split()


def quoted(text: str) -> str:
    """Return `text` as a value in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def term(field: str, value: str, *, out: bool = False) -> str:
    """Return the text that asks for a field's value, or (out) for others."""
    plain = value and not re.search(r'[\s()"*\\]', value) and field not in ("level", "severity")
    return f"{'-' if out else ''}{field}:{value if plain else quoted(value)}"


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "()":
            yield _Token(char, at, at + 1)
            at += 1
        elif char == "-" and at + 1 < len(text) and not text[at + 1].isspace():
            yield _Token("-", at, at + 1)
            at += 1
        else:
            token = _term(text, at)
            yield token
            at = token.end


def _term(text: str, start: int) -> _Token:
    found = _FIELD.match(text, start)
    field = sign = ""
    at = start
    # A drive or an address is no field: C:\Windows, https://example.org
    if found is not None and not (found[2] == ":" and text.startswith(("\\", "//"), found.end())):
        field, sign, at = found[1], found[2], found.end()
    if text.startswith('"', at):
        value = _QUOTED.match(text, at)
        if value is None:
            raise QueryError("quote", at, len(text) - at)
        return _Token("term", start, value.end(), field, sign, re.sub(r'\\(["\\])', r"\1", value[1]), True)
    bare = _BARE.match(text, at)
    if bare is None:
        raise QueryError("value", start, at - start, name=f"{field}{sign}")
    if not field and bare[0] in ("OR", "AND", "NOT"):
        return _Token({"OR": "or", "AND": "and", "NOT": "-"}[bare[0]], start, bare.end())
    return _Token("term", start, bare.end(), field, sign, bare[0])


class _Reader:
    """Recursive descent over the tokens, bounded in depth and number."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._length = length
        self._nodes = 0

    def whole(self) -> Tree:
        if not self._tokens:
            return EVERYTHING
        tree = self._either(0)
        if (token := self._peek()) is not None:
            raise QueryError("unopened", token.at)
        return tree

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _either(self, depth: int) -> Tree:
        parts = [self._all(depth)]
        while (token := self._peek()) is not None and token.kind == "or":
            self._next += 1
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else {"op": "or", "parts": parts}

    def _all(self, depth: int) -> Tree:
        parts: list[Tree] = [self._one(depth)]
        while (token := self._peek()) is not None and token.kind not in ("or", ")"):
            if token.kind == "and":
                self._next += 1
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else {"op": "and", "parts": parts}

    def _one(self, depth: int) -> Tree:
        token = self._peek()
        self._nodes += 1
        if token is None:
            raise QueryError("missing", max(0, self._length - 1))
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise QueryError(
                "conditions",
                token.at,
                token.end - token.at,
                most=MAX_NODES,
                deep=MAX_DEPTH,
            )
        self._next += 1
        if token.kind == "-":
            return {"op": "not", "part": self._one(depth + 1)}
        if token.kind == "(":
            tree = self._either(depth + 1)
            closing = self._peek()
            if closing is None:
                raise QueryError("unclosed", token.at)
            self._next += 1
            return tree
        if token.kind != "term":
            raise QueryError("before", token.at, token.end - token.at)
        return _condition(token)


def _condition(token: _Token) -> Tree:
    name = token.field.lower()
    if not token.field:
        return _text(token)
    if name in ("level", "severity"):
        return {"op": "severity", "values": _severities(token)}
    if token.sign != ":":
        if not _NUMBER.fullmatch(token.value) or name in ("host", "program", "channel", "message", "source"):
            raise _wrong(token, "number", name=token.field, example=f"{token.field}{token.sign}10")
        return {"op": "compare", "field": token.field, "sign": token.sign, "value": token.value}
    if name == "message":
        return _text(token, "message")
    starred = "*" in token.value and not token.quoted
    if name == "source":
        # The server takes `*` for anything here, and no source's name holds one.
        return {"op": "source", "value": token.value}
    return {"op": "like" if starred else "is", "field": token.field, "value": token.value}


def _text(token: _Token, op: str = "text") -> Tree:
    prefix = token.value.endswith("*") and not token.quoted
    value = token.value[:-1] if prefix else token.value
    if "*" in value and not token.quoted:
        raise _wrong(token, "star")
    found = words(value)
    if not found:
        raise _wrong(token, "word")
    tree: Tree = {"op": op, "value": value, "prefix": prefix}
    if op == "text":
        tree["phrase"] = found != [value.lower()]
    return tree


def _severities(token: _Token) -> list[int]:
    value = token.value.lower()
    by_name = token.field.lower() == "level"
    if token.sign == ":":
        start = value.removesuffix("*")
        found = [
            n
            for n, known in enumerate(SEVERITIES)
            if known == value or (start != value and known.startswith(start))
        ]
        if value.isdigit() and int(value) < len(SEVERITIES):
            found = [int(value)]
    else:
        number = int(value) if value.isdigit() else SEVERITIES.index(value) if value in SEVERITIES else -1
        if not 0 <= number < len(SEVERITIES):
            found = []
        else:
            # "level>=error" means as grave or graver, which are the smaller numbers.
            sign = token.sign.translate(str.maketrans("<>", "><")) if by_name else token.sign
            return [n for n in range(len(SEVERITIES)) if _holds(n, sign, number)]
    if not found:
        known = ", ".join(SEVERITIES) if by_name else "0 to 7"
        raise _wrong(token, "severity", name=token.field, known=known)
    return found


def _holds(left: int, sign: str, right: int) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


def _wrong(token: _Token, mistake: str, **values: object) -> QueryError:
    return QueryError(mistake, token.at, token.end - token.at, **values)
