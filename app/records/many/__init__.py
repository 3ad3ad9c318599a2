"""Many records at once: what `saving` does to one, done to thousands in a few statements.

What is asked of each record by itself is asked in Python, with everything that does not change from
record to record worked out once; what asks the database asks it once for all of them. A record that
is in doubt is not written here: whoever brings it writes it through `saves`, which says what is
wrong with it. So this room refuses nothing and says no sentence.
"""

from app.records.many.changing import Changing, change_many, why_not_at_once
from app.records.many.creating import Doubtful, create_many
from app.records.many.fitting import why_one_by_one

__all__ = [
    "Changing",
    "Doubtful",
    "change_many",
    "create_many",
    "why_not_at_once",
    "why_one_by_one",
]
