"""Books as text: beancount, hledger and ledger-cli files read, booked, and written again."""
