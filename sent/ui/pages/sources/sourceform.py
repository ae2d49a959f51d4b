"""The form of a source: a new one of a kind that is chosen, or one that is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Dropdown, Segments
from sent.ui.kit.form import Form, TextField, line_of, required
from sent.ui.kit.widgets import button, column, label, row
from sent.ui.pages.sources.lists import KINDS, kind_name, kind_told

if TYPE_CHECKING:
    from sent.engines.radar.api import SourceHealth

Save = Callable[[dict[str, Any]], None]

LISTENING = ("syslog_udp", "syslog_tcp", "syslog_tls", "http")
SECURE = ("syslog_tls", "http")
ZONED = ("syslog_udp", "syslog_tcp", "syslog_tls", "file")
"""Kinds whose lines may tell times without a zone."""


class SourceForm(QWidget):
    """`save` hears the values once all of them are right; `known` None: a new source."""

    def __init__(self, known: SourceHealth | None, clients: Sequence[tuple[UUID, str]], save: Save) -> None:
        super().__init__()
        self.known, self._save = known, save
        self.kind: str = known.source.kind if known is not None else "syslog_tcp"
        self.clients_choice = (
            str((known.source.tls or {}).get("clients", "required")) if known else "required"
        )
        self.fields = _fields(known)
        self.fields["address"]._check = self._address_problem
        self.fields["identity"]._check = self._identity_problem
        self.form = Form(*self.fields.values())
        self.form.guarded = True
        self.form.submitted.connect(self._send)
        self.told = label(tone="3", type="s", wrap=True)
        self.kinds = Dropdown(tr("Kind"), [(k, kind_name(k)) for k in KINDS], self.kind, self.show_kind)
        self.kinds.setEnabled(known is None)
        none = [("", tr("Of the organisation"))]
        client = str(known.source.client_id or "") if known is not None else ""
        listed = none + [(str(id), name) for id, name in clients]
        self.client = Dropdown(tr("Client"), listed, client, lambda _id: None)
        choices = (("required", tr("Required")), ("optional", tr("Optional")), ("none", tr("None")))
        self.certificates = Segments(
            tr("Client certificates"), choices, self.clients_choice, self._choose_certificates
        )
        self.secure = line_of(
            tr("Client certificates"), tr("Whether senders must show one"), self.certificates
        )
        send = tr("Save") if known is not None else tr("Add source")
        self.send = button(send, self.form.submit, kind="primary")
        parts = (line_of(tr("Kind"), "", self.kinds), self.told, self.form, self.secure)
        self.setLayout(
            column(*parts, line_of(tr("Client"), tr("Whose logs these are"), self.client),
                   row(None, self.send), gap=12)
        )  # fmt: skip
        self.show_kind(self.kind)

    def show_kind(self, kind: str) -> None:
        """Show the fields of a kind of source."""
        self.kind = kind
        self.kinds.show_choice(kind)
        self.told.setText(kind_told(kind))
        address = self.fields["address"].edit
        address.setPlaceholderText("0.0.0.0:6514" if kind in LISTENING else "/var/log/app.log")
        for name, shown in (
            ("identity", kind in SECURE),
            ("allow", kind in SECURE),
            ("zone", kind in ZONED),
        ):
            self.fields[name].setVisible(shown)
        self.secure.setVisible(kind in SECURE)

    def values(self) -> dict[str, Any]:
        """Return what the form says, as the api takes it."""
        text = {name: field.text() for name, field in self.fields.items()}
        allow = [word for word in text["allow"].replace(",", " ").split() if word]
        tls = {"identity": text["identity"], "clients": self.clients_choice, "allow": allow}
        client = self.client.choice()
        return {
            "kind": self.kind,
            "name": text["name"],
            "address": text["address"],
            "product": text["product"] or None,
            "category": text["category"] or None,
            "service": text["service"] or None,
            "client_id": UUID(client) if client else None,
            "zone": text["zone"] or "UTC",
            "tls": tls if self.kind in SECURE and text["identity"] else None,
            "keep_days": int(text["keep"]) if text["keep"] else None,
        }

    def fail(self, code: str, message: str) -> None:
        """Show what the engine found wrong at the field it is about."""
        place = {
            "radar.source.address": "address",
            "radar.source.path": "address",
            "radar.source.zone": "zone",
            "radar.source.keep": "keep",
            "radar.source.name": "name",
        }.get(code, "identity" if code.startswith("radar.tls") else "name")
        self.fields[place].show_error(message)
        self.fields[place].edit.setFocus()

    def _send(self) -> None:
        self._save(self.values())

    def _choose_certificates(self, choice: str) -> None:
        self.clients_choice = choice

    def _address_problem(self, text: str) -> str:
        if self.kind in LISTENING:
            host, colon, port = text.rpartition(":")
            right = colon and port.isascii() and port.isdigit() and int(port[:6]) < 65536 and " " not in host
            return "" if right else tr("Give host:port, such as 0.0.0.0:5514")
        absolute = text.startswith("/") or text[1:3] in (":\\", ":/")
        return "" if absolute else tr("Give the absolute path of a file")

    def _identity_problem(self, text: str) -> str:
        if self.kind == "syslog_tls" and not text:
            return tr("Syslog over TLS needs one")
        return ""


def _fields(known: SourceHealth | None) -> dict[str, TextField]:
    pairs = tr("Name of a pair of files in the worker's tls_dir: NAME.crt and NAME.key")
    hint = tr("Sigma's word for it; empty where the events tell it themselves")
    made = {
        "name": TextField(tr("Name"), check=required),
        "address": TextField(tr("Where"), check=required, help=tr("What the worker listens on, or reads")),
        "identity": TextField(tr("TLS identity"), help=pairs),
        "allow": TextField(
            tr("Certificates that are taken"),
            hint="cn:edge-1 dns:fw.example.com sha256:…",
            help=tr("Empty: every certificate that NAME-clients.crt vouches for"),
        ),
        "zone": TextField(
            tr("Time zone"), check=_zone_problem, hint="UTC", help=tr("Of times that tell none")
        ),
        "product": TextField(tr("Product"), hint="windows, linux, zeek, aws", help=hint),
        "category": TextField(tr("Category"), hint="process_creation, proxy, firewall"),
        "service": TextField(tr("Service"), hint="sysmon, sshd, cloudtrail"),
        "keep": TextField(
            tr("Days kept"), check=_days_problem, help=tr("Empty: as long as the organisation keeps events")
        ),
    }
    if known is not None:
        source, tls = known.source, known.source.tls or {}
        texts = {
            "name": source.name,
            "address": source.address,
            "identity": str(tls.get("identity") or ""),
            "allow": " ".join(map(str, tls.get("allow") or ())),
            "zone": known.fares.zone,
            "product": source.product or "",
            "category": source.category or "",
            "service": source.service or "",
            "keep": str(known.fares.keep_days or ""),
        }
        for name, text in texts.items():
            made[name].set_text(text)
    return made


def _days_problem(text: str) -> str:
    right = not text or (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 3650)
    return "" if right else tr("Give 1 to 3650 days, or nothing")


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def _zone_problem(text: str) -> str:
    return "" if not text or text in _zones() else tr("Give a zone such as UTC or Europe/Berlin")
