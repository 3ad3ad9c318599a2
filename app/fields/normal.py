"""Texts as search, ``unique`` and ``same`` compare them, in Python and in SQL alike.

Compatibility forms are made one (full width, ligatures), capitals small, outer blanks dropped.
Accents stay: *Renee* and *Renée* are two people. Both sides must agree on every character, so
neither leaves anything to the database's locale.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import sqlalchemy as sa

#: What counts as a blank at the ends, after compatibility forms were made one. The zero-width
#: characters are among them: nobody sees them, and a name pasted from a web page often has some.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u00ad\u115f\u1160\u1680\u180e\u2000\u2001\u2002\u2003"
    "\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f"
    "\u205f\u2060\u2800\u3000\u3164\ufeff"
)

#: PostgreSQL's own lower-casing: the same on every machine, one character for one character.
COLLATION = "pg_c_utf8"


def normal(text: str) -> str:
    """Return *text* as it is compared and searched."""
    if text.isascii():
        return text.lower().strip(BLANKS)
    composed = unicodedata.normalize("NFKC", text)
    # Capitals that become something else in a word than by themselves.
    if "\u0130" not in composed and "\u03a3" not in composed:
        return composed.lower().strip(BLANKS)
    # Only the dotted capital I becomes two characters in Python; PostgreSQL keeps it one.
    lower = "".join("i" if one == "\u0130" else one.lower() for one in composed)
    return lower.strip(BLANKS)


def normal_sql(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL that gives the same as `normal`; it is immutable, so it can be indexed."""
    composed: sa.ColumnElement[str] = sa.func.normalize(
        column, sa.literal_column("NFKC"), type_=sa.Text()
    )
    return sa.func.btrim(
        sa.func.lower(sa.collate(composed, COLLATION)),
        sa.literal(BLANKS, sa.Text(), literal_execute=True),
        type_=sa.Text(),
    )


def is_blank(text: str) -> bool:
    """Return whether nobody would see anything of *text*."""
    return not text.strip(BLANKS)
