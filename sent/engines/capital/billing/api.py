"""Billing for other layers and engines: value types and functions `async f(ctx, ...)`.

    line = api.DocumentLine("Patrol", Decimal(8), Decimal(45), "S20")
    saved = await api.save_document(ctx, api.DocumentDraft("invoice", customer, day, [line]))
    issued = await api.issue(ctx, saved.id)
    await api.pay(ctx, api.Payment(customer, "in", day, issued.gross, issued.commodity, bank,
                                   [api.Money(issued.id, issued.gross)], key="bank:<line id>"))

Errors: Denied without the permission (`capital:read`, `capital:post`; `capital:manage` for tax codes, series,
levels and settings); Invalid and Conflict with a code `capital.*` and a sentence that says the place and the
cure; NotFound; Unavailable.
"""

from __future__ import annotations

from sent.engines.capital.billing.batches import issue_batch, pay_batch
from sent.engines.capital.billing.catalogue import (
    parties,
    party,
    save_party,
    save_settings,
    save_tax_code,
    set_series,
    set_up_taxes,
    settings,
    tax_codes,
)
from sent.engines.capital.billing.documents import Computed, credit, documents, issue, stop, void
from sent.engines.capital.billing.documents import delete as delete_document
from sent.engines.capital.billing.documents import read as document
from sent.engines.capital.billing.documents import save as save_document
from sent.engines.capital.billing.dunning import letter, letters, levels, save_levels
from sent.engines.capital.billing.dunning import proposal as dunning_proposal
from sent.engines.capital.billing.dunning import run as dunning_run
from sent.engines.capital.billing.figures import (
    Aged,
    Box,
    DunningItem,
    DunningLetter,
    DunningLevel,
    Movement,
    OpenItem,
    StatementOfAccount,
    TaxReport,
    TaxSource,
    TaxTotal,
)
from sent.engines.capital.billing.model import (
    Document,
    DocumentDraft,
    DocumentLine,
    Money,
    Paid,
    Party,
    Payment,
    Profile,
    Settings,
    TaxCode,
)
from sent.engines.capital.billing.owed import aging, open_items, statement
from sent.engines.capital.billing.payments import (
    adopt,
    allocate,
    allocations,
    apply_credit,
    cash_discount,
    pay,
    payment,
    unallocate,
    undo_payment,
    write_off,
)
from sent.engines.capital.billing.printing import einvoice, letter_pdf, pdf
from sent.engines.capital.billing.returns import tax_report
from sent.engines.capital.billing.settling import Allocated, Kept
from sent.engines.capital.billing.totals import Totals, totals

__all__ = [
    "Aged",
    "Allocated",
    "Box",
    "Computed",
    "Document",
    "DocumentDraft",
    "DocumentLine",
    "DunningItem",
    "DunningLetter",
    "DunningLevel",
    "Kept",
    "Money",
    "Movement",
    "OpenItem",
    "Paid",
    "Party",
    "Payment",
    "Profile",
    "Settings",
    "StatementOfAccount",
    "TaxCode",
    "TaxReport",
    "TaxSource",
    "TaxTotal",
    "Totals",
    "adopt",
    "aging",
    "allocate",
    "allocations",
    "apply_credit",
    "cash_discount",
    "credit",
    "delete_document",
    "document",
    "documents",
    "dunning_proposal",
    "dunning_run",
    "einvoice",
    "issue",
    "issue_batch",
    "letter",
    "letter_pdf",
    "letters",
    "levels",
    "open_items",
    "parties",
    "party",
    "pay",
    "pay_batch",
    "payment",
    "pdf",
    "save_document",
    "save_levels",
    "save_party",
    "save_settings",
    "save_tax_code",
    "set_series",
    "set_up_taxes",
    "settings",
    "statement",
    "stop",
    "tax_codes",
    "tax_report",
    "totals",
    "unallocate",
    "undo_payment",
    "void",
    "write_off",
]
