"""Reports over the ledger: what was booked, read from day totals, drilled down to the entry."""
