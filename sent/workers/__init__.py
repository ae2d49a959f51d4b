"""Headless services: thin loops around engines, one service in a process."""

from __future__ import annotations
