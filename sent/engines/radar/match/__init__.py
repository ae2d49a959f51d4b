"""The fast matcher: what every distinct value of a field fulfils is found out once and remembered."""

from __future__ import annotations
