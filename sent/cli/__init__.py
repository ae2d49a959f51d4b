"""The admin's tool: `sent <group> <verb>`."""

from __future__ import annotations
