"""Database: what the installation's own database does, and what an administrator orders of it."""

from __future__ import annotations
