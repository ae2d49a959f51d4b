"""From alerts to an incident: a new one, or one that is open already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr, trn
from sent.ui.kit.page import Page
from sent.ui.shell.palette import Entry

if TYPE_CHECKING:
    from sent.engines.incidents.api import Incident
    from sent.engines.radar.api import Alert

ORDER = ("critical", "high", "medium", "low")


class Escalation:
    """Opens incidents from the alerts that `chosen` returns; the incident keeps each rule's author."""

    def __init__(self, page: Page, chosen: Callable[[], Sequence[Alert]]) -> None:
        self._page, self._chosen = page, chosen

    def open_incident(self) -> None:
        """Open an incident from the chosen alerts, called after the worst of them."""
        alerts = list(self._chosen())
        if not alerts:
            return
        severity = min((severity_of(alert.level) for alert in alerts), key=ORDER.index)
        worst = next(alert for alert in alerts if severity_of(alert.level) == severity)
        title = f"{worst.title} ({worst.host})" if worst.host else worst.title

        async def make() -> Incident:
            api = self._page.api("incidents")
            made: Incident = await api.open_incident(
                self._page.ctx, title[:300], severity, links=links(api, alerts)
            )
            return made

        def done(made: Incident) -> None:
            said = trn("Incident #{number} from {n} alert", "Incident #{number} from {n} alerts",
                       n=len(alerts), number=made.number)  # fmt: skip
            show = partial(self._page.shell.open, "incidents", str(made.id))
            self._page.shell.toast(said, undo=show, action=tr("Show"))

        self._page.run(make, done=done)

    def choose_incident(self) -> None:
        """Let the user choose an open incident that the chosen alerts are added to."""
        alerts = list(self._chosen())
        if not alerts:
            return

        async def find() -> list[Incident]:
            api = self._page.api("incidents")
            wanted = api.IncidentFilter(statuses=("open", "contained"))
            found: list[Incident] = await api.incidents(self._page.ctx, wanted, limit=50)
            return found

        def show(found: list[Incident]) -> None:
            entries = [
                Entry(
                    str(one.id),
                    f"#{one.number} {one.title}",
                    icon="siren",
                    detail=one.owner_name or "",
                    run=partial(self._add, alerts, one),
                )
                for one in found
            ]
            entries.append(Entry("new", tr("A new incident"), icon="plus", run=self.open_incident))
            self._page.shell.choose(
                trn("Add {n} alert to incident", "Add {n} alerts to incident", n=len(alerts)), entries
            )

        self._page.run(find, done=show)

    def _add(self, alerts: Sequence[Alert], incident: Incident) -> None:
        async def add() -> int:
            api = self._page.api("incidents")
            return int(await api.link(self._page.ctx, incident.id, links(api, alerts)))

        def done(added: int) -> None:
            self._page.shell.toast(
                trn("{n} alert added to #{number}", "{n} alerts added to #{number}", n=added,
                    number=incident.number),
                undo=partial(self._page.shell.open, "incidents", str(incident.id)),
                action=tr("Show"),
            )  # fmt: skip

        self._page.run(add, done=done)


def severity_of(level: str) -> str:
    """Return an incident's severity for a rule's level: informational alerts make low incidents."""
    return level if level in ORDER else "low"


def links(api: Any, alerts: Sequence[Alert]) -> list[Any]:
    """Return the alerts as links of an incident."""
    return [
        api.Link(
            "radar.alert",
            str(alert.id),
            f"{alert.title} · {alert.host}" if alert.host else alert.title,
            f"radar/alert/{alert.id}",
            alert.level,
            alert.author or None,
            alert.client_id,
        )
        for alert in alerts
    ]
