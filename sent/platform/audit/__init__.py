"""The trail made provable: seals, anchors, verification; personal values and their erasure."""

from __future__ import annotations
