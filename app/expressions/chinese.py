"""The kinds of mistakes in Chinese, for people who filter lists in it.

The English sentence says everything; the Chinese one names the kind of mistake, the text it is
about and what was probably meant.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "empty-compared": "空值不等于任何值，请写 `… is empty` 或 `… is not empty`。",
    "empty-expression": "这里没有表达式。",
    "empty-series": "括号里没有内容。",
    "forbidden-name": "{found}不是名称：名称不能以 `_` 开头，也不能含有 `__`。",
    "foreign-construct": "表达式中不能使用{found}。",
    "foreign-sign": "不认识符号{found}。",
    "full-width-sign": "{found}是全角符号，请改用半角符号。",
    "is-what": "`is` 后面只能是 `empty` 或 `not empty`；比较请用 `==` 或 `!=`。",
    "many-values": "{found}含有多个值，不能当作一个值使用。",
    "mixed-types": "类型不一致：{found}。",
    "named-argument": "函数的参数按位置书写，不写名称和 `=`。",
    "no-field": "{found}：计数的是记录，不需要字段。",
    "no-order": "{found}没有先后顺序，只能用 `==` 或 `!=` 比较。",
    "no-parts": "{found}没有下级内容，不能用点号。",
    "no-working-days": "这里无法计算工作日：没有工作日历。",
    "no-write": "{found}只能用在规则和校验中。",
    "not-a-date": "{found}不是日期。日期请写成 `'2026-01-31'`。",
    "not-a-field": "{found}不是本记录的字段。",
    "not-a-function": "{found}不是函数。",
    "not-a-number": "{found}不是数字，不能计算。",
    "not-a-time": "{found}不是时间。时间请写成 `'09:00'`。",
    "not-a-tree": "{found}不是树形结构，没有下级。",
    "not-an-entity": "{found}既不是实体，也不是本记录的明细。",
    "not-an-expression": "无法读懂表达式：{found}。",
    "not-comparable": "{found}两边的类型不同，不能比较。",
    "not-fixed": "{found}必须是直接写出的固定值。",
    "not-in-sql": "{found}不能在筛选和查询中使用。",
    "not-many": "{found}不是多个值。",
    "parts-compared": "{found}由几部分组成，请比较其中一部分。",
    "period-alone": "时间段只能写在 `in` 后面。",
    "too-deep": "表达式嵌套过深，最多 50 层。",
    "too-long": "表达式过长，最多 2,000 个字符。",
    "too-many-parts": "表达式过于复杂，最多 500 个部分。",
    "unknown-field": "没有字段{found}。",
    "unknown-function": "没有函数{found}。",
    "unknown-name": "这里没有字段{found}。",
    "unknown-option": "{found}不是可选项。",
    "unknown-part": "没有{found}这一部分。",
    "unknown-view": "没有视图{found}。",
    "which-field": "{found}：请写明字段。",
    "working-duration": "{found}是工作时间，本身没有长度，只能加到日期上。",
    "wrong-arguments": "{found}的参数个数不对。",
    "wrong-type": "{found}的类型不符合这里的要求。",
    "wrong-value": "{found}不是可用的值。",
}


def in_chinese(code: str, found: str, suggestions: tuple[str, ...]) -> str | None:
    """Return the sentence for a kind of mistake; None where there is none."""
    sentence = SENTENCES.get(code)
    if sentence is None:
        return None
    told = sentence.replace("{found}", f" `{found}` " if found.strip() else "此处").strip()
    if not suggestions:
        return told
    return f"{told}您是不是想写 {'、'.join(f'`{one}`' for one in suggestions)}？"
