"""What can be wrong with everything in one place, as a sentence."""

from __future__ import annotations

from app.errors import TrellisError


class WholeFault(TrellisError):
    """It cannot be written, read or trusted."""

    code = "whole"
