"""The ways to filter that several field types share, as the filter builder offers them.

Each is an expression with gaps, so that a filter put together by clicking is the very text that a
view or a URL holds.
"""

from __future__ import annotations

from app.fields.base import Operator
from app.texts import say

IS = Operator("is", say("is", "等于"), "{field} == {value}")
IS_NOT = Operator("is_not", say("is not", "不等于"), "{field} != {value}")
ANY_OF = Operator("any_of", say("is any of", "属于"), "{field} in {value}", value="many")
NONE_OF = Operator("none_of", say("is none of", "不属于"), "{field} not in {value}", value="many")
EMPTY = Operator(
    "empty", say("is empty", "为空"), "{field} is empty", takes_value=False, value="none"
)
NOT_EMPTY = Operator(
    "not_empty",
    say("is not empty", "不为空"),
    "{field} is not empty",
    takes_value=False,
    value="none",
)
FILLED = (EMPTY, NOT_EMPTY)

CONTAINS = Operator("contains", say("contains", "包含"), "contains({field}, {value})")
CONTAINS_NOT = Operator(
    "contains_not", say("does not contain", "不包含"), "not contains({field}, {value})"
)
STARTS = Operator("starts", say("starts with", "开头是"), "starts({field}, {value})")
TEXTS = (CONTAINS, IS, IS_NOT, STARTS, CONTAINS_NOT, *FILLED)
LONG_TEXTS = (CONTAINS, CONTAINS_NOT, *FILLED)

AT_LEAST = Operator("at_least", say("is at least", "大于等于"), "{field} >= {value}")
AT_MOST = Operator("at_most", say("is at most", "小于等于"), "{field} <= {value}")
MORE = Operator("more", say("is more than", "大于"), "{field} > {value}")
LESS = Operator("less", say("is less than", "小于"), "{field} < {value}")
BETWEEN = Operator(
    "between", say("is between", "介于"), "{field} >= {value} and {field} <= {other}", value="two"
)
NUMBERS = (IS, AT_LEAST, AT_MOST, MORE, LESS, BETWEEN, IS_NOT, *FILLED)

ON = Operator("is", say("is on", "是"), "{field} == {value}")
BEFORE = Operator("before", say("is before", "早于"), "{field} < {value}")
AFTER = Operator("after", say("is after", "晚于"), "{field} > {value}")
THIS = Operator("this", say("is in this", "在本"), "{field} in this({value})", value="period")
PREVIOUS = Operator(
    "previous", say("is in the previous", "在上一"), "{field} in previous({value})", value="period"
)
NEXT = Operator("next", say("is in the next", "在下一"), "{field} in next({value})", value="period")
LAST_DAYS = Operator(
    "last_days",
    say("is in the last … days", "最近几天内"),
    "{field} in last({value}, 'days')",
    value="number",
)
COMING_DAYS = Operator(
    "coming_days",
    say("is in the coming … days", "未来几天内"),
    "{field} in coming({value}, 'days')",
    value="number",
)
DAYS_AGO = Operator(
    "days_ago",
    say("is more than … days ago", "早于几天前"),
    "{field} < today() - days({value})",
    value="number",
)
DAYS_ON = Operator(
    "days_on",
    say("is more than … days from now", "晚于几天后"),
    "{field} > today() + days({value})",
    value="number",
)
TODAY = Operator(
    "today", say("is today", "是今天"), "{field} in this('day')", takes_value=False, value="none"
)
DAYS = (
    ON,
    BEFORE,
    AFTER,
    BETWEEN,
    TODAY,
    THIS,
    PREVIOUS,
    NEXT,
    LAST_DAYS,
    COMING_DAYS,
    DAYS_AGO,
    DAYS_ON,
    *FILLED,
)
MOMENTS = tuple(one for one in DAYS if one is not ON)
TIMES = (ON, BEFORE, AFTER, BETWEEN, *FILLED)

CHOICES = (ANY_OF, NONE_OF, IS, IS_NOT, *FILLED)
UNDER = Operator("under", say("is or is below", "属于（含下级）"), "under({field}, {value})")
HAS = Operator("has", say("has", "含有"), "has({field}, {value})")
HAS_NOT = Operator("has_not", say("has not", "不含"), "not has({field}, {value})")
MANY = (HAS, HAS_NOT, *FILLED)

YES = Operator("yes", say("is yes", "为是"), "{field}", takes_value=False, value="none")
NO = Operator("no", say("is no", "为否"), "not {field}", takes_value=False, value="none")

ME = Operator("me", say("is me", "是我"), "{field} == me", takes_value=False, value="none")
MY_PEOPLE = Operator(
    "my_people",
    say("is one of my subordinates", "是我的下属"),
    "{field} in my.subordinates",
    takes_value=False,
    value="none",
)
HAS_ME = Operator(
    "has_me", say("has me", "含有我"), "has({field}, me)", takes_value=False, value="none"
)
