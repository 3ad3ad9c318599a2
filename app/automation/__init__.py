"""Rules at work: what sets them off, what they do, and the ledger of all of it.

What a rule says stands in the catalog (``app.definitions.automation``). This room knows no web and
no Redis: it reads and writes rows, in the transaction of the write or task that called it.
"""
