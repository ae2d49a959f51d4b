"""The demo organisation: people, clients, a week of history and live traffic, all made up."""

from __future__ import annotations
