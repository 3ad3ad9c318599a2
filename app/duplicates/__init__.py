"""Records that may be the same thing: looked for in all of the data, shown, merged or told apart.

What is compared is said by the entities' `duplicates` and their fields' types; `records.duplicates`
asks the same for one record while it is saved.
"""
