"""Rules: what is done with movements of a kind. Patterns run in RE2: banks' text is anybody's text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sent.engines.capital.bank.model import Movement, Rule
from sent.platform.errors import Invalid

_MEMORY = 1 << 20


def checked(rule: Rule) -> Rule:
    """Return the rule; raises Invalid with the place of what cannot be taken."""
    for place, pattern in (("text", rule.text_pattern), ("counterparty", rule.party_pattern)):
        if pattern:
            _compiled(pattern, place)
    if not (rule.text_pattern or rule.party_pattern or rule.iban) and rule.minimum is None:
        raise Invalid("capital.bank.rule", "a rule needs a condition: a pattern, an IBAN or a least amount")
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        raise Invalid("capital.bank.rule", "the least amount is above the largest: exchange them")
    return rule


@lru_cache(maxsize=1024)
def _compiled(pattern: str, place: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise Invalid(
            "capital.bank.pattern", f"pattern for the {place}: {text}: correct it (RE2 syntax)"
        ) from error


def fits(rule: Rule, movement: Movement) -> bool:
    """Whether every condition of a rule holds for a movement."""
    size = abs(movement.amount)
    return (
        rule.active
        and (rule.direction is None or (rule.direction == "in") == (movement.amount > 0))
        and (rule.minimum is None or size >= rule.minimum)
        and (rule.maximum is None or size <= rule.maximum)
        and (not rule.iban or rule.iban.replace(" ", "").upper() == movement.iban.upper())
        and _found(rule.text_pattern, "text", f"{movement.text} {movement.reference}")
        and _found(rule.party_pattern, "counterparty", movement.counterparty)
    )


def _found(pattern: str, place: str, text: str) -> bool:
    return not pattern or _compiled(pattern, place).search(text) is not None


def first(rules: Iterable[Rule], movement: Movement) -> Rule | None:
    """Return the first rule, by position and name, that fits a movement."""
    for rule in sorted(rules, key=lambda one: (one.position, one.name)):
        if fits(rule, movement):
            return rule
    return None
