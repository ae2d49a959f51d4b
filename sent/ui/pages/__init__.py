"""One package or module per engine that has pages."""

from __future__ import annotations
