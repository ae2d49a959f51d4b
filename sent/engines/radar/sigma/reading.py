"""Rules out of files and texts, making use of what this installation parsed before."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from sent.engines.radar.model import RuleSet
from sent.platform.config.paths import state_dir
from sent.platform.errors import SentError

CACHE = "rules.cache"
"""In the state folder."""


def read_rules(path: Path, placeholders: Mapping[str, tuple[str, ...]] | None = None) -> RuleSet:
    """Read and parse rules; raises NotFound or Invalid for what is no rule source at all."""
    from sent.engines.radar.sigma.rulefiles import rule_files

    return parsed(rule_files(path), placeholders)


def parsed(
    files: Iterable[tuple[str, str | None, str]],
    placeholders: Mapping[str, tuple[str, ...]] | None = None,
    off: Container[str] = (),
) -> RuleSet:
    """Parse as `ruleset.parse_rules` does, making use of what this installation parsed before."""
    from sent.engines.radar.sigma.compiled import CompiledRules
    from sent.engines.radar.sigma.ruleset import parse_rules

    try:
        kept = CompiledRules(state_dir() / CACHE)
    except (SentError, OSError):
        return parse_rules(files, placeholders, off)
    try:
        return parse_rules(files, placeholders, off, kept)
    finally:
        kept.close()
