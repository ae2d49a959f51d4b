"""Demo traffic: ordinary days raise nothing, each attack raises what it is meant to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from closures import Evaluator

from sent.engines.demo import attacks, history, traffic
from sent.engines.demo.company import SITES
from sent.engines.demo.feed import Generator
from sent.engines.demo.messages import Sent
from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.model import LogSource
from sent.engines.radar.rulebook.library import shipped_rules

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
RULES = shipped_rules().rules
MATCHER = Evaluator(RULES)


def titles(message: Sent) -> list[str]:
    event = event_of("syslog_udp", message.data, LogSource(), received=message.at)
    assert abs(event.at - message.at) < timedelta(seconds=1)
    assert event.host
    assert event.message
    return [match.rule.title for match in MATCHER.match(event)]


def test_ordinary_traffic_raises_nothing() -> None:
    random = Random(1)
    raised = [titles(traffic.message(random, random.choice(SITES), NOW)) for _ in range(4000)]
    assert [found for found in raised if found] == []


@pytest.mark.parametrize("attack", attacks.ATTACKS)
@pytest.mark.parametrize("site", SITES, ids=lambda site: site.key)
def test_every_step_of_an_attack_is_seen(attack: attacks.Attack, site) -> None:
    for seed in range(5):
        steps = attack(Random(seed), site, NOW)
        assert steps == sorted(steps, key=lambda step: step.at)
        assert [titles(step) for step in steps if not titles(step)] == []


def test_the_attacks_together_fire_all_rules_but_the_web_one() -> None:
    fired = {
        title
        for attack in attacks.ATTACKS
        for seed in range(8)
        for step in attack(Random(seed), SITES[seed % 3], NOW)
        for title in titles(step)
    }
    assert {rule.title for rule in RULES} - fired == {"Path traversal in a web request"}


def test_the_live_feed_keeps_its_rate_and_attacks_in_between() -> None:
    generator = Generator(Random(7), NOW, rate=5.0)
    messages = [
        message for tick in range(0, 1200) for message in generator.until(NOW + timedelta(seconds=tick / 4))
    ]
    assert 4.0 < len(messages) / 300 < 7.0
    assert [message.at for message in messages] == sorted(message.at for message in messages)
    assert any(titles(message) for message in messages)


def test_a_feed_that_slept_does_not_catch_up_without_bound() -> None:
    generator = Generator(Random(7), NOW)
    assert len(generator.until(NOW + timedelta(days=3))) <= 1100


def test_history_is_a_week_that_grows_towards_now() -> None:
    from uuid import uuid4

    sources = {site.key: uuid4() for site in SITES}
    messages = list(history.messages(Random(3), NOW, sources))
    assert 20_000 < len(messages) < 120_000
    times = [message.at for message in messages]
    assert min(times) < NOW - timedelta(days=6, hours=23)
    assert max(times) < NOW
    assert sum(at > NOW - timedelta(hours=1) for at in times) > 10_000
