"""What all ways out of the house have in common.

An adapter sends one message and returns, or raises: `Rejected` when sending again would change nothing,
anything else of SentError when it may work later. It is given the time that is left, never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sent.platform.errors import Invalid, SentError
from sent.platform.telemetry.log import Secret

TIMEOUT_S = 10.0
"""For each step with a peer."""
DEADLINE_S = 45.0
"""For a whole delivery."""


class Rejected(SentError):
    """The peer refuses for good, or the channel cannot work as it is set up."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent; `id` is the delivery's, the same at each attempt: the idempotency key."""

    id: UUID
    notice: UUID
    topic: str
    severity: str
    title: str
    body: str
    link: str
    """`sent://org/...`, or an empty text."""
    count: int
    at: datetime
    organization: str
    to_address: str = ""
    to_name: str = ""


class Channel(Protocol):
    """An adapter, made from a channel's configuration and secret."""

    async def send(self, message: Message) -> None:
        """Deliver `message` (see the module)."""
        ...


def adapter(kind: str, config: Mapping[str, Any], secret: Secret | None) -> Channel:
    """Return the adapter of a channel; raises Invalid for a configuration that cannot be taken."""
    if kind == "smtp":
        from sent.platform.notify.smtp import Smtp, SmtpConfig

        return Smtp(SmtpConfig.parse(config), secret)
    if kind == "webhook":
        from sent.platform.notify.webhook import Webhook, WebhookConfig

        return Webhook(WebhookConfig.parse(config), secret)
    raise Invalid("notify.kind", f"a channel is smtp or webhook; not {kind[:20]!r}")


def checked(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration as it is stored; raises Invalid naming the field."""
    from dataclasses import asdict

    from sent.platform.notify.smtp import SmtpConfig
    from sent.platform.notify.webhook import WebhookConfig

    if kind not in ("smtp", "webhook"):
        raise Invalid("notify.kind", f"a channel is smtp or webhook; not {kind[:20]!r}")
    return asdict(SmtpConfig.parse(config) if kind == "smtp" else WebhookConfig.parse(config))


def text(config: Mapping[str, Any], name: str, *, most: int = 255, default: str | None = None) -> str:
    """Return a text of the configuration: printable, one line, bounded."""
    value = config.get(name, default)
    if not isinstance(value, str) or (not value and default != ""):
        raise Invalid("notify.config", f"{name} is missing")
    if len(value) > most or not value.isprintable():
        raise Invalid("notify.config", f"{name} is one line of at most {most} printable characters")
    return value


def number(config: Mapping[str, Any], name: str, default: int) -> int:
    """Return a port."""
    value = config.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
        raise Invalid("notify.config", f"{name} is a number from 1 to 65535")
    return value


def flag(config: Mapping[str, Any], name: str) -> bool:
    """Return a yes or no; no when it is not said."""
    value = config.get(name, False)
    if not isinstance(value, bool):
        raise Invalid("notify.config", f"{name} is true or false")
    return value
