"""Mappings out of YAML, pySigma's pipelines among them, and the presets on events of their products."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.fieldmap.applied import Mapped
from sent.engines.radar.fieldmap.pipelines import imported
from sent.engines.radar.fieldmap.presets import preset, presets
from sent.engines.radar.model import Event, LogSource
from sent.platform.errors import Invalid, NotFound

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)

PIPELINE = """
name: ours
priority: 20
transformations:
  - id: creation
    type: add_condition
    conditions: {EventID: 1, Channel: Sysmon*}
    rule_conditions:
      - {type: logsource, category: process_creation, product: windows}
  - id: several
    type: add_condition
    conditions: {EventID: [12, 13, 14]}
    rule_conditions:
      - {type: logsource, category: registry_event, product: windows}
  - id: names
    type: field_name_mapping
    mapping:
      EventID: event.code
      Channel: winlog.channel
      CommandLine: process.command_line
      User: [user.name, user.id]
      Same: Same
  - id: images
    type: field_name_mapping
    mapping: {ImageLoaded: dll.path}
    rule_conditions:
      - {type: logsource, category: image_load}
      - {type: logsource, product: windows}
  - type: field_name_prefix
    prefix: winlog.event_data.
  - type: change_logsource
    product: windows
    service: sysmon
    rule_conditions:
      - {type: logsource, category: dns_query}
  - {id: bad, type: replace_string, regex: a, replacement: b}
  - type: field_name_mapping
    mapping: {A: b}
    field_name_conditions: [{type: include_fields, fields: [A]}]
  - type: rule_failure
  - nonsense
finalizers: [{type: concat}]
"""


def after(text: str, fields: dict[str, str | None]) -> Event:
    return Mapped(imported(text).mapping.steps).apply(Event(NOW, fields), NOW)


def test_a_pipeline_of_pysigma_is_turned_round() -> None:
    fields: dict[str, str | None] = {
        "event.code": "1",
        "winlog.channel": "sysmonitor",
        "process.command_line": "whoami",
        "user.id": "7",
        "winlog.event_data.Hashes": "x",
        "dll.path": "d",
    }
    seen = after(PIPELINE, fields)
    got = {name: seen.fields[name] for name in ("EventID", "CommandLine", "User", "Hashes")}
    assert got == {"EventID": "1", "CommandLine": "whoami", "User": "7", "Hashes": "x"}
    assert "ImageLoaded" not in seen.fields, "that name is for events of image_load"
    assert (seen.route.product, seen.route.categories) == ("windows", {"process_creation"})
    elsewhere = after(PIPELINE, {"event.code": "1", "winlog.channel": "Security"})
    assert "process_creation" not in elsewhere.route.categories


def test_what_holds_for_one_log_source_is_taken_after_the_log_sources() -> None:
    kinds = [step.kind for step in imported(PIPELINE).mapping.steps]
    assert kinds == ["prefix", "map", "logsource", "logsource", "logsource", "map"]
    last = imported(PIPELINE).mapping.steps[-1].when[0]
    assert last.logsource == LogSource("windows", "image_load"), "conditions are joined with and"


def test_one_of_several_values_makes_an_event_belong() -> None:
    assert after(PIPELINE, {"event.code": "13"}).route.categories == {"registry_event"}
    assert after(PIPELINE, {"event.code": "130"}).route.categories == frozenset()


def test_what_a_pipeline_has_and_a_mapping_has_not_is_listed_with_its_reason() -> None:
    left = imported(PIPELINE).left_out
    assert left[0].startswith("finalizers: it changes queries")
    assert "transformation 7 (bad): replace_string changes rules" in left[1]
    assert "field_name_conditions" in left[2]
    assert "rule_failure" in left[3]
    assert "without a type" in left[4]
    assert len(left) == 5


def test_conditions_with_or_make_a_step_for_each() -> None:
    text = """
transformations:
  - type: field_name_mapping
    mapping: {A: b}
    rule_cond_op: or
    rule_conditions:
      - {type: logsource, product: windows}
      - {type: logsource, product: linux}
"""
    found = imported(text).mapping.steps
    assert [step.when[0].logsource.product for step in found] == ["linux", "windows"]


def test_own_steps_and_presets_are_read() -> None:
    assert imported("- {step: drop, fields: [a]}").mapping.steps[0].fields == ("a",)
    assert imported('{"steps": [{"step": "drop", "fields": ["a"]}]}').mapping.steps[0].kind == "drop"
    assert imported("preset: zeek").mapping == preset("zeek").mapping
    with pytest.raises(NotFound, match="ecs-windows"):
        imported("preset: nothing")


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "no YAML"), ("a: 1\n---\nb: 1", "2 documents"), ("", "0 documents"),
     ("transformations: x", "a list"), ("x" * 1_000_001, "at most 1000000"), ("&a [*a]", "alias")],
)  # fmt: skip
def test_what_is_no_mapping_is_refused(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        imported(text)


EVENTS: list[tuple[str, str, bytes, dict[str, str], str]] = [
    (
        "ecs-windows",
        "http",
        b'{"event":{"code":"1"},'
        b'"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational",'
        b'"event_data":{"Company":"M"}},'
        b'"process":{"command_line":"whoami /all","executable":"C:\\\\w.exe"},"host":{"name":"pc1"}}',
        {"CommandLine": "whoami /all", "Image": "C:\\w.exe", "Company": "M", "EventID": "1"},
        "process_creation",
    ),
    (
        "ecs-windows",
        "http",
        b'{"event":{"category":["process"],"type":["start"]},"process":{"command_line":"x"}}',
        {"CommandLine": "x"},
        "process_creation",
    ),
    (
        "nxlog-windows",
        "jsonl",
        b'{"EventId":4624,"Channel":"Security","MachineName":"pc","EventData":{"LogonType":"3"}}',
        {"LogonType": "3", "EventID": "4624", "Computer": "pc"},
        "security",
    ),
    (
        "zeek",
        "jsonl",
        b'{"_path":"dns","id.orig_h":"10.0.0.1","query":"x.test"}',
        {"QueryName": "x.test", "src_ip": "10.0.0.1"},
        "dns",
    ),
    (
        "zeek",
        "jsonl",
        b'{"method":"GET","uri":"/x","host":"h","id.resp_h":"10.0.0.2"}',
        {"c-uri": "/x", "cs-method": "GET", "r-dns": "h", "dst_ip": "10.0.0.2"},
        "http",
    ),
    (
        "auditd",
        "syslog_udp",
        b"<13>1 2026-11-27T12:00:00Z h audispd - - - type=USER_CMD msg=audit(1764244800.1:7): "
        b'pid=7 uid=0 msg=\'cwd="/root" cmd="id" terminal=pts/0 res=success\'',
        {"type": "USER_CMD"},
        "auditd",
    ),
    (
        "aws-cloudtrail",
        "http",
        b'{"eventSource":"iam.amazonaws.com","eventName":"CreateUser",'
        b'"userIdentity":{"arn":"arn:x"},"sourceIPAddress":"1.2.3.4"}',
        {"User": "arn:x", "src_ip": "1.2.3.4"},
        "cloudtrail",
    ),
    (
        "aws-cloudtrail",
        "http",
        b'{"detail":{"eventSource":"iam.amazonaws.com","eventName":"CreateUser"}}',
        {"eventName": "CreateUser", "eventSource": "iam.amazonaws.com"},
        "cloudtrail",
    ),
    (
        "kubernetes-audit",
        "http",
        b'{"apiVersion":"audit.k8s.io/v1","verb":"create","objectRef":{"resource":"pods",'
        b'"namespace":"kube-system"},"user":{"username":"eve"}}',
        {"resource": "pods", "namespace": "kube-system", "username": "eve"},
        "audit",
    ),
]


@pytest.mark.parametrize(("name", "kind", "payload", "fields", "belongs"), EVENTS)
def test_presets_give_events_of_their_products_the_names_that_rules_use(
    name: str, kind: str, payload: bytes, fields: dict[str, str], belongs: str
) -> None:
    event = event_of(kind, payload, LogSource(), received=NOW)
    seen = Mapped(preset(name).mapping.steps).apply(event, NOW)
    assert {field: seen.fields.get(field) for field in fields} == fields
    assert belongs in seen.route.categories | seen.route.services
    assert all(seen.fields[old] == value for old, value in event.fields.items()), "what came stays"


def test_every_preset_does_nothing_to_an_event_of_another_product() -> None:
    event = event_of("syslog_udp", b"<13>Nov 27 12:00:00 h cron[1]: hello", LogSource(), received=NOW)
    for one in presets():
        seen: Any = Mapped(one.mapping.steps).apply(event, NOW)
        assert (dict(seen.fields), seen.route) == (dict(event.fields), event.route), one.id
