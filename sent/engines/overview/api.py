"""What other layers may ask the overview."""

from __future__ import annotations

from sent.engines.overview.model import DatabaseHealth, Instance, Overview, State
from sent.engines.overview.service import overview

__all__ = ["DatabaseHealth", "Instance", "Overview", "State", "overview"]
