"""One folder for each engine; `sent.platform.registry` finds their manifests."""

from __future__ import annotations
