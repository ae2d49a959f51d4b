"""The health list: every worker with its state in words, the database at the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sent.platform import registry
from sent.platform.i18n import formats, tr
from sent.ui.kit.text import absolute, count, relative, tip
from sent.ui.kit.widgets import Dot, Elided, clear, column, label, mirrored, row
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.overview.api import DatabaseHealth, Instance


def state_of(instance: Instance) -> tuple[str, str]:
    """Return (tone, words) for an instance: what is wrong stands in the words."""
    if instance.state == "lost":
        return "bad", tr("Last sign of life {time}", time=relative(instance.heartbeat_at))
    if instance.reasons:
        return "warn", "; ".join(instance.reasons)
    words = {"ready": tr("Healthy"), "starting": tr("Starting"), "draining": tr("Draining")}
    return ("ok" if instance.state == "ready" else "warn"), words.get(instance.state, instance.state)


def figures_of(instance: Instance) -> str:
    """Return the one or two figures that tell most about a worker."""
    found = instance.metrics
    parts = []
    if "events_per_second" in found:
        parts.append(tr("{n} events/s", n=count(found["events_per_second"])))
    if found.get("queue_depth"):
        parts.append(tr("{n} queued", n=count(found["queue_depth"])))
    if found.get("dropped_total"):
        parts.append(tr("{n} dropped", n=count(found["dropped_total"])))
    if not parts and "rss_mb" in found:
        parts.append(tr("{n} MB", n=count(found["rss_mb"])))
    return " · ".join(parts)


Engine = tuple[str, str, str]
"""Title, tone, words."""


def engines_of(instances: list[Instance]) -> list[Engine]:
    """Return the state of every engine: that of the services its manifest names."""
    made: list[Engine] = []
    for manifest in registry.manifests():
        if manifest.id == "overview":
            continue
        needed = [service.id for service in manifest.services]
        running = {i.service for i in instances if i.healthy}
        known = {i.service for i in instances}
        if not needed:
            made.append((tr(manifest.title), "ok", tr("Works inside the database")))
        elif missing := [id for id in needed if id not in running]:
            words = tr("Not healthy: {names}") if set(missing) & known else tr("Not running: {names}")
            made.append((tr(manifest.title), "bad", words.format(names=", ".join(missing))))
        else:
            made.append((tr(manifest.title), "ok", tr("Healthy")))
    return made


def service_name(service: str) -> str:
    """Return a service's name as people say it."""
    return tr("Database service") if service == "db" else service.capitalize()


def bytes_text(size: float) -> str:
    """Return a size as people read it."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{formats().figure(size, 0 if unit in ('B', 'KB') else 1)} {unit}"
        size /= 1024
    return f"{formats().figure(size, 1)} TB"


class HealthList(QWidget):
    """One line per worker, then the database."""

    def __init__(self) -> None:
        super().__init__()
        self._box = column(gap=2)
        self.setLayout(column(self._box, None, margins=(0, 0, 8, 0)))
        self._shown: object = None
        self._box.addWidget(_Bars())

    def show_health(self, instances: list[Instance], database: DatabaseHealth, engines: list[Engine]) -> None:
        """Show the fleet; lost workers first."""
        order = {"lost": 0, "starting": 1, "draining": 1, "ready": 2}
        found = sorted(instances, key=lambda i: (order.get(i.state, 1), not i.reasons, i.service, i.host))
        lines = [
            (i.service, i.host, *state_of(i), figures_of(i), absolute(i.started_at), i.version)
            for i in found[:12]
        ]
        wanted = (lines, database.version, bytes_text(database.size_bytes), database.connections, engines)
        if wanted == self._shown:
            return
        self._shown = wanted
        clear(self._box)
        for service, host, tone, words, figures, started, version in lines:
            line = _line(service_name(service), host, tone, words, figures)
            line.setToolTip(
                tip(
                    tr(
                        "{service} {version} on {host}, since {time}",
                        service=service,
                        version=version,
                        host=host,
                        time=started,
                    )
                )
            )
            self._box.addWidget(line)
        if len(found) > 12:
            self._box.addWidget(label(tr("and {n} more", n=len(found) - 12), tone="3", type="s"))
        if not lines:
            self._box.addWidget(label(tr("No worker has reported yet"), tone="3"))
        version = database.version.split(" (")[0]
        used = tr("{used} of {limit} connections", used=database.connections, limit=database.max_connections)
        self._box.addWidget(_line(tr("Database"), version, "ok", used, bytes_text(database.size_bytes)))
        heading = label(tr("Engines"), weight="medium")
        heading.setContentsMargins(0, 14, 0, 2)
        self._box.addWidget(heading)
        for title, tone, words in engines:
            self._box.addWidget(_line(title, "", tone, words, ""))


def _line(name: str, where: str, tone: str, words: str, figures: str) -> QWidget:
    line = QWidget()
    title = row(label(name, weight="medium"), Elided(where, tone="3", type="s"), gap=8)
    state = Elided(words, tone="2" if tone == "ok" else "bad" if tone == "bad" else "warn", type="s")
    second = row(state, label(figures, tone="3", type="s"), gap=8)
    body = column(title, second, gap=1)
    layout = row(column(Dot(tone), None, margins=(0, 4, 0, 0)), body, gap=10, margins=(0, 5, 0, 5))
    layout.setStretch(1, 1)
    line.setLayout(layout)
    line.setAccessibleName(f"{name}: {words}")
    return line


class _Bars(QWidget):
    """Grey bars where the lines will be."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(3 * 40)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised"))
        for n in range(3):
            painter.drawEllipse(mirrored(QRectF(0, n * 40 + 9, 9, 9), self.width()))
            for bar in (
                QRectF(20, n * 40 + 8, 90 + 30 * (n % 2), 9),
                QRectF(20, n * 40 + 23, 150 - 20 * n, 8),
            ):
                painter.drawRoundedRect(mirrored(bar, self.width()), 4, 4)
