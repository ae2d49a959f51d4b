"""Who may come in: passwords, second factors, the login broker and its client."""

from __future__ import annotations
