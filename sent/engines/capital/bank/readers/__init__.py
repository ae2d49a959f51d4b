"""What reads bank statements: one module per format, one result, no I/O."""

from __future__ import annotations
