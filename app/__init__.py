"""Trellis: a CRM that companies shape by writing configuration."""

import pluggy

#: Marks a plugin's function as the answer to a hook of ``app.hookspecs``.
hookimpl = pluggy.HookimplMarker("trellis")

__all__ = ["hookimpl"]
