"""Updates of the packaged program: signed, small, and never without a version that starts (ADR 0022)."""

from __future__ import annotations
