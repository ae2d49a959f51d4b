"""Sealed fields: envelope encryption with a key per organisation and purpose."""

from __future__ import annotations
