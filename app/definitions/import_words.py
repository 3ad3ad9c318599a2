"""What an import may be told to do, as words. Imports nothing: the command line offers them."""

#: What becomes of a row whose record exists.
MODES = ("create", "update", "upsert", "fill", "skip")
#: Whether rules fire.
RULES = ("run", "silent", "off")
