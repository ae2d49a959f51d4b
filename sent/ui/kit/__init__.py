"""Widgets that every page is made of."""

from __future__ import annotations
