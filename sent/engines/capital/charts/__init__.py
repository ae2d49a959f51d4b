"""Charts of accounts to begin with: what a small services company of a country needs, in its language.

`TEMPLATES[country]`; the numbers follow the country's habits (the United Kingdom's four digits by thousands,
the United States' by kind, Germany's process order as in SKR 03). They are a start, not a law: accounts are
added, renamed and closed at any time.
"""

from __future__ import annotations

from sent.engines.capital.charts import de, uk, us
from sent.engines.capital.charts.template import Template

TEMPLATES: dict[str, Template] = {one.name: one for one in (uk.TEMPLATE, us.TEMPLATE, de.TEMPLATE)}

__all__ = ["TEMPLATES", "Template"]
