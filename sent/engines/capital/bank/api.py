"""Bank accounts for other layers and engines: statements, rules, matching.

    bank = await api.open_bank_account(ctx, account, journal, "House bank", commodity="EUR", iban=iban)
    await api.import_statement(ctx, bank, data)
    await api.auto_match(ctx, bank, opens=documents)

Errors: Denied without the permission (`capital:read`, `capital:post`, `capital:manage`); Invalid with a code
`capital.statement`, `capital.bank.*` and a sentence with place and cure; Conflict when somebody was first;
NotFound.
"""

from __future__ import annotations

from sent.engines.capital.bank.booking import Settle, Unsettle
from sent.engines.capital.bank.matching import match
from sent.engines.capital.bank.model import (
    AUTO,
    AutoMatched,
    BankAccount,
    Held,
    Imported,
    Learned,
    Match,
    Movement,
    Open,
    Proposal,
    Reconciled,
    Rule,
    Taken,
)
from sent.engines.capital.bank.readers.detect import FORMATS, Format, detected
from sent.engines.capital.bank.readers.detect import read as read_statements
from sent.engines.capital.bank.readers.statement import Statement, StatementLine
from sent.engines.capital.bank.readers.table import DAY_FORMATS, DELIMITERS, CsvMapping, heading
from sent.engines.capital.bank.readers.table import propose as propose_mapping
from sent.engines.capital.bank.rules import fits
from sent.engines.capital.bank.service import (
    accept,
    auto_match,
    bank_accounts,
    bank_rules,
    candidates,
    create_from_line,
    held,
    import_statement,
    open_bank_account,
    propose,
    reconciled,
    save_mapping,
    save_rule,
    saved_mapping,
    undo,
    unmatched,
)

__all__ = [
    "AUTO",
    "DAY_FORMATS",
    "DELIMITERS",
    "FORMATS",
    "AutoMatched",
    "BankAccount",
    "CsvMapping",
    "Format",
    "Held",
    "Imported",
    "Learned",
    "Match",
    "Movement",
    "Open",
    "Proposal",
    "Reconciled",
    "Rule",
    "Settle",
    "Statement",
    "StatementLine",
    "Taken",
    "Unsettle",
    "accept",
    "auto_match",
    "bank_accounts",
    "bank_rules",
    "candidates",
    "create_from_line",
    "detected",
    "fits",
    "heading",
    "held",
    "import_statement",
    "match",
    "open_bank_account",
    "propose",
    "propose_mapping",
    "read_statements",
    "reconciled",
    "save_mapping",
    "save_rule",
    "saved_mapping",
    "undo",
    "unmatched",
]
