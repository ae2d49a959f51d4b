"""Text books for other layers: `read` a file, `import_book`, `export`, `trial_balance`.

    book = api.read(Path("books.beancount"), "beancount")
    done = await api.import_book(ctx, book)

Errors: Invalid and Conflict that begin with file and line; Denied without `capital:post`, and without
`capital:manage` where accounts or commodities have to be opened.
"""

from __future__ import annotations

from sent.engines.capital.plaintext.model import Amount, Book, Format, Place, Posting, Transaction
from sent.engines.capital.plaintext.service import (
    Choices,
    Imported,
    Total,
    export,
    import_book,
    read,
    trial_balance,
    try_book,
)

FORMATS: tuple[Format, ...] = ("beancount", "hledger", "ledger")

__all__ = [
    "FORMATS",
    "Amount",
    "Book",
    "Choices",
    "Format",
    "Imported",
    "Place",
    "Posting",
    "Total",
    "Transaction",
    "export",
    "import_book",
    "read",
    "trial_balance",
    "try_book",
]
