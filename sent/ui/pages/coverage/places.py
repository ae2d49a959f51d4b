"""Cells of the matrix where they are painted, and where a key leads from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt

if TYPE_CHECKING:
    from sent.engines.radar.api import Cell


@dataclass(frozen=True, slots=True)
class Place:
    """A cell where it is painted, in the coordinates of the whole matrix."""

    column: int
    box: QRectF
    cell: Cell
    sub: bool


def target(places: Sequence[Place], place: Place, key: Qt.Key, page: int) -> Place | None:
    """Return where a key leads; None: it moves nowhere. `page` cells are seen at once."""
    keys = Qt.Key
    same = [other for other in places if other.column == place.column]
    steps = {
        keys.Key_Down: 1, keys.Key_J: 1, keys.Key_Up: -1, keys.Key_K: -1, keys.Key_PageDown: page,
        keys.Key_PageUp: -page, keys.Key_Home: -len(same), keys.Key_End: len(same),
    }  # fmt: skip
    if key in steps:
        return same[max(0, min(len(same) - 1, same.index(place) + steps[key]))]
    if key in (keys.Key_Left, keys.Key_Right):
        return _across(places, place, 1 if key == keys.Key_Right else -1)
    return None


def _across(places: Sequence[Place], place: Place, step: int) -> Place:
    """Return the cell at the same height in the next column that has any."""
    beside = [other for other in places if (other.column - place.column) * step > 0]
    nearest = min((abs(other.column - place.column) for other in beside), default=0)
    row = [other for other in beside if abs(other.column - place.column) == nearest]
    height = place.box.center().y()
    return min(row, key=lambda other: abs(other.box.center().y() - height), default=place)
