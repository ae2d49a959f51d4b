"""The one form in which a mail address is stored, looked up and counted.

Spellings that look up the same person must count as the same when attempts are throttled. Unicode has many:
NFKC folds compatible characters (full width, the Kelvin sign), and letters outside ASCII that have another
lower case, such as a dotted capital I, are refused, because programs and databases do not agree on theirs.
"""

from __future__ import annotations

import string
import unicodedata

from sent.platform.errors import Invalid

MAXIMUM_LENGTH = 254
"""RFC 5321, section 4.5.3.1.3, without the brackets."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def canonical(typed: str) -> str:
    """Return the address in its one form; raises Invalid `address.invalid`."""
    found = _folded(_folded(typed.strip()).translate(_LOWER))
    local, _, domain = found.partition("@")
    if not (local and domain) or "@" in domain or len(found) > MAXIMUM_LENGTH:
        raise Invalid("address.invalid", "a mail address looks like name@example.com", field="email")
    if found != found.lower() or not found.isprintable() or any(c.isspace() for c in found):
        raise Invalid(
            "address.invalid", "write the address in lower case, without unusual letters", field="email"
        )
    return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
