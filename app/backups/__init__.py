"""Backups: everything of an installation in one file, and back again.

A backup is made without anybody signed in, checked when it is made, and tried now and then by
restoring it beside the living database. This room asks `app.database` and knows no entity.
"""
