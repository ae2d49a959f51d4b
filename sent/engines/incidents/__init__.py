"""Incidents: what people work on together until it is over."""

from __future__ import annotations
