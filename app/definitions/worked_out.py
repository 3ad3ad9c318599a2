"""Fields that nobody writes: formulas, roll-ups, values read through a link; and their order.

A formula's type is the type of its expression, so types are worked out on demand and a circle shows
itself. The order in which stored values are brought up to date after a write is found here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import get_args

from app.definitions.built_in import FILLED
from app.definitions.catalog import Field, Option, Rollup, RollupFunction
from app.definitions.problems import Code
from app.definitions.workshop import Draft, Workshop, settle
from app.expressions import tree
from app.expressions.coercion import convert
from app.expressions.tree import Checked
from app.expressions.types import ANY, DAYS, NUMBER, PERCENT, Kind, Type, bare, many, record_type
from app.fields.options import choice_type

FUNCTIONS: tuple[str, ...] = get_args(RollupFunction)
#: Functions that calculate, and so want numbers.
_CALCULATE = ("sum", "avg")
_ENDS = ("latest", "earliest")
#: Words `result:` knows that are no kinds of values.
_RESULTS: Mapping[str, Type] = {"integer": NUMBER, "decimal": NUMBER}
#: Kinds one of which may be shown as the other.
_ALIKE = ({Kind.number, Kind.money, Kind.percent}, {Kind.text, Kind.choice})


def work_out(shop: Workshop, draft: Draft, field: Field) -> Type:
    """Return what expressions take the field for; a worked-out field is checked on the way."""
    kind = field.type.name
    if kind == "formula":
        return _formula(shop, draft, field)
    if kind == "rollup":
        return _rollup(shop, draft, field)
    if kind == "through":
        return _through(shop, draft, field)
    if kind == "lines":
        return many(record_type(f"{draft.name}.{field.name}"))
    value = field.type.value_type(field, field.options)
    if field.built_in and field.name in FILLED:
        return replace(value, filled=True)
    return value


def _formula(shop: Workshop, draft: Draft, field: Field) -> Type:
    text = field.settings.get("formula")
    path = draft.field_path(field.name, "formula")
    if not isinstance(text, str):
        return ANY
    scope = shop.scope(draft)
    checked = shop.expression(draft.document, path, text, scope, "The formula")
    if checked is None:
        return ANY
    foreign = [over for over in checked.asked if shop.drafts_of_lines(draft, over) is None]
    if foreign:
        shop.problem(
            Code.bad_expression,
            draft.document,
            path,
            f"The formula asks `{foreign[0]}`; a formula reads its own record, its lines and what "
            "it links to.",
            "Use a field of type `rollup` for that, and the roll-up in the formula.",
        )
        return ANY
    if not checked.is_volatile and reads_volatile(shop, draft, checked.names):
        # What it reads changes without a write, so it does as well.
        checked = replace(checked, is_volatile=True)
    said = field.options if field.settings.get("options") else ()
    settle_type = _as_choice if said else _as_result
    result = settle_type(shop, draft, field, bare(checked.type))
    options = said or _options_of(shop, draft, checked)
    settle(field, expression=_shared(checked, result), options=options)
    return result


def _shared(checked: Checked, result: Type) -> Checked:
    """Return what works out *result*: a number that is to be a percentage is a share of one."""
    if result.kind is Kind.percent and checked.type.kind is Kind.number:
        return replace(checked, root=convert(checked.root, PERCENT))
    return checked


def _as_choice(shop: Workshop, draft: Draft, field: Field, type_: Type) -> Type:
    """Return that a formula whose text is one of its ``options`` is a choice of them."""
    if type_.kind not in (Kind.text, Kind.choice, Kind.any):
        path = draft.field_path(field.name, "options")
        message = f"`{field.name}` is {type_}; only a text can be one of `options`."
        shop.problem(Code.wrong_field_type, draft.document, path, message, "Remove `options`.")
        return ANY
    return choice_type(field.options)


def _as_result(shop: Workshop, draft: Draft, field: Field, type_: Type) -> Type:
    """Return the type `result:` asks for, which must be one of the same sort."""
    word = field.settings.get("result")
    if not isinstance(word, str) or type_.kind is Kind.any:
        return type_
    wanted = _RESULTS.get(word, Type(Kind(word)) if word in Kind.__members__ else type_)
    if wanted.kind is type_.kind:
        return type_
    if not any({wanted.kind, type_.kind} <= alike for alike in _ALIKE):
        path = draft.field_path(field.name, "result")
        message = f"`{field.name}` is {type_}, so its result cannot be `{word}`."
        shop.problem(Code.wrong_field_type, draft.document, path, message, "Remove `result`.")
        return ANY
    return wanted


def _options_of(shop: Workshop, draft: Draft, checked: Checked | None) -> tuple[Option, ...]:
    """Return the options, with their labels and colours, of a choice that is merely read."""
    root = checked.root if checked is not None else None
    if not isinstance(root, tree.Path) or root.type.kind is not Kind.choice:
        return ()
    here = [draft]
    for hop in root.hops:
        here = [shop.drafts[name] for name in hop.entities if name in shop.drafts]
    fields = [one.fields[root.name] for one in here if root.name in one.fields]
    return fields[0].options if fields and root.root in ("", "record") else ()


def _rollup(shop: Workshop, draft: Draft, field: Field) -> Type:
    source = _rollup_source(shop, draft, field)
    function = _rollup_function(shop, draft, field)
    if source is None or function is None:
        return ANY
    child, link = source
    scope = shop.scope(child, record=draft.name)
    settings = field.settings

    def read(key: str, what: str, *, condition: bool = False) -> Checked | None:
        text = settings.get(key)
        if not isinstance(text, str):
            return None
        path = draft.field_path(field.name, key)
        if condition:
            return shop.condition(draft.document, path, text, scope, what)
        return shop.expression(draft.document, path, text, scope, what)

    value = None if function == "count" else read(function, f"`{function}`")
    if value is None and function != "count":
        return ANY
    rollup = Rollup(
        entity=child.name,
        link=link,
        function=function,  # type: ignore[arg-type]
        value=value,
        by=read("by", "`by`"),
        where=read("where", "The condition", condition=True),
    )
    _refuse_volatile(shop, draft, child, field, rollup)
    result = _as_result(shop, draft, field, _rollup_type(shop, draft, field, rollup))
    if value is not None:
        rollup = replace(rollup, value=_shared(value, result))
    settle(field, rollup=rollup, options=_options_of(shop, child, value))
    return result


def _refuse_volatile(
    shop: Workshop, draft: Draft, child: Draft, field: Field, rollup: Rollup
) -> None:
    """Report a roll-up over what changes without a write: it is stored and would grow stale."""
    for key, one in ((rollup.function, rollup.value), ("by", rollup.by), ("where", rollup.where)):
        if one is None:
            continue
        own = [path for path in one.names if not path.startswith("record.")]
        if one.is_volatile or reads_volatile(shop, child, own):
            shop.problem(
                Code.bad_expression,
                draft.document,
                draft.field_path(field.name, key),
                f"The roll-up `{field.name}` asks for today, now or me (`{one.text}`). It is "
                "stored, so it cannot follow the clock or the reader.",
                "Roll up without it; a view or a list with that condition shows the same records.",
            )


def reads_volatile(shop: Workshop, draft: Draft, paths: Iterable[str]) -> bool:
    """Return whether any of the paths leads to a value that changes without a write."""
    return any(_is_volatile(shop, draft, path) for path in paths)


def _is_volatile(shop: Workshop, draft: Draft, path: str) -> bool:
    words = path.split(".")
    words = words[1:] if words[0] == "record" else words
    if not words or words[0] not in draft.fields:
        return False
    shop.type_of(draft, words[0])
    field = draft.fields[words[0]]
    if field.is_volatile:
        return True
    if len(words) == 1:
        return False
    if any(part.volatile for part in field.type.parts(field) if part.name == words[1]):
        return True
    targets = [one for one in field.type.targets(field) if one in shop.drafts]
    return any(_is_volatile(shop, shop.drafts[one], ".".join(words[1:])) for one in targets)


def _rollup_source(shop: Workshop, draft: Draft, field: Field) -> tuple[Draft, str] | None:
    """Return the entity asked and its link that leads here."""
    written = str(field.settings.get("of") or "")
    path = draft.field_path(field.name, "of")
    entity, _, link = written.rpartition(".") if "." in written else (written, "", "")
    child = shop.drafts.get(entity)
    if child is None:
        message = f"`{entity}` is not an entity."
        shop.unknown_entity(draft.document, path, entity, message)
        return None
    links = links_to(child, draft.name)
    if link not in links:
        named = f"`{entity}.{link}` is no link to `{draft.name}`."
        message = named if link else f"`of` is `{written}`; it must be an entity and its link."
        shop.unknown(Code.not_a_link, draft.document, path, link, links, message)
        return None
    shop.type_of(child, link)
    return child, link


def links_to(child: Draft, entity: str) -> list[str]:
    """Return the fields of *child* that lead to an entity, in order."""
    return [
        name
        for name, field in child.fields.items()
        if not field.built_in and not field.removed and entity in field.type.targets(field)
    ]


def _rollup_function(shop: Workshop, draft: Draft, field: Field) -> str | None:
    given = [name for name in FUNCTIONS if field.settings.get(name) not in (None, False)]
    if len(given) == 1:
        return given[0]
    what = "nothing" if not given else " and ".join(f"`{name}`" for name in given)
    shop.problem(
        Code.conflicting_keys if given else Code.missing_key,
        draft.document,
        draft.field_path(field.name),
        f"The roll-up `{field.name}` says {what} to work out; it must say one thing.",
        "Write `count: yes`, or one of `sum`, `avg`, `lowest`, `highest`, `latest`, `earliest`, "
        "`list` with a field.",
        key=True,
    )
    return None


def _rollup_type(shop: Workshop, draft: Draft, field: Field, rollup: Rollup) -> Type:
    if rollup.value is None:
        return replace(NUMBER, filled=True)
    type_ = bare(rollup.value.type)
    path = draft.field_path(field.name, rollup.function)
    text = rollup.value.text
    if rollup.function in _CALCULATE and not type_.is_number and type_.kind is not Kind.any:
        message = f"`{rollup.function}` adds up numbers; `{text}` is {type_}."
        shop.problem(Code.wrong_field_type, draft.document, path, message)
    if rollup.function in _ENDS and rollup.by is None and type_.kind not in (*DAYS, Kind.any):
        message = f"The roll-up takes the {rollup.function} `{text}`, which is {type_}, no date."
        hint = "Say by which date: `by: …`."
        shop.problem(Code.missing_key, draft.document, path, message, hint)
    if rollup.by is not None and rollup.function not in _ENDS:
        message = f"`by` belongs to `latest` and `earliest`, not to `{rollup.function}`."
        place = draft.field_path(field.name, "by")
        shop.problem(Code.conflicting_keys, draft.document, place, message, key=True)
    if rollup.function == "list":
        return type_ if type_.kind is Kind.many else many(type_)
    return type_


def _through(shop: Workshop, draft: Draft, field: Field) -> Type:
    text = field.settings.get("from")
    path = draft.field_path(field.name, "from")
    if not isinstance(text, str) or "." not in text:
        message = f"`from` is `{text}`; it must be a link and a field behind it."
        hint = "For example `from: customer.phones`."
        shop.problem(Code.not_a_link, draft.document, path, message, hint)
        return ANY
    checked = shop.expression(draft.document, path, text, shop.scope(draft), "`from`")
    if checked is None:
        return ANY
    settle(field, expression=checked, options=_options_of(shop, draft, checked))
    return checked.type
