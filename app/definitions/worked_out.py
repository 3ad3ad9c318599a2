"""Fields that nobody writes: formulas, roll-ups, values read through a link; and their order.

A formula's type is the type of its expression, so types are worked out on demand and a circle shows
itself. The order in which stored values are brought up to date after a write is found here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import get_args

from app.definitions.built_in import FILLED
from app.definitions.catalog import Field, Rollup, RollupFunction
from app.definitions.problems import Code
from app.definitions.workshop import Draft, Workshop, settle
from app.expressions.tree import Checked
from app.expressions.types import ANY, DAYS, NUMBER, Kind, Type, bare, many, record_type

FUNCTIONS: tuple[str, ...] = get_args(RollupFunction)
#: Functions that calculate, and so want numbers.
_CALCULATE = ("sum", "avg")
_ENDS = ("latest", "earliest")


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
    result = field.settings.get("result")
    type_ = bare(checked.type)
    if isinstance(result, str) and result in Kind.__members__:
        type_ = type_ if type_.kind == result else Type(Kind(result))
    settle(field, expression=checked)
    return type_


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
    settle(field, rollup=rollup)
    return _rollup_type(shop, draft, field, rollup)


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
    entity, _, link = written.partition(".")
    child = shop.drafts.get(entity)
    if child is None or child.lines_of:
        legal = [name for name in shop.drafts if "." not in name]
        message = f"`{entity}` is not an entity."
        shop.unknown(Code.unknown_entity, draft.document, path, entity, legal, message)
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
    settle(field, expression=checked)
    return checked.type


# The order of worked-out fields, and who reads whom.


def order_worked_out(fields: Mapping[str, Field]) -> tuple[str, ...]:
    """Return the stored formulas and roll-ups of a record, each after what it reads of it."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        field = fields.get(name)
        if field is None or name in ordered or not field.is_worked_out:
            return
        if field.expression is not None and field.type.name == "formula":
            for path in sorted(field.expression.names):
                visit(path.split(".")[0])
        if field.type.name != "through":
            ordered[name] = None

    for name in fields:
        visit(name)
    return tuple(
        name for name in ordered if not fields[name].is_volatile and not fields[name].removed
    )


def rollups_of(
    drafts: Mapping[str, Draft],
) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Return, by entity asked, the roll-ups that ask it."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for draft in drafts.values():
        for field in draft.fields.values():
            if field.rollup is not None and not field.removed:
                one = (draft.name, field.name, field.rollup.link)
                found.setdefault(field.rollup.entity, []).append(one)
    return {entity: tuple(listed) for entity, listed in found.items()}


def formulas_through(
    shop: Workshop,
) -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """Return, by entity read, the stored formulas that read it through a link."""
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for draft in shop.drafts.values():
        for field in draft.fields.values():
            if field.type.name != "formula" or field.is_volatile or field.expression is None:
                continue
            for path in sorted(field.expression.names):
                for entity, link, rest in _reads(shop, draft, path):
                    found.setdefault(entity, []).append((draft.name, field.name, link, rest))
    return {entity: tuple(listed) for entity, listed in found.items()}


def _reads(shop: Workshop, draft: Draft, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield the entities a path passes: (entity, way there, path behind it)."""
    words = path.split(".")
    if words[0] == "record":
        words = words[1:]
    here = [draft.name]
    for index, word in enumerate(words[:-1]):
        there: list[str] = []
        for entity in here:
            types = shop.types(entity) if shop.is_entity(entity) else {}
            type_ = types.get(word)
            if type_ is not None and type_.kind is Kind.record:
                there += [one for one in type_.entities if one not in there]
        for entity in there:
            yield entity, ".".join(words[: index + 1]), ".".join(words[index + 1 :])
        here = there


def stored_circles(shop: Workshop) -> None:
    """Report circles that go through other records: by roll-ups, links and lines."""
    edges: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for draft in shop.drafts.values():
        for field in draft.fields.values():
            if field.is_worked_out:
                edges[draft.name, field.name] = list(_field_reads(shop, draft, field))
    done: set[tuple[str, str]] = set()
    for node in edges:
        _walk(shop, node, edges, done, [])


def _walk(
    shop: Workshop,
    node: tuple[str, str],
    edges: Mapping[tuple[str, str], list[tuple[str, str]]],
    done: set[tuple[str, str]],
    way: list[tuple[str, str]],
) -> None:
    if node in done or node not in edges:
        return
    if node in way:
        shop.note_circle(way[way.index(node) :])
        return
    way.append(node)
    for target in edges[node]:
        _walk(shop, target, edges, done, way)
    way.pop()
    done.add(node)


def _field_reads(shop: Workshop, draft: Draft, field: Field) -> Iterator[tuple[str, str]]:
    if field.expression is not None:
        for path in field.expression.names:
            yield from _path_reads(shop, draft.name, path)
        for over, paths in field.expression.asked.items():
            for path in paths:
                yield from _path_reads(shop, f"{draft.name}.{over}", path)
    if field.rollup is not None:
        for one in (field.rollup.value, field.rollup.by, field.rollup.where):
            for path in one.names if one is not None else ():
                own = path.startswith("record.")
                entity = draft.name if own else field.rollup.entity
                yield from _path_reads(shop, entity, path)


def _path_reads(shop: Workshop, entity: str, path: str) -> Iterator[tuple[str, str]]:
    words = path.split(".")
    words = words[1:] if words[0] == "record" else words
    if words:
        yield entity, words[0]
    if shop.is_entity(entity):
        for there, _, rest in _reads(shop, shop.drafts[entity], ".".join(words)):
            yield there, rest.split(".")[0]
