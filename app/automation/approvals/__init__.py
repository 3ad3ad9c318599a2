"""Approvals: a record is submitted, people are asked step by step, and it is approved or rejected.

``flow`` moves a run of an approval from one state to the next inside a transaction; ``decisions``
is what people may do with one; ``reactions`` is what a write of the record does; ``door`` opens the
transactions. The rest answers one question each: whom to ask (``asking``), which version a run
follows (``versions``), what is told to whom (``telling``), what to show (``lists``, ``drawing``).
"""
