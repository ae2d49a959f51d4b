"""Mappings to begin with, for sources as they are found in the field.

They follow the public field lists of the products (Elastic Common Schema 8, Winlogbeat, NXLog's
im_msvistalog, Fluent Bit's winevtlog, Zeek's log files, auditd's records, CloudTrail's and Kubernetes' audit
events) and the names that Sigma's taxonomy gives the same things. Security 4688 needs none: it feeds
process_creation anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sent.engines.radar.fieldmap.steps import FieldMapping, checked
from sent.platform.errors import NotFound


@dataclass(frozen=True, slots=True)
class Preset:
    """A mapping to begin with: `id` for files and the command line, what it is for in English."""

    id: str
    title: str
    about: str
    mapping: FieldMapping


def _when(source: dict[str, str]) -> list[dict[str, Any]]:
    return [{"logsource": source}]


_ECS_WINDOWS: list[dict[str, Any]] = [
    {
        "step": "map",
        "title": "Channel and event id",
        "fields": {
            "winlog.channel": "Channel",
            "winlog.event_id": "EventID",
            "event.code": "EventID",
            "winlog.provider_name": "Provider_Name",
            "winlog.computer_name": "Computer",
        },
    },
    {"step": "prefix", "title": "Event data", "text": "winlog.event_data.", "strip": True},
    {
        "step": "map",
        "title": "Processes",
        "fields": {
            "process.executable": "Image",
            "process.command_line": "CommandLine",
            "process.pid": "ProcessId",
            "process.entity_id": "ProcessGuid",
            "process.working_directory": "CurrentDirectory",
            "process.pe.original_file_name": "OriginalFileName",
            "process.pe.company": "Company",
            "process.pe.description": "Description",
            "process.pe.product": "Product",
            "process.pe.file_version": "FileVersion",
            "process.parent.executable": "ParentImage",
            "process.parent.command_line": "ParentCommandLine",
            "process.parent.pid": "ParentProcessId",
            "user.name": "User",
        },
    },
    {
        "step": "map",
        "title": "Files, registry, network, names",
        "fields": {
            "file.path": ["TargetFilename", "ImageLoaded"],
            "registry.path": "TargetObject",
            "registry.data.strings": "Details",
            "source.ip": "SourceIp",
            "source.port": "SourcePort",
            "destination.ip": "DestinationIp",
            "destination.port": "DestinationPort",
            "destination.domain": "DestinationHostname",
            "dns.question.name": "QueryName",
            "powershell.file.script_block_text": "ScriptBlockText",
        },
    },
    {
        "step": "logsource",
        "title": "Process starts without a channel",
        "product": "windows",
        "category": "process_creation",
        "when": [
            {"field": "Channel", "not": True},
            {"field": "event.category", "equals": "process"},
            {"field": "event.type", "equals": "start"},
        ],
    },
]

_NXLOG: list[dict[str, Any]] = [
    {
        "step": "map",
        "title": "NXLog and Fluent Bit",
        "fields": {
            "SourceName": "Provider_Name",
            "ProviderName": "Provider_Name",
            "Hostname": "Computer",
            "MachineName": "Computer",
            "EventId": "EventID",
            "Execution.ProcessID": "ExecutionProcessID",
            "StringInserts": "Data",
        },
    },
    {
        "step": "map",
        "title": "Severity of NXLog",
        "fields": {"SeverityValue": "Level"},
        "when": [{"field": "Level", "not": True}],
    },
    {
        "step": "prefix",
        "title": "Nested event data",
        "text": "EventData.",
        "strip": True,
    },
]


def _zeek(service: str, fields: dict[str, Any], *marks: str) -> list[dict[str, Any]]:
    when: list[dict[str, Any]] = [{"field": mark} for mark in marks]
    path = [{"field": "_path", "equals": service}]
    titled = f"Zeek {service}.log"
    steps: list[dict[str, Any]] = [
        {"step": "logsource", "title": titled, "product": "zeek", "service": service, "when": path}
    ]
    if marks:
        unnamed = [{"field": "_path", "not": True}, *when]
        steps.append(
            {"step": "logsource", "title": titled, "product": "zeek", "service": service, "when": unnamed}
        )
    if fields:
        steps.append(
            {
                "step": "map",
                "title": titled,
                "fields": fields,
                "when": _when({"product": "zeek", "service": service}),
            }
        )
    return steps


_ZEEK: list[dict[str, Any]] = [
    {
        "step": "map",
        "title": "Addresses",
        "fields": {
            "id.orig_h": ["src_ip", "SourceIp"],
            "id.orig_p": ["src_port", "SourcePort"],
            "id.resp_h": ["dst_ip", "DestinationIp"],
            "id.resp_p": ["dst_port", "DestinationPort"],
        },
    },
    *_zeek("conn", {}, "conn_state"),
    *_zeek("dns", {"query": ["QueryName", "dns.question.name"], "answers": "answer"}, "query", "qtype_name"),
    *_zeek(
        "http",
        {
            "uri": "c-uri",
            "method": "cs-method",
            "user_agent": "c-useragent",
            "referrer": "cs-referrer",
            "host": "cs-host",
            "status_code": "sc-status",
        },
        "uri",
        "method",
    ),
    *_zeek("smb_files", {}),
    *_zeek("dce_rpc", {}, "endpoint", "operation"),
    *_zeek("kerberos", {}, "request_type"),
    *_zeek("rdp", {}, "cookie"),
    *_zeek("x509", {}, "certificate.serial"),
    {
        "step": "map",
        "title": "Web requests are proxy events too",
        "fields": {"cs-host": "r-dns"},
        "when": _when({"product": "zeek", "service": "http"}),
    },
]

_AUDITD: list[dict[str, Any]] = [
    {
        "step": "logsource",
        "title": "Records of auditd",
        "product": "linux",
        "service": "auditd",
        "add": True,
        "when": [{"field": "type", "matches": "^[A-Z][A-Z0-9_]+$"}],
    },
    {
        "step": "split",
        "title": "Inner message (msg='op=login acct=root')",
        "field": "msg",
        "between": " ",
        "equals": "=",
        "when": [{"field": "msg", "like": "*=*"}],
    },
    {
        "step": "map",
        "title": "Started programs",
        "fields": {"exe": "Image", "cwd": "CurrentDirectory", "pid": "ProcessId", "ppid": "ParentProcessId"},
        "when": [{"field": "type", "equals": "SYSCALL"}],
    },
    {
        "step": "map",
        "title": "Command line of EXECVE and USER_CMD",
        "fields": {"cmd": "CommandLine", "proctitle": "CommandLine"},
    },
    {
        "step": "logsource",
        "title": "Started programs feed process_creation",
        "product": "linux",
        "category": "process_creation",
        "service": "auditd",
        "add": True,
        "when": [{"field": "type", "equals": "SYSCALL"}, {"field": "exe"}, {"field": "CommandLine"}],
    },
]

_CLOUDTRAIL: list[dict[str, Any]] = [
    {
        "step": "logsource",
        "title": "CloudTrail",
        "product": "aws",
        "service": "cloudtrail",
        "when": [{"field": "eventSource", "like": "*.amazonaws.com"}],
    },
    {"step": "prefix", "title": "Record in a wrapper", "text": "detail.", "strip": True},
    {
        "step": "logsource",
        "title": "CloudTrail through EventBridge",
        "product": "aws",
        "service": "cloudtrail",
        "when": [{"field": "detail.eventSource", "like": "*.amazonaws.com"}],
    },
    {
        "step": "map",
        "title": "Who and from where",
        "fields": {"userIdentity.arn": "User", "sourceIPAddress": "src_ip", "userAgent": "c-useragent"},
    },
]

_KUBERNETES: list[dict[str, Any]] = [
    {
        "step": "logsource",
        "title": "Audit log of the API server",
        "product": "kubernetes",
        "service": "audit",
        "when": [{"field": "apiVersion", "like": "audit.k8s.io/*"}],
    },
    {
        "step": "map",
        "title": "Short names that rules use",
        "fields": {
            "objectRef.resource": "resource",
            "objectRef.subresource": "subresource",
            "objectRef.namespace": "namespace",
            "objectRef.apiGroup": "apiGroup",
            "objectRef.name": "name",
            "user.username": ["username", "User"],
            "responseStatus.code": "status",
            "responseStatus.reason": "reason",
            "requestObject.spec.hostPath": "hostPath",
            "requestObject.spec.containers.securityContext.capabilities.add": "capabilities",
            "sourceIPs": "src_ip",
        },
    },
    {
        "step": "map",
        "title": "Name of the thing asked for",
        "fields": {"requestObject.metadata.name": "name"},
    },
]

_LISTED: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
    (
        "ecs-windows",
        "Elastic Common Schema, Windows",
        "Winlogbeat and Elastic Agent: winlog.event_data.*, process.command_line, event.code",
        _ECS_WINDOWS,
    ),
    (
        "nxlog-windows",
        "Windows JSON of NXLog or Fluent Bit",
        "Flat Windows events: SourceName, Hostname, EventId, EventData.*",
        _NXLOG,
    ),
    ("zeek", "Zeek JSON", "conn, dns, http, smb_files, dce_rpc, kerberos, rdp and x509 logs", _ZEEK),
    ("auditd", "Linux auditd", "SYSCALL, EXECVE and USER_* records; feeds process_creation", _AUDITD),
    (
        "aws-cloudtrail",
        "AWS CloudTrail",
        "Records as they are, and inside EventBridge's `detail`",
        _CLOUDTRAIL,
    ),
    ("kubernetes-audit", "Kubernetes audit", "Audit events of the API server", _KUBERNETES),
)


@cache
def presets() -> tuple[Preset, ...]:
    """Return the mappings to begin with, the most asked for first."""
    return tuple(Preset(id, title, about, checked(steps)) for id, title, about, steps in _LISTED)


def preset(id: str) -> Preset:
    """Return one of them; raises NotFound naming all."""
    for one in presets():
        if one.id == id:
            return one
    known = ", ".join(one.id for one in presets())
    raise NotFound("radar.mapping.preset", f"no preset {id!r}; there are: {known}")
