"""R10: the author of each rule in every alert and export (Detection Rule License 1.1), by every path."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from sent.engines.incidents import api as incidents
from sent.engines.notifications import api as notifications
from sent.engines.notifications import consumers
from sent.engines.radar import api
from sent.engines.radar.correlations.correlating import Correlations
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.store import catalogue
from sent.platform.bus.source import ShardEvent
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.ids import uuid7
from sent.ui.kit.copying import Form, render
from sent.ui.kit.drafts import Drafts
from sent.ui.kit.export import write_csv
from sent.ui.kit.tableview import PagedTable
from sent.ui.pages.radar.columns import alert_columns
from sent.ui.pages.radar.detail import AlertPanel
from sent.ui.pages.radar.escalation import links
from sent.ui.pages.radar.groups import _columns as group_columns

AUTHOR = "Frédérique Öberg, Nasreddine B. (Lab)"
RULE = {
    "title": "A name nobody uses",
    "id": "00000000-0000-4000-8000-00000000aaaa",
    "author": AUTHOR,
    "level": "high",
    "logsource": {"product": "linux"},
    "detection": {"sel": {"program": "sshd"}, "condition": "sel"},
}
COUNTING = {
    "title": "Such names, several times",
    "id": "00000000-0000-4000-8000-00000000bbbb",
    "author": f"{AUTHOR}; counted by O. Correlator",
    "level": "critical",
    "correlation": {
        "type": "event_count",
        "rules": [RULE["id"]],
        "group-by": ["host"],
        "timespan": "10m",
        "condition": {"gte": 2},
        "generate": True,
    },
}
AUTHORS = {str(RULE["author"]), str(COUNTING["author"])}
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def raised(org_a, tmp_path: Path) -> list[api.Alert]:
    """Let a rule and a correlation of other people fire in the worker's own pipeline."""
    path = tmp_path / "theirs.yml"
    path.write_text(yaml.safe_dump_all([RULE, COUNTING], allow_unicode=True), "utf-8")
    await api.import_rules(org_a.ctx, path, "Theirs")
    source = await api.add_source(org_a.ctx, "Front", "syslog_udp", ":15999", product="linux")
    async with uow(org_a.ctx) as tx:
        worked = next(one for one in await catalogue.enabled_sources(tx) if one.id == source.id)
        texts = await catalogue.rule_texts(tx)
    found = parse_rules([(text.path, text.body, "") for text in texts])
    pipeline = Pipeline(org_a.ctx, ValueMatcher(found.rules), group_minutes=15, figures=Figures())
    pipeline.correlations = Correlations(found.correlations)
    lines = [
        f"<38>1 {(NOW - timedelta(minutes=3 - n)).isoformat()} web1 sshd 7 - - hello".encode()
        for n in range(3)
    ]
    await pipeline.handle([Parcel(worked, NOW, tuple(lines))])
    alerts = await api.alerts(org_a.ctx, api.AlertFilter())
    assert {alert.title for alert in alerts} == {RULE["title"], COUNTING["title"]}
    return alerts


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


async def test_r10_every_alert_and_its_rules_text_name_the_author(staff, raised) -> None:
    assert {alert.author for alert in raised} == AUTHORS
    for alert in raised:
        detail = await api.alert(staff, alert.id)
        assert detail.alert.author in AUTHORS
        assert detail.alert.author in yaml_authors(detail.rule_yaml)
    by_rule = await api.groups(staff, api.AlertFilter(), "rule")
    assert {group.author for group in by_rule.groups} == AUTHORS
    (host,) = (await api.groups(staff, api.AlertFilter(), "host")).groups
    assert all(author in host.author for author in AUTHORS)
    assert {row.author for row in await api.rules(staff) if row.rule_set == "Theirs"} == AUTHORS


def yaml_authors(text: str) -> set[str]:
    return {str(document["author"]) for document in yaml.safe_load_all(text)}


async def test_r10_the_detail_beside_the_list_shows_the_author(staff, raised, qtbot: QtBot) -> None:
    panel = AlertPanel(lambda _state: None, lambda: None, lambda: None, Drafts())
    qtbot.addWidget(panel)
    for alert in raised:
        panel.show_alert(alert, may_triage=True)
        panel.show_detail(await api.alert(staff, alert.id))
        shown = [found.text() for found in panel.findChildren(QLabel) if not found.isHidden()]
        assert any(alert.author in text for text in shown)


async def test_r10_the_exported_file_names_the_author(raised, tmp_path: Path) -> None:
    async def load(before: Any, _limit: int) -> Sequence[Any]:
        return [] if before else raised

    path = tmp_path / "alerts.csv"
    await write_csv(path, alert_columns(), load, lambda _row: True, lambda _done: None)
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert {row["Rule author"] for row in rows} == AUTHORS


@pytest.mark.parametrize("form", ["tsv", "csv", "json", "markdown"])
async def test_r10_copies_name_the_author_even_where_the_list_hides_him(
    raised, qtbot: QtBot, form: Form
) -> None:
    table = PagedTable(alert_columns(), run=lambda *_a, **_k: None, name="Alerts")
    qtbot.addWidget(table)
    number = next(n for n, column in enumerate(table.model_.columns) if column.key == "author")
    table.horizontalHeader().setSectionHidden(number, True)
    assert "author" not in {column.key for column in table.visible_columns()}

    async def batches() -> AsyncIterator[Sequence[Any]]:
        yield raised

    text, count = await render(form, table.copied_columns(), batches())
    assert count == len(raised)
    assert all(author in text for author in AUTHORS)
    if form == "json":
        assert {row["author"] for row in json.loads(text)} == AUTHORS


def test_r10_lists_of_alerts_and_groups_owe_the_author() -> None:
    for made in (alert_columns(), group_columns()):
        assert [column.key for column in made if column.always] == ["author"]


async def test_r10_an_incident_keeps_the_authors_of_its_alerts(staff, raised) -> None:
    made = await incidents.open_incident(staff, "Names", "critical", links=links(incidents, raised))
    detail = await incidents.incident(staff, made.id)
    assert {link.credit for link in detail.links} == AUTHORS
    assert {link.kind for link in detail.links} == {"radar.alert"}


async def test_r10_notices_of_alerts_and_incidents_name_the_authors(org_a, staff, raised) -> None:
    made = await incidents.open_incident(staff, "Names", "critical", links=links(incidents, raised))
    told = [("radar.alert.raised", {"alert_id": str(alert.id)}) for alert in raised]
    told.append(("incidents.incident.opened", {"incident_id": str(made.id)}))
    for topic, payload in told:
        async with uow(org_a.ctx) as tx:
            await consumers.tell(tx, org_a.ctx, event(org_a.org, topic, payload))
    notices = await notifications.inbox(staff)
    assert len(notices) == len(told)
    for author in AUTHORS:
        assert sum(author in str(notice.texts) for notice in notices) >= 2, "the alert's and the incident's"


def event(org: Any, topic: str, payload: dict[str, str]) -> ShardEvent:
    """Return an event as a consumer hears it."""
    values: dict[str, Any] = {
        "seq": 1,
        "id": uuid7(),
        "organization": org,
        "topic": topic,
        "key": None,
        "payload": payload,
        "at": NOW,
    }
    return ShardEvent(**{name: values[name] for name in ShardEvent.__slots__})


def test_r10_hits_of_the_offline_scan_name_the_author(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from sent.engines.radar.cli import app

    rules, events = tmp_path / "r.yml", tmp_path / "e.jsonl.gz"
    rules.write_text(yaml.safe_dump(RULE, allow_unicode=True), "utf-8")
    events.write_bytes(gzip.compress(json.dumps({"program": "sshd"}).encode() + b"\n"))
    for form in ("json", "csv", "timeline"):
        done = CliRunner().invoke(
            app, ["scan", "--rules", str(rules), "--events", str(events), "--format", form]
        )
        assert done.exit_code == 0, done.output
        assert AUTHOR in done.stdout, form
