"""Logs, metrics, health."""

from __future__ import annotations
