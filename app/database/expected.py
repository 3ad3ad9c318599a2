"""Whether a plan may be carried out: it is the one somebody looked at, and nothing refuses it."""

from __future__ import annotations

from app.database.operations import AddRule, BreakCheck
from app.database.plan import Plan
from app.errors import PlanError
from app.texts import join, say


def check_plan(plan: Plan, expected: Plan | None) -> None:
    """Refuse a plan that is refused by itself, or is not the one that was shown.

    Raises:
        PlanError: it may not be carried out; nothing was changed.
    """
    if expected is not None and expected.base_number != plan.base_number:
        now = plan.base
        serving = say("an empty database", "空数据库")
        if now is not None:
            serving = say(
                "version {number} by {who}",
                "{who} 应用的第 {number} 版",
                number=now.number,
                who=now.applied_by,
            )
        raise PlanError(
            say(
                "The base has changed since this plan was made: {serving} serves now. "
                "Plan again and look at the difference.",
                "制定此计划之后，基础已经改变：现在生效的是{serving}。请重新生成计划并查看差异。",
                serving=serving,
            )
        )
    if expected is not None and _digest(expected) != _digest(plan):
        raise PlanError(
            say(
                "The database is not as it was when this plan was made. Plan again and look at "
                "the difference.",
                "数据库与制定此计划时已不相同。请重新生成计划并查看差异。",
            )
        )
    if plan.refusals:
        nothing = say("Nothing was changed.", "没有做任何更改。")
        sentences = [refusal.sentence for refusal in plan.refusals]
        raise PlanError(join("\n", [nothing, *sentences]))


def _digest(plan: Plan) -> list[tuple[str, str, int]]:
    """Return what two plans must share to be the same; rows may have come and gone."""
    return [
        (type(each).__name__, each.subject, int(each.is_destructive))
        for each in plan.operations
        if not isinstance(each, BreakCheck | AddRule)
    ]
