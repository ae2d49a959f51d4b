"""Colours, fonts, icons and the style sheet."""

from __future__ import annotations
