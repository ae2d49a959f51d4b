"""The audit trail: who changed what, before and after."""

from __future__ import annotations
