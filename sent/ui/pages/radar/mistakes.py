"""What is wrong with a search line, in the user's language."""

from __future__ import annotations

from sent.platform.errors import SentError
from sent.platform.i18n import tr


def mistake(error: SentError) -> str:
    """Return what is wrong; a mistake nobody translated is told as the engine says it."""
    text = {
        "long": tr("A query has at most {most} characters"),
        "quote": tr("This quote is not closed"),
        "value": tr("A value is missing behind {name}"),
        "unopened": tr("This bracket was never opened"),
        "missing": tr("Something is missing here"),
        "conditions": tr("A query has at most {most} conditions, {deep} deep"),
        "unclosed": tr("This bracket is not closed"),
        "before": tr("A condition is missing before this"),
        "number": tr("{name} is compared with a number: {example}"),
        "star": tr("A word may only end with *; use field:*text* to look inside a value"),
        "word": tr("There is no word in this to look for"),
        "severity": tr("{name} is one of {known}"),
    }.get(str(error.data.get("mistake")))
    return error.message if text is None else text.format(**error.data)
