"""Data in and out: what people bring in files, and what they take along.

Writes go through the one door, as whoever imports; nothing here builds a query on an entity's
table.
"""
