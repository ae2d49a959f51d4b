"""What every engine stands on; knows none of them."""

from __future__ import annotations
