"""The head of the page: six figures, the growth drawn into the one of the size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.cards import StatCard
from sent.ui.kit.text import count, relative
from sent.ui.kit.widgets import mirrored, row
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.database.api import Health, Kept

WEEK = timedelta(days=7)
STALE_BACKUP = timedelta(hours=48)


def size_text(size: float) -> str:
    """Return a size as people read it."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(size) < 1024:
            return f"{formats().figure(size, 0 if unit in ('B', 'KB') else 1)} {unit}"
        size /= 1024
    return f"{formats().figure(size, 1)} TB"


class SizeCard(StatCard):
    """The size, and behind it the line of its growth."""

    def __init__(self) -> None:
        super().__init__(tr("Size"))
        self._sizes: Sequence[int] = ()

    def show_growth(self, sizes: Sequence[int]) -> None:
        """Draw the sizes, oldest first."""
        self._sizes = sizes
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if len(self._sizes) < 2:
            return
        box = QRectF(self.width() * 0.55, 14, self.width() * 0.45 - 14, self.height() * 0.42)
        box = mirrored(box, self.width())
        low, high = min(self._sizes), max(self._sizes)
        step = box.width() / (len(self._sizes) - 1)
        points = [
            QPointF(
                box.left() + n * step,
                box.bottom() - (box.height() * (size - low) / (high - low) if high > low else 1),
            )
            for n, size in enumerate(self._sizes)
        ]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("primary"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(QPolygonF(points))


class Head(QWidget):
    """The cards; `show_health` fills them."""

    def __init__(self) -> None:
        super().__init__()
        self.server = StatCard(tr("Server"))
        self.size_ = SizeCard()
        self.connections = StatCard(tr("Connections"))
        self.archive = StatCard(tr("Log archive"))
        self.backup = StatCard(tr("Last backup"))
        self.verified = StatCard(tr("Last verified"))
        self.cards = (
            self.backup,
            self.verified,
            self.archive,
            self.size_,
            self.connections,
            self.server,
        )
        line = row(*self.cards, gap=12)
        for number in range(len(self.cards)):
            line.setStretch(number, 1)
        self.setLayout(line)

    def show_health(self, health: Health) -> None:
        """Show the figures with what each means."""
        server = health.server
        failures = server.checksum_failures
        remark = (
            trn("{n} damaged block", "{n} damaged blocks", n=failures)
            if failures
            else tr("Started {time}", time=relative(server.started_at, health.at))
        )
        version = server.version.split(" (")[0]
        self.server.show_value(version, remark, "bad" if failures else "ok")
        self._show_size(health)
        share = server.connections / max(server.max_connections, 1)
        self.connections.show_value(
            f"{server.connections} / {server.max_connections}",
            tr("Nearly used up")
            if share >= 0.9
            else tr("{n} free", n=server.max_connections - server.connections),
            "bad" if share >= 0.9 else "warn" if share >= 0.75 else "ok",
        )
        if health.kept is None:
            for card in (self.archive, self.backup, self.verified):
                card.show_value("–", tr("Looked after by the server itself"))
        else:
            self._show_kept(health, health.kept)

    def set_stale(self, stale: bool) -> None:
        """Draw pale: nobody knows it now."""
        for card in self.cards:
            card.set_stale(stale)

    def _show_size(self, health: Health) -> None:
        sizes = [size for _, size in health.growth]
        self.size_.show_growth(sizes[-60:])
        week = [size for day, size in health.growth if day >= (health.at - WEEK).date()]
        free = health.kept.free_bytes if health.kept is not None else None
        if free is not None and health.kept is not None and free < health.kept.warn_below:
            self.size_.show_value(
                size_text(health.server.bytes), tr("Only {size} free", size=size_text(free)), "bad"
            )
            return
        grown = week[-1] - week[0] if len(week) > 1 else None
        parts = (
            []
            if grown is None
            else [tr("{size} in a week", size=f"{'+' if grown >= 0 else '−'}{size_text(abs(grown))}")]
        )
        parts += [] if free is None else [tr("{size} free", size=size_text(free))]
        self.size_.show_value(size_text(health.server.bytes), " · ".join(parts), "ok")

    def _show_kept(self, health: Health, kept: Kept) -> None:
        if not kept.archive_armed:
            self.archive.show_value(tr("Off"), tr("From the first backup on"), "text3")
        elif kept.archive_failing:
            self.archive.show_value(tr("Failing"), tr("See the server's log"), "bad")
        else:
            late = kept.archive_lag_s > 900
            value = (
                tr("{n} s behind", n=count(kept.archive_lag_s))
                if kept.archive_lag_s >= 1
                else tr("Up to date")
            )
            self.archive.show_value(value, size_text(kept.archive_bytes), "warn" if late else "ok")
        newest = kept.backups[0].made_at if kept.backups else None
        if newest is None:
            self.backup.show_value(tr("None yet"), tr("The schedule makes one"), "warn")
        else:
            tone = "warn" if health.at - newest > STALE_BACKUP else "ok"
            total = sum(one.bytes for one in kept.backups)
            words = trn("{n} kept", "{n} kept", n=len(kept.backups))
            self.backup.show_value(relative(newest, health.at), f"{words} · {size_text(total)}", tone)
        self._show_verified(health, kept)

    def _show_verified(self, health: Health, kept: Kept) -> None:
        if any(one.verified is False for one in kept.backups):
            self.verified.show_value(tr("Failed"), tr("A backup did not come back"), "bad")
            return
        moments = [one.verified_at for one in kept.backups if one.verified and one.verified_at]
        if moments:
            self.verified.show_value(relative(max(moments), health.at), tr("Restored and compared"), "ok")
        else:
            self.verified.show_value(tr("Not yet"), tr("Never restored"), "text3")
