"""The matchers there are: tests that compare hits run over each, and a new one is a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from closures import Evaluator

from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.model import Rule

Factory = Callable[[Iterable[Rule]], Matcher]

MATCHERS: dict[str, Factory] = {
    "closures": Evaluator,
    "value classes": ValueMatcher,
}
