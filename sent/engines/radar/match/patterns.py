"""Many regular expressions over a text in one pass (RE2's sets): which of them match, not where."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from sent.engines.radar.sigma.expression import Regex

MEMORY = 8_000_000
"""Bytes for the automaton's states; when they are used up it starts anew, slower but exact."""


class PatternSet:
    """`matching(text)` gives the places of the patterns that match; all of them linear ones."""

    def __init__(self, tests: Sequence[Regex]) -> None:
        self._tests = tests
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        self._set = re2.Set.SearchSet(options)
        for test in tests:
            self._set.Add(test.pattern.linear_source)
        # RE2 says nothing when it runs out of memory on a text; a pattern that always matches does.
        self._always = self._set.Add("")
        try:
            self._set.Compile()
            self._whole = True
        except re2.error:
            self._whole = False

    def matching(self, text: str) -> list[int]:
        """Return the places, in no order."""
        found: list[int] = self._set.Match(text) if self._whole else []
        if self._always not in found:
            return [place for place, test in enumerate(self._tests) if test.pattern.search(text) is not None]
        found.remove(self._always)
        return found
