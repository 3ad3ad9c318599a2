"""Bind what fields say about others: links, conditions, defaults.

Runs over drafts whose fields all have their types, so every name can be looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Field
from app.definitions.document import Document
from app.definitions.problems import Code
from app.definitions.words import DURATION as DURATION_WORDS
from app.definitions.workshop import Draft, Path, Workshop, settle
from app.expressions.tree import Checked
from app.expressions.types import BOOLEAN, DATETIME, DURATION, Kind, Type
from app.fields.base import FieldError, ParseContext
from app.fields.settings import ExpressionText, written

_BY_WORKED_OUT = ("formula", "rollup", "through")
#: Settings that are moments or values, where all others are conditions.
_WANTS: Mapping[str, Type | None] = {"since": DATETIME, "until": DATETIME}


def check_targets(shop: Workshop, draft: Draft) -> None:
    """Report links to entities there are not; such a link leads nowhere from then on."""
    for name, field in list(draft.fields.items()):
        targets = field.settings.get("to")
        if field.built_in or not isinstance(targets, str | tuple):
            continue
        targets = (targets,) if isinstance(targets, str) else targets
        for index, target in enumerate(targets):
            if target in shop.drafts and "." not in target:
                continue
            message = f"The field `{name}` links to `{target}`, which is not an entity."
            path = draft.field_path(name, "to", index)
            shop.unknown_entity(draft.document, path, target, message)
            shop.mark_broken(draft.name, name)
        if field.settings.get("tree") is True and draft.name != targets[0]:
            shop.problem(
                Code.wrong_field_type,
                draft.document,
                draft.field_path(name, "tree"),
                f"`{name}` cannot be a tree: it links to `{targets[0]}`, not to its own "
                f"entity `{draft.name}`.",
                f"Write `to: {draft.name}`, or remove `tree`.",
            )


def bind_fields(shop: Workshop, draft: Draft) -> None:
    """Check the expressions of every own field and put them into it."""
    for name, wrote in draft.written.items():
        if name not in draft.fields:
            continue
        _bind_field(shop, draft, name, wrote)


def _bind_field(shop: Workshop, draft: Draft, name: str, wrote: Mapping[str, Any]) -> None:
    value = shop.type_of(draft, name)
    field = draft.fields[name]
    changes: dict[str, Any] = {}
    for key in ("required", "readonly"):
        if isinstance(wrote.get(key), str):
            changes[key] = _condition(shop, draft, name, key, wrote[key]) or False
    if isinstance(wrote.get("show"), str):
        changes["show"] = _condition(shop, draft, name, "show", wrote["show"])
    if wrote.get("default") is not None and field.type.writable:
        changes["default"] = _default(shop, draft, field, value, wrote["default"])
    conditions = _conditions(shop, draft, field, wrote)
    if conditions:
        changes["conditions"] = conditions
    _refuse_written(shop, draft, field, wrote)
    _refuse_unique(shop, draft, field, value)
    _check_named_fields(shop, draft, field)
    settle(field, value=value, **changes)


def _condition(shop: Workshop, draft: Draft, name: str, key: str, text: str) -> Checked | None:
    scope = shop.scope(draft, on_write=key == "required")
    path = draft.field_path(name, key)
    return shop.condition(draft.document, path, text, scope, f"The condition of `{key}`")


def _conditions(
    shop: Workshop, draft: Draft, field: Field, wrote: Mapping[str, Any]
) -> dict[str, Checked]:
    """Check the expressions among the type's own settings."""
    if field.type.name in _BY_WORKED_OUT:
        return {}
    found: dict[str, Checked] = {}
    for key, setting in shop.schemas.own(field.type.name).items():
        text = wrote.get(key)
        if not isinstance(setting, ExpressionText) or not isinstance(text, str):
            continue
        targets = [one for one in field.type.targets(field) if one in shop.drafts]
        drafts = [shop.drafts[one] for one in targets] if key == "where" else [draft]
        for one in drafts:
            scope = shop.scope(one, record=draft.name)
            path = draft.field_path(field.name, key)
            want = _WANTS.get(key, BOOLEAN)
            checked = shop.expression(draft.document, path, text, scope, f"`{key}`", want)
            if checked is not None:
                found[key] = checked
    if field.type.name == "clock":
        found.update(_limit(shop, draft, field, wrote))
    return found


def _limit(
    shop: Workshop, draft: Draft, field: Field, wrote: Mapping[str, Any]
) -> dict[str, Checked]:
    """Return how long a clock has: a duration, a table of them, or an expression."""
    limit = wrote.get("limit")
    path = draft.field_path(field.name, "limit")
    if isinstance(limit, dict):
        text, skip = table_expression(shop, draft, path, limit, DURATION), 0
    elif isinstance(limit, str) and limit.startswith("="):
        text, skip = limit[1:], 1
    elif isinstance(limit, str) and DURATION_WORDS.match(limit):
        text, skip = _table_value(limit, DURATION), 0
    else:
        message = (
            f"`limit` is {written(limit)}; it must be a duration, a table of them, or `=` and "
            "an expression."
        )
        hint = "For example `8 working hours`, or `{by: priority, high: 2 hours, else: 8 hours}`."
        shop.problem(Code.not_a_duration, draft.document, path, message, hint)
        return {}
    if text is None:
        return {}
    checked = shop.expression(draft.document, path, text, shop.scope(draft), "`limit`", skip=skip)
    return {"limit": checked} if checked is not None else {}


def _default(shop: Workshop, draft: Draft, field: Field, value: Type, wrote: Any) -> Any:
    path = draft.field_path(field.name, "default")
    if isinstance(wrote, dict) and "by" in wrote:
        text = table_expression(shop, draft, path, wrote, value)
        if text is None:
            return None
        scope = shop.scope(draft)
        return shop.expression(draft.document, path, text, scope, "The default", value)
    if isinstance(wrote, str) and wrote.startswith("="):
        text = wrote[1:]
        scope = shop.scope(draft)
        return shop.expression(draft.document, path, text, scope, "The default", value, skip=1)
    context = ParseContext(
        language=shop.app.languages[0],
        time_zone=shop.app.time_zone,
        currencies=shop.app.currencies,
    )
    try:
        field.type.parse(field, wrote, context)
    except FieldError as error:
        sentence = str(error.sentence)
        message = f"The default of `{field.name}` is {written(wrote)}: {sentence}"
        chinese = error.sentence.in_language("zh")
        shop.problem(
            Code.bad_default,
            draft.document,
            path,
            message,
            _default_hint(draft, wrote),
            told={"zh": f"`{field.name}` 的默认值是 {written(wrote)}：{chinese}"},
        )
        return None
    return wrote


def _default_hint(draft: Draft, wrote: Any) -> str:
    if isinstance(wrote, str) and wrote.split(".")[0].split("(")[0] in (
        *draft.fields,
        "today",
        "now",
        "me",
    ):
        return f"To work it out, write `={wrote}`."
    return ""


def table_expression(
    shop: Workshop, draft: Draft, path: Path, table: Mapping[str, Any], value: Type
) -> str | None:
    """Return a table `{by: level, a: 7 days, else: …}` as one expression."""
    by = str(table["by"])
    options: tuple[str, ...] = ()
    if by.split(".", maxsplit=1)[0] in draft.fields:
        checked = shop.expression(draft.document, (*path, "by"), by, shop.scope(draft), "`by`")
        if checked is None:
            return None
        options = checked.type.options
    else:
        shop.unknown(
            Code.unknown_field, draft.document, (*path, "by"), by, draft.fields,
            f"`{draft.name}` has no field `{by}`.",
        )  # fmt: skip
        return None
    text = _table_value(table["else"], value) if "else" in table else "empty"
    for name in reversed([name for name in table if name not in ("by", "else")]):
        if name not in options:
            shop.unknown(
                Code.unknown_option, draft.document, (*path, name), name, options,
                f"`{name}` is no option of `{by}`.", key=True,
            )  # fmt: skip
            return None
        text = f"({_table_value(table[name], value)}) if {by} == '{name}' else ({text})"
    return text


def _table_value(wrote: Any, value: Type) -> str:
    text = str(wrote)
    if text.startswith("="):
        return text[1:]
    if value.kind in (Kind.number, Kind.money, Kind.percent):
        return text
    if value.kind is Kind.boolean:
        return "true" if text in ("yes", "true") else "false"
    if value.kind is Kind.duration:
        count, _, unit = text.partition(" ")
        unit = unit.replace("working ", "working_")
        return f"{unit if unit.endswith('s') else unit + 's'}({count})"
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _refuse_written(shop: Workshop, draft: Draft, field: Field, wrote: Mapping[str, Any]) -> None:
    """Report settings of what people write on a field that nobody writes."""
    if field.type.writable:
        return
    for key in ("required", "default", "unique"):
        if key not in wrote or wrote[key] in (False, None) or field.type.name == "serial":
            continue
        shop.problem(
            Code.conflicting_keys,
            draft.document,
            draft.field_path(field.name, key),
            f"`{field.name}` is worked out, so it cannot have `{key}`.",
            "Remove the key.",
            key=True,
        )


def _refuse_unique(shop: Workshop, draft: Draft, field: Field, value: Type) -> None:
    """Report `unique` on what has no single value to compare."""
    if field.unique and value.kind in (Kind.many, Kind.parts):
        shop.problem(
            Code.wrong_field_type,
            draft.document,
            draft.field_path(field.name, "unique"),
            f"`{field.name}` is {value}; only a single value can be unique.",
            "Remove `unique`; to find the same thing twice, write `duplicates`.",
            key=True,
        )


def _check_named_fields(shop: Workshop, draft: Draft, field: Field) -> None:
    """Check settings that name another field of the record."""
    currency = field.settings.get("currency")
    if isinstance(currency, str) and currency:
        path = draft.field_path(field.name, "currency")
        other = draft.fields.get(currency)
        around = shop.drafts[draft.lines_of[0]] if draft.lines_of else None
        if other is None and currency.startswith("parent.") and around is not None:
            other = around.fields.get(currency.removeprefix("parent."))
        if other is None or other.type.name != "currency":
            legal = [n for n, one in draft.fields.items() if one.type.name == "currency"]
            message = f"`{currency}` is no field of type `currency` of this record."
            if currency in shop.app.currencies:
                message += f" All amounts in `{currency}` need no `currency:` at all."
            shop.unknown(Code.unknown_field, draft.document, path, currency, legal, message)
    per = field.settings.get("per")
    for name in (per,) if isinstance(per, str) else per or ():
        if not has_field(draft, shop, name):
            path = draft.field_path(field.name, "per")
            message = f"`{draft.name}` has no field `{name}`."
            shop.unknown(Code.unknown_field, draft.document, path, name, draft.fields, message)


def has_field(draft: Draft, shop: Workshop, dotted: str) -> bool:
    """Return whether a name, or a name with a part, is a field of the entity."""
    name, _, part = dotted.partition(".")
    field = draft.fields.get(name)
    if field is None or field.removed:
        return False
    return not part or part in shop.type_of(draft, name).parts


def require_field(
    shop: Workshop,
    draft: Draft,
    path: Path,
    dotted: str,
    *,
    key: bool = False,
    document: Document | None = None,
) -> bool:
    """Report a name that is no field of the entity; return whether it is one.

    *document* is where the name stands, if not in the entity's own.
    """
    if has_field(draft, shop, dotted):
        return True
    where = document or draft.document
    name, _, part = dotted.partition(".")
    field = draft.fields.get(name)
    if field is not None and not field.removed:
        parts = shop.type_of(draft, name).parts
        message = f"`{draft.name}.{name}` has no part `{part}`."
        shop.unknown(Code.unknown_field, where, path, part, parts, message, key=key)
    else:
        refuse_field(shop, draft, where, path, name, key=key)
    return False


def refuse_field(
    shop: Workshop, draft: Draft, where: Document, path: Path, name: str, *, key: bool = False
) -> None:
    """Report a name that is no field of the entity: not any more, under this name, or never."""
    if name in draft.fields:
        message = f"The field `{name}` of `{draft.name}` is removed."
        shop.problem(Code.unknown_field, where, path, message, key=key)
        return
    renamed = [new for new, each in draft.fields.items() if name in each.was]
    if renamed:
        message = f"The field `{name}` of `{draft.name}` is called `{renamed[0]}` now."
        shop.problem(Code.unknown_field, where, path, message, key=key)
        return
    legal = [one for one, each in draft.fields.items() if not each.removed]
    message = f"`{draft.name}` has no field `{name}`."
    shop.unknown(Code.unknown_field, where, path, name, legal, message, key=key)
