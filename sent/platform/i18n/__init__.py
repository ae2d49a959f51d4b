"""Words that people see, in their language; usable without Qt.

    tr("Signed in as {name}", name=person)
    trn("{n} new alert", "{n} new alerts", n=count)

The English text is the key. A catalogue is a JSON object in `catalogs/<language>.json`:
`{"Close": "Schließen", "{n} new alert": ["{n} neuer Alarm", "{n} neue Alarme"]}`; what is missing stays
English. `python -m sent.platform.i18n.extract de` says what that is. Values are put in by name, so a
translation may change their order.

`SENT_LOCALE` goes before the choice in the settings and the system's language; `SENT_LOCALE=pseudo`
stretches every text by 40 % and marks it, which shows what is not translated and what is clipped;
`pseudo-rtl` also turns everything round.
"""

from __future__ import annotations

from sent.platform.i18n.catalog import LANGUAGES, formats, language, right_to_left, set_language, tr, trn

__all__ = ["LANGUAGES", "formats", "language", "right_to_left", "set_language", "tr", "trn"]
