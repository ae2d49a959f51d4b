"""Links to a place in SENT: `sent://org/<slug>/<page>/<record>?key=value`.

Links come from anywhere (a mail, a web page, the operating system), so `parse` takes exactly what `format`
gives and refuses everything else: no escapes in the path, no dots that climb, no control characters, no
second reading. A link names a place; it never does anything. Standard library only: the launcher reads links
before anything is loaded. Inside the program a link has no organisation: `"<page>"` or `"<page>/<record>"`.

    parse("sent://org/acme/radar/alert/0190…") == Link("acme", "radar", "alert/0190…")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from sent.platform.errors import Invalid

SCHEME = "sent://org/"
LIMIT = 2048
"""Characters of a whole link."""
RECORD_LIMIT = 200
VALUE_LIMIT = 500
PAIRS = 8

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PAGE = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*", re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_QUOTED = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """A place: organisation (None: the one in use), page, record (`kind/id` or `id`), and a few values."""

    org: str | None
    page: str
    record: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def inside(self) -> str:
        """Return the link as the program writes it for itself: without organisation and query."""
        return self.page if self.record is None else f"{self.page}/{self.record}"


def format(link: Link) -> str:
    """Return the link's text; raises Invalid when a part could not be read back."""
    text = link.inside if link.org is None else f"{SCHEME}{link.org}/{link.inside}"
    if link.query:
        text += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in link.query.items())
    if (parse_inside(text) if link.org is None else parse(text)) != link:
        raise _refused("it would not be read back as it was")
    return text


def parse(text: str) -> Link:
    """Return the link that `text` is; raises Invalid for anything `format` would not have written."""
    if len(text) > LIMIT:
        raise _refused(f"it has more than {LIMIT} characters")
    if not text.startswith(SCHEME):
        raise _refused(f"a link begins with {SCHEME}")
    slug, slash, rest = text.removeprefix(SCHEME).partition("/")
    if not slash or not _SLUG.fullmatch(slug):
        raise _refused("after sent://org/ stand the organisation's short name and a page")
    found = parse_inside(rest)
    return Link(slug, found.page, found.record, found.query)


def parse_inside(text: str) -> Link:
    """Return the link that `<page>[/<record>][?key=value]` is; raises Invalid."""
    if len(text) > LIMIT:
        raise _refused(f"it has more than {LIMIT} characters")
    path, mark, query = text.partition("?")
    page, slash, record = path.partition("/")
    if not _PAGE.fullmatch(page):
        raise _refused("a page's name has small letters, digits, - and _")
    if slash and (len(record) > RECORD_LIMIT or not all(map(_PART.fullmatch, record.split("/")))):
        raise _refused("a record's name has letters, digits, . _ ~ and -, in parts between slashes")
    return Link(None, page, record if slash else None, _values(query) if mark else {})


def is_link(text: str) -> bool:
    """Say whether a word of the command line is meant as a link (right or wrong)."""
    return text.startswith("sent:")


def _values(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    pairs = query.split("&")
    if len(pairs) > PAIRS:
        raise _refused(f"it has more than {PAIRS} values")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not _KEY.fullmatch(key) or key in found or not _QUOTED.fullmatch(value):
            raise _refused("after ? stand key=value pairs, each key once")
        found[key] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    try:
        text = unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("a value is not text") from None
    if len(text) > VALUE_LIMIT or not text.isprintable() or quote(text, safe="") != value:
        raise _refused("a value is too long, holds control characters, or is written in an unusual way")
    return text


def _refused(why: str) -> Invalid:
    return Invalid("link.refused", f"this is not a link of SENT: {why}")
