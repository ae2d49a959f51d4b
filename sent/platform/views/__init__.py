"""Saved views of lists: a filter, columns, an order and a density under a name, private or shared."""

from __future__ import annotations
