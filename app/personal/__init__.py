"""Personal data: finding everything about a person, taking it along, and anonymising it.

Who may is the right ``anonymise``; which fields are meant says ``personal:`` in YAML. Everything
that is done here leaves a line in the register, with the reason. The taking away itself is the
records' (``records.anonymising``), since rules do it as well.
"""
