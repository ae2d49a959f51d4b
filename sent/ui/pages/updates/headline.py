"""What the page says first: one sentence on where things stand, what it means, and its tone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from sent.platform.i18n import tr
from sent.ui.kit.text import relative
from sent.ui.updatewords import cure_words, error_title, order_title

if TYPE_CHECKING:
    from sent.engines.updates.api import Installed
    from sent.platform.errors import SentError


class Doing(Protocol):
    """What of `Updates` the headline looks at."""

    order: str
    argument: str
    own: str
    failed_with: SentError | None

    @property
    def waiting(self) -> str: ...

    def newer(self, version: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Headline:
    """An icon with its tint, a title, what it means, and an error's own words."""

    icon: str
    tint: str
    title: str
    text: str = ""
    details: str = ""


def headline(now: Installed, doing: Doing) -> Headline:
    """Return what matters most now."""
    if doing.order:
        return _under_way(now, doing)
    if doing.failed_with is not None:
        return _trouble(doing.failed_with.code, doing.failed_with.message)
    if doing.waiting:
        return Headline(
            "circle-check",
            "ok",
            tr("SENT {version} is installed", version=doing.waiting),
            tr("This console still runs {version}. Restart it; your windows come back.", version=doing.own),
        )
    if now.known is not None and now.known.failed:
        return _trouble(now.known.code, now.known.message)
    if now.known is not None and doing.newer(now.known.version):
        return Headline(
            "download",
            "accent",
            tr("SENT {version} is available", version=now.known.version),
            tr("It is installed beside the present version, which goes on until you restart."),
        )
    if now.status.pending:
        return Headline("clock", "info", tr("SENT {version} proves itself", version=now.status.version or ""))
    if now.known is None:
        return Headline("info", "text2", tr("Nobody has looked for updates yet"), _without_mirror(now))
    return Headline("circle-check", "ok", tr("SENT is up to date"), _without_mirror(now))


def _under_way(now: Installed, doing: Doing) -> Headline:
    title = order_title(doing.order, doing.argument)
    offered = now.known.version if now.known is not None else ""
    if doing.order == "apply" and offered:
        title = tr("Installing SENT {version}", version=offered)
    elif doing.order == "test":
        title = tr("Asking a mirror")
    elif doing.order == "auto":
        title = tr("Looking for updates")
    text = tr("You can go on working; the console stays as it is.") if doing.order != "check" else ""
    return Headline("loader-circle", "info", title, text)


def _trouble(code: str, message: str) -> Headline:
    """Return what went wrong last: in this console, or at the last look that anybody here took."""
    if code == "update.cancelled":
        return Headline("circle-slash", "text2", error_title(code), tr("The present version goes on."))
    offline = code in ("update.unreachable", "update.mirror", "update.no_mirror", "update.busy")
    icon, tint = ("cloud-off", "warn") if offline else ("circle-alert", "bad")
    return Headline(icon, tint, error_title(code), cure_words(code), message)


def _without_mirror(now: Installed) -> str:
    if now.policy.mirrors:
        return ""
    return tr("No mirror is set: name one in the policy, or bring a bundle.")


def facts(now: Installed, doing: Doing) -> str:
    """Return one line: what runs, since when, which channel, and when somebody looked."""
    parts = [tr("Version {version}", version=doing.own)]
    if now.status.since and not doing.waiting:
        parts.append(tr("since {time}", time=relative(datetime.fromisoformat(now.status.since))))
    parts.append(tr("channel {name}", name=now.policy.channel))
    if now.policy.pin:
        parts.append(tr("pinned to {version}", version=now.policy.pin))
    if now.known is not None:
        moment = datetime.fromtimestamp(now.known.at, UTC)
        parts.append(tr("last look {time}", time=relative(moment)))
    return " · ".join(parts)
