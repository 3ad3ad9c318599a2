"""E-mails that come: read from a mailbox or handed over, each an event of the record it is about.

`reading` understands an e-mail, `imap` fetches it, `receiving` finds the record and tells the
rules. Nothing here sends anything.
"""
