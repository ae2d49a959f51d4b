"""Rules in memory with the engine's own checks and verdicts, for tests of the console alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sent.engines.radar.model import LEVELS
from sent.engines.radar.rulebook import authoring, trying
from sent.engines.radar.rulebook.backtest import Backtest, Sample, Tried
from sent.engines.radar.rulebook.judging import judged
from sent.engines.radar.rulebook.problems import NAME, Checked, checked
from sent.engines.radar.rulebook.ruletext import body_of, derived, id_of, with_author, with_id
from sent.engines.radar.rulebook.vocabulary import _words
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.store.past import PastEvent
from sent.platform.errors import Conflict, NotFound
from sent.platform.ids import uuid7

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
TEXT = """title: Rule {n}
id: 00000000-0000-4000-8000-{n:012d}
status: test
description: What rule {n} looks for.
author: SENT
date: 2026-01-05
references:
    - https://example.org/{n}
tags:
    - attack.execution
    - attack.t1059
logsource:
    product: linux
    service: sshd
detection:
    login:
        message|contains: Failed password
    user:
        user: anna
    condition: login and user
falsepositives:
    - Somebody mistypes
level: {level}
"""


def a_rule(number: int, **changes: Any) -> authoring.ListedRule:
    """Return the rule with this number."""
    found = authoring.ListedRule(
        id=UUID(int=1000 + number),
        rule_id=f"00000000-0000-4000-8000-{number:012d}",
        title=f"Rule {number}",
        level=LEVELS[number % 5],
        author="SENT",
        status="test",
        logsource="linux/*/sshd",
        tags=("attack.execution", "attack.t1059"),
        rule_set="SENT",
        own=False,
        enabled=number % 7 != 3,
        reason="needs values for %admins%" if number == 2 else None,
        kind="rule",
        hits_7=number % 3,
        hits_30=3 * (number % 3),
        changed_at=AT - timedelta(days=number),
    )
    return replace(found, **changes)


class RuleService:
    """What the Rules page asks of the radar's api."""

    Pasted, Latest, OfAlert, OneEvent = trying.Pasted, trying.Latest, trying.OfAlert, trying.OneEvent

    def __init__(self, rules: int = 12) -> None:
        self.rules = {rule.id: rule for rule in map(a_rule, range(rules))}
        self.texts = {
            rule.id: TEXT.format(n=number, level=rule.level)
            for number, rule in enumerate(self.rules.values())
        }
        self.broken: Exception | None = None
        self.checks: list[str] = []
        self.slow_checks: dict[str, asyncio.Event] = {}
        self.tried: list[Any] = []
        self.hold: asyncio.Event | None = None

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    async def rule_list(self, _ctx: Any) -> list[authoring.ListedRule]:
        self._check()
        return sorted(self.rules.values(), key=lambda rule: rule.title)

    async def rule_text(self, _ctx: Any, rule: UUID | str) -> authoring.RuleText:
        self._check()
        row = next((r for r in self.rules.values() if rule in (r.id, r.rule_id)), None)
        if row is None:
            raise NotFound("radar.rule.missing", "the rule is not there")
        text = self.texts[row.id]
        body = body_of(text)
        return authoring.RuleText(
            row.id, row.rule_id, row.title, row.rule_set, row.own, row.enabled, row.reason, row.kind, text,
            authoring.version_of(text), str(body.get("description", "")), tuple(body.get("references", ())),
            tuple(body.get("falsepositives", ())), (),
        )  # fmt: skip

    async def check_rule(self, _ctx: Any, text: str) -> Checked:
        self.checks.append(text)
        if text in self.slow_checks:
            await self.slow_checks[text].wait()
        return checked(text, parse_rules([(NAME, text, "")]))

    async def save_rule(
        self,
        _ctx: Any,
        text: str,
        *,
        rule: UUID | None = None,
        expected: str | None = None,
        enabled: bool = True,
        switch_off: bool = False,
    ) -> authoring.SavedRule:
        self._check()
        origin = self.rules.get(rule) if rule is not None else None
        if origin is not None and expected not in (None, authoring.version_of(self.texts[origin.id])):
            raise Conflict("radar.rule.changed", "somebody else changed the rule meanwhile")
        own = origin is not None and origin.own
        if origin is not None and not own:
            text = with_author(derived(text, origin.rule_id, str(uuid7())), [origin.author, "Anna Berg"])
        text = with_id(text, id_of(body_of(text)) or str(uuid7()))
        body = body_of(text)
        id = origin.id if own and origin is not None else uuid7()
        before = self.texts.get(id)
        self.texts[id] = text
        self.rules[id] = a_rule(
            0, id=id, rule_id=str(body["id"]), title=str(body["title"]), own=True, rule_set="Own rules",
            enabled=enabled, author=str(body.get("author", "")), level=str(body.get("level", "medium")),
        )  # fmt: skip
        off = None
        if switch_off and origin is not None:
            off = origin.id
            self.rules[off] = replace(origin, enabled=False)
        return authoring.SavedRule(
            id, str(body["id"]), str(body["title"]), text, authoring.version_of(text), None, before, off
        )

    async def remove_rules(self, _ctx: Any, rules: Sequence[UUID]) -> list[authoring.RemovedRule]:
        gone = [self.rules.pop(id) for id in rules]
        return [authoring.RemovedRule(r.rule_id, r.title, self.texts.pop(r.id), r.enabled) for r in gone]

    async def enable_rules(self, _ctx: Any, rules: Sequence[UUID], enabled: bool) -> list[UUID]:
        self._check()
        changed = [id for id in rules if self.rules[id].enabled != enabled]
        for id in changed:
            self.rules[id] = replace(self.rules[id], enabled=enabled)
        return changed

    async def try_rule(self, _ctx: Any, text: str, subject: Any) -> trying.Outcome:
        self._check()
        self.tried.append(subject)
        pasted = subject.text if isinstance(subject, trying.Pasted) else None
        amount = subject.amount if isinstance(subject, trying.Latest) else 1
        stored = [] if pasted is not None else [a_past_event(n) for n in range(min(amount, 6))]
        return judged(text, {}, [], pasted, stored)

    async def backtest_rule(
        self, _ctx: Any, text: str, since: datetime, until: datetime, progress: Callable[[int, int], Any]
    ) -> Backtest:
        self._check()
        body = body_of(text)
        progress(2000, 8000)
        if self.hold is not None:
            await self.hold.wait()
        tried = Tried(str(body.get("id", "")), str(body["title"]), "high", "SENT", hits=40, alerts=9)
        tried.hosts.update({"web1": 30, "web2": 9})
        tried.other_hosts = 1
        tried.times[int((until - timedelta(hours=1)).timestamp() // 600) * 600] = 40
        tried.samples = [
            Sample(UUID(int=n), until - timedelta(minutes=n), "web1", f"Failed password for anna, {n}")
            for n in range(1, 6)
        ]
        return Backtest(8000, (tried,), (), 600)

    async def vocabulary(self, _ctx: Any) -> Any:
        return _words(["user", "message", "src_ip"])


def a_past_event(number: int) -> PastEvent:
    """Return a stored event; every other one is anna's."""
    user = "bob" if number % 2 else "anna"
    text = f"Failed password for {user} from 203.0.113.{number}"
    fields: dict[str, str | None] = {"message": text, "user": user}
    return PastEvent(UUID(int=number + 1), AT, "web1", "sshd", None, None, text, fields, None, None, None)
