"""Telling people: the inbox, e-mail, chat robots and calls to other systems.

Rows are written in the transaction of whoever has something to say; a worker sends them. Nothing
here decides when something is to be said.
"""
