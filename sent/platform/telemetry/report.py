"""What is packed when somebody reports a problem: texts with secrets taken out, in a zip.

Taken out are values named like secrets, tokens, keys and passwords inside addresses, whatever looks like a
key by its length and letters, e-mail addresses, and internet addresses where asked for. Ids (UUIDs) stay:
without them nobody finds the record. The user sees every text before it is saved.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

LIMIT = 1_000_000
"""Characters of one text; the end is kept, because the newest lines stand there."""

_NAMES = (
    r"[\w.-]{0,40}(?:pass(?:word|wd|phrase)?|secret|token|authorization|cookie|credential|api[_-]?key"
    r"|private[_-]?key|access[_-]?key|otp|totp|recovery|session|ticket|code|verifier|dsn)[\w.-]{0,40}"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.S), "[key]"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@\"']{1,400}@", re.I), r"\1[secret]@"),
    (re.compile(rf"(\"{_NAMES}\"\s*:\s*)(?:\"(?:[^\"\\]|\\.)*\"|[^\s,}}\]]+)", re.I), r'\1"[secret]"'),
    (
        re.compile(
            rf"(\b{_NAMES}\s*[=:]\s*)(?:(?:bearer|basic)\s+)?(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)", re.I
        ),
        r"\1[secret]",
    ),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,4000}", re.I), r"\1 [secret]"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), "[token]"),
    (re.compile(r"\bscram-sha-256\$[^\s\"']+", re.I), "[secret]"),
    (re.compile(r"\$argon2[a-z]*\$[^\s\"']+"), "[secret]"),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"), "[e-mail]"),
    (
        re.compile(
            r"(?<![\w-])(?=[A-Za-z0-9+/_]*\d)(?=[A-Za-z0-9+/_]*[A-Za-z])[A-Za-z0-9+/_]{32,}={0,2}(?![\w-])"
        ),
        "[key]",
    ),
)
_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){7})[0-9a-f:]{3,39}(?![\w:])", re.I)


def redacted(text: str, *, addresses: bool = False) -> str:
    """Return `text` without secrets and e-mail addresses, with `addresses` also without IP addresses."""
    text = text[-LIMIT:]
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    if addresses:
        text = _V6.sub("[ip]", _V4.sub("[ip]", text))
    return text


def packed(parts: Mapping[str, str]) -> bytes:
    """Return the texts as a zip, under their names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return target.getvalue()
