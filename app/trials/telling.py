"""What came of tests, as a person or a program reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.texts import say
from app.trials.runner import Outcome


def as_lines(outcomes: Sequence[Outcome], prefix: str, language: str) -> list[str]:
    """Return a line for each failure, and the count; paths stand behind *prefix*."""
    lines = []
    for one in outcomes:
        if one.passed:
            continue
        lines.append(f"✗ {one.test.name}")
        lines += [f"  {failure.line_in(prefix, language)}" for failure in one.failures]
    failed = sum(not one.passed for one in outcomes)
    seconds = f"{sum(one.seconds for one in outcomes):.1f}"
    if failed:
        count = say(
            "{failed} of {all} tests of the configuration failed ({seconds} s).",
            "{all} 项配置测试中有 {failed} 项失败（{seconds} 秒）。",
            failed=failed, all=len(outcomes), seconds=seconds,
        )  # fmt: skip
    elif len(outcomes) == 1:
        count = say(
            "The one test of the configuration passed ({seconds} s).",
            "1 项配置测试通过（{seconds} 秒）。",
            seconds=seconds,
        )
    else:
        count = say(
            "All {all} tests of the configuration passed ({seconds} s).",
            "{all} 项配置测试全部通过（{seconds} 秒）。",
            all=len(outcomes), seconds=seconds,
        )  # fmt: skip
    return [*lines, count.in_language(language)]


def as_json(outcomes: Sequence[Outcome], prefix: str) -> list[dict[str, Any]]:
    """Return every test with its failures."""
    return [
        {
            "test": one.test.name,
            "file": f"{prefix}{one.test.file}",
            "line": one.test.place.line if one.test.place is not None else None,
            "passed": one.passed,
            "seconds": round(one.seconds, 3),
            "failures": [
                {
                    "line": failure.place.line if failure.place is not None else None,
                    "column": failure.place.column if failure.place is not None else None,
                    "message": dict(failure.message.texts),
                }
                for failure in one.failures
            ],
        }
        for one in outcomes
    ]
