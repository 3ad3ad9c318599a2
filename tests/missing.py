"""What happens when a part that a test needs is not on this machine."""

import os

import pytest


def missing(reason: str) -> None:
    """Skip the test; on a CI machine fail it, since there nobody reads what was skipped."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{reason} (with CI=true a missing part is a failure)", pytrace=False)
    pytest.skip(reason)
