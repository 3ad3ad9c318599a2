"""Records that come from other systems: fetched, handed to an import, and told about.

What goes out is a rule that calls (``definitions.exchanges`` writes it) and no work of this room;
here is only looked how these calls went. Nothing is written into the systems of others but by
calls.
"""
