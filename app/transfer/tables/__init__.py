"""Files of people as tables: columns and rows of plain values, whatever the format.

Knows no entity and no database. What is found by itself (format, encoding, delimiter, sheet,
header) is a ``Shape``, which a person may change before the file is read with it.
"""

from app.transfer.tables.found import BadCell, Row, Shape, Table, UnreadableFile
from app.transfer.tables.opening import find_shape, members_of, open_table, sheets_of

__all__ = [
    "BadCell",
    "Row",
    "Shape",
    "Table",
    "UnreadableFile",
    "find_shape",
    "members_of",
    "open_table",
    "sheets_of",
]
