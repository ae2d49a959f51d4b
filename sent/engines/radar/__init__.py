"""The log radar: takes logs in, runs Sigma rules over them, raises alerts."""

from __future__ import annotations
