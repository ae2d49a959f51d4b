"""The frame around the pages: window, rail, palette, actions, sign-in."""

from __future__ import annotations
