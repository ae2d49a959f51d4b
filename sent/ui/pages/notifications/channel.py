"""The panel beside the lists: a notice, a delivery, or a channel to edit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import language, tr
from sent.platform.telemetry.log import Secret
from sent.ui.kit.choice import Segments
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.form import Form, TextField, email, line_of, required
from sent.ui.kit.text import absolute, count
from sent.ui.kit.widgets import button, clear, label, row
from sent.ui.pages.notifications.lists import kind_name, minima, severity_name, state_name

if TYPE_CHECKING:
    from sent.engines.notifications.api import ChannelRow, Delivery, Notice

Save = Callable[[str, dict[str, str], Secret | None], None]
"""Kind, what stands in the form, the secret that was typed."""


class SidePanel(DetailPanel):
    """What is known of one row, or a form."""

    def __init__(self) -> None:
        super().__init__(tr("Detail"))
        self.form: Form | None = None

    def _begin(self, title: str, state: str, copied: str, name: str) -> None:
        clear(self.head)
        clear(self.body)
        self.form = None
        self.head.addLayout(
            row(label(title, weight="bold", wrap=True), None, *self.tools(copied, name), gap=4)
        )
        self.head.addWidget(label(state, tone="2"))
        self.scroll_up()

    def show_notice(self, notice: Notice, go: Callable[[], object]) -> None:
        """Show a notice with the way to what it is about."""
        title, body = notice.text(language())
        self._begin(title, severity_name(notice), title, tr("Copy title"))
        if notice.link:
            self.body.addLayout(row(button(tr("Open"), go, icon_name="arrow-right"), None))
        if body:
            self.body.addWidget(label(body, wrap=True))
        self.section(tr("Notice"))
        self.pair(tr("Topic"), notice.topic, field="")
        self.pair(tr("Times"), count(notice.count), field="")
        self.pair(tr("First"), absolute(notice.created_at), field="")
        self.pair(tr("Last"), absolute(notice.last_at), field="")

    def show_delivery(self, delivery: Delivery) -> None:
        """Show what became of a delivery."""
        self._begin(delivery.topic, state_name(delivery.state), str(delivery.id), tr("Copy delivery id"))
        if delivery.reason:
            self.section(tr("Why"))
            tone = label(delivery.reason, tone="bad" if delivery.state == "dead" else "2", wrap=True)
            self.body.addWidget(tone)
        self.section(tr("Delivery"))
        self.pair(tr("Over"), kind_name(delivery.kind), field="")
        for name, text in ((tr("To"), delivery.person), (tr("Channel"), delivery.channel)):
            if text:
                self.pair(name, text, field="")
        self.pair(tr("Attempts"), count(delivery.attempts), field="")
        self.pair(tr("Since"), absolute(delivery.created_at), field="")
        if delivery.sent_at is not None:
            self.pair(tr("Sent"), absolute(delivery.sent_at), field="")
        elif delivery.state in ("pending", "failed"):
            self.pair(tr("Next try"), absolute(delivery.next_at), field="")

    def edit_channel(self, kind: str, known: ChannelRow | None, save: Save) -> None:
        """Show the form of a channel: a new one, or one that is changed."""
        heading = known.name if known is not None else tr("New channel: {kind}", kind=kind_name(kind))
        self._begin(heading, kind_name(kind), heading, tr("Copy name"))
        fields, chosen = _fields(kind, known), _chosen(kind, known)
        kept = tr("Stored sealed; nobody can read it. Empty keeps the one that is stored.")
        fresh = tr("Stored sealed; nobody can read it.")
        secret = TextField(
            tr("Password") if kind == "smtp" else tr("Secret"),
            secret=True,
            help=kept if known is not None and known.has_secret else fresh,
        )
        form = Form(*fields.values(), secret)
        self.form = form
        self.body.addWidget(form)
        for name, title, help, options in _choices(kind):
            made = Segments(title, options, chosen[name], partial(chosen.__setitem__, name))
            self.body.addWidget(line_of(title, help, made))

        def submit() -> None:
            values = {name: field.text() for name, field in fields.items()} | chosen
            save(kind, values, Secret(secret.text()) if secret.text() else None)

        form.submitted.connect(submit)
        self.body.addLayout(row(None, button(tr("Save"), form.submit, kind="primary")))


def draft_values(kind: str, values: dict[str, str]) -> dict[str, Any]:
    """Return what the form's texts mean as the fields of a draft."""
    config: dict[str, Any] = {"allow_private": values["private"] == "yes"}
    if kind == "smtp":
        config |= {name: values[name] for name in ("host", "security", "username", "sender")}
        config["port"] = int(values["port"])
    else:
        config["url"] = values["url"]
    found: dict[str, Any] = {
        "kind": kind,
        "name": values["name"],
        "config": config,
        "enabled": values["on"] == "yes",
        "rate_per_minute": int(values["rate"]),
    }
    if kind == "webhook":
        found |= {"pattern": values["pattern"], "minimum": values["minimum"]}
    return found


def _fields(kind: str, known: ChannelRow | None) -> dict[str, TextField]:
    config = known.config if known is not None else {}
    made = {"name": TextField(tr("Name"), check=required)}
    made["name"].set_text(known.name if known is not None else "")
    if kind == "smtp":
        made |= {
            "host": TextField(tr("Server"), check=required, hint="mail.example.com"),
            "port": TextField(tr("Port"), check=_number, help=tr("587 with STARTTLS, 465 with TLS")),
            "username": TextField(tr("User"), help=tr("Empty: no log-in")),
            "sender": TextField(tr("Sender"), check=email, hint="sent@example.com"),
        }
        made["port"].set_text(str(config.get("port", 587)))
        names: tuple[str, ...] = ("host", "username", "sender")
    else:
        made |= {
            "url": TextField(tr("Address"), check=required, hint="https://example.com/sent"),
            "pattern": TextField(tr("Topics"), check=required, help=tr("Such as * or radar.*")),
        }
        made["pattern"].set_text(known.pattern if known is not None else "*")
        names = ("url",)
    for name in names:
        made[name].set_text(str(config.get(name, "")))
    made["rate"] = TextField(tr("Most per minute"), check=_number)
    made["rate"].set_text(str(known.rate_per_minute if known is not None else 60))
    return made


def _chosen(kind: str, known: ChannelRow | None) -> dict[str, str]:
    config = known.config if known is not None else {}
    found = {
        "private": "yes" if config.get("allow_private") else "no",
        "on": "yes" if known is None or known.enabled else "no",
    }
    if kind == "smtp":
        return found | {"security": str(config.get("security", "starttls"))}
    return found | {"minimum": known.minimum if known is not None else "warning"}


def _choices(kind: str) -> list[tuple[str, str, str, tuple[tuple[str, str], ...]]]:
    yes_no = (("yes", tr("Yes")), ("no", tr("No")))
    first = (
        ("security", tr("Security"), "", (("starttls", "STARTTLS"), ("tls", "TLS"), ("none", tr("None"))))
        if kind == "smtp"
        else ("minimum", tr("From severity"), "", minima())
    )
    private = tr("It may stand in a private network or on this machine")
    return [
        first,
        ("private", tr("Private addresses"), private, yes_no),
        ("on", tr("Switched on"), "", yes_no),
    ]


def _number(text: str) -> str:
    return "" if text.isdigit() and 0 < int(text[:6]) < 65536 else tr("Enter a number")
