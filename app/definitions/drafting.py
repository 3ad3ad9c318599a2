"""Make drafts: every field with its type, settings and options, before any expression is read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.definitions.built_in import built_in_fields, row_fields
from app.definitions.catalog import Field, Option, OptionList, Place
from app.definitions.complaints import code_of
from app.definitions.document import Document
from app.definitions.lifecycles import WrittenLifecycle, stage_options
from app.definitions.names import label_from_name
from app.definitions.options import WrittenOptions, read_csv_options
from app.definitions.problems import Code, Problem, Severity
from app.definitions.workshop import Draft, Path, Workshop, settle

#: Of a lines field: parts of the entity its rows are, not settings of the field.
_OF_ROWS = ("fields", "checks", "unique")
_COMMON = (
    "label", "help", "placeholder", "search", "index",
    "unique", "personal", "mask", "was", "removed",
)  # fmt: skip


def draft_entity(
    shop: Workshop,
    document: Document,
    values: Mapping[str, Any],
    *,
    built_in: bool,
    lifecycles: Mapping[tuple[str, str], list[WrittenLifecycle]],
) -> None:
    """Put the draft of an entity, and of the lines in it, into the workshop."""
    name = values["entity"]
    draft = Draft(
        name=name,
        document=document,
        path=(),
        values=values,
        label=values.get("label") or label_from_name(name),
        owned=values.get("owned", True) and not built_in,
        built_in=built_in,
        written=values.get("fields", {}),
    )
    shop.drafts[name] = draft
    kind = (draft.owned, name in shop.approved)
    if kind not in shop.built_in:
        shop.built_in[kind] = built_in_fields(shop.field_types, owned=kind[0], approved=kind[1])
    draft.fields.update(shop.built_in[kind])
    for field_name, written in draft.written.items():
        draft.fields[field_name] = _draft_field(shop, draft, field_name, written, lifecycles)
        if written["type"] == "lines":
            _draft_lines(shop, draft, field_name, written, lifecycles)


def _draft_lines(
    shop: Workshop,
    around: Draft,
    name: str,
    written: Mapping[str, Any],
    lifecycles: Mapping[tuple[str, str], list[WrittenLifecycle]],
) -> None:
    draft = Draft(
        name=f"{around.name}.{name}",
        document=around.document,
        path=around.field_path(name),
        values=written,
        label=around.fields[name].label,
        owned=False,
        lines_of=(around.name, name),
        written=written.get("fields", {}),
    )
    shop.drafts[draft.name] = draft
    draft.fields.update(row_fields(shop.field_types))
    for field_name, inner in draft.written.items():
        if inner["type"] in ("lines", "rollup", "stage"):
            shop.problem(
                Code.wrong_field_type,
                draft.document,
                draft.field_path(field_name, "type"),
                f"A row of lines cannot have a field of type `{inner['type']}`.",
                "Give it an entity of its own that links here.",
            )
            continue
        draft.fields[field_name] = _draft_field(shop, draft, field_name, inner, lifecycles)


def _draft_field(
    shop: Workshop,
    draft: Draft,
    name: str,
    written: Mapping[str, Any],
    lifecycles: Mapping[tuple[str, str], list[WrittenLifecycle]],
) -> Field:
    type_name = written["type"]
    own = shop.schemas.own(type_name)
    settings = dict(shop.schemas.defaults(type_name))
    settings.update((key, value) for key, value in written.items() if key in own)
    options: tuple[Option, ...] = ()
    if type_name == "stage":
        options = _stages(shop, draft, name, lifecycles)
    elif "options" in own:
        options = _options(shop, draft, name, settings)
    field_type = shop.field_types[type_name]
    for setting, said in field_type.problems(settings):
        shop.problem(code_of(said), draft.document, draft.field_path(name, setting), str(said))
    if type_name == "lines":
        for key in _OF_ROWS:
            settings.pop(key, None)
        settings["entity"] = f"{draft.name}.{name}"
    common = {key: written[key] for key in _COMMON if key in written and key not in own}
    return Field(
        name=name,
        label=common.pop("label", None) or label_from_name(name),
        type=field_type,
        settings=settings,
        required=written.get("required") is True,
        readonly=written.get("readonly") is True,
        options=options,
        place=draft.document.place(draft.field_path(name), key=True),
        **common,
    )


def _stages(
    shop: Workshop,
    draft: Draft,
    name: str,
    lifecycles: Mapping[tuple[str, str], list[WrittenLifecycle]],
) -> tuple[Option, ...]:
    found = lifecycles.get((draft.name, name), [])
    if not found:
        shop.problem(
            Code.missing_key,
            draft.document,
            draft.field_path(name),
            f"The stage field `{draft.name}.{name}` has no lifecycle, so it has no stages.",
            f"Write one in workflows/: `lifecycle: {draft.name}-stages`, `entity: {draft.name}`, "
            f"`field: {name}`, `stages: …`.",
            key=True,
        )
    return stage_options(found)


def _options(
    shop: Workshop, draft: Draft, name: str, settings: dict[str, Any]
) -> tuple[Option, ...]:
    """Resolve `options:`; the setting becomes the name of a list of the catalog."""
    written = settings.get("options")
    if not isinstance(written, WrittenOptions):
        return ()
    path = draft.field_path(name, "options")
    if written.name:
        settings["options"] = written.name
        if written.name not in shop.options:
            legal = [one for one in shop.options if "." not in one]
            shop.unknown(
                Code.unknown_options,
                draft.document,
                path,
                written.name,
                legal,
                f"`{written.name}` is no list of options.yaml.",
            )
            shop.mark_broken(draft.name, name)
            return ()
        return shop.options[written.name].options
    list_name = f"{draft.name}.{name}"
    settings["options"] = list_name
    options = options_of(shop, draft.document, path, written)
    shop.options[list_name] = OptionList(list_name, options)
    _note_offers(shop, list_name, draft.document, path, written)
    return options


def _note_offers(
    shop: Workshop, list_name: str, document: Document, path: Path, written: WrittenOptions
) -> None:
    """Keep the conditions of options; which record they ask is known per field only."""
    offers = {
        one.option.name: (document, (*path, *one.path, "offer"), one.offer)
        for one in written.options
        if one.offer is not None
    }
    if offers:
        shop.offers[list_name] = offers


def options_of(
    shop: Workshop, document: Document, path: Path, written: WrittenOptions
) -> tuple[Option, ...]:
    """Return the options that stand here or in the CSV file named here."""
    if written.csv_file:
        return _from_csv(shop, document, path, written.csv_file)
    options = tuple(one.option for one in written.options)
    names = {option.name for option in options}
    for one in written.options:
        becomes = one.option.becomes
        if becomes is not None and becomes not in names:
            shop.unknown(
                Code.unknown_option,
                document,
                (*path, *one.path, "becomes"),
                becomes,
                names,
                f"`{becomes}` is no option of this list.",
            )
    return options


def _from_csv(shop: Workshop, document: Document, path: Path, file: str) -> tuple[Option, ...]:
    text = shop.files.get(file)
    if text is None:
        known = [name for name in shop.files if name.endswith(".csv")]
        shop.unknown(
            Code.unreadable_file,
            document,
            (*path, "from"),
            file,
            known,
            f"There is no file `{file}` in the configuration.",
        )
        return ()
    options, problems = read_csv_options(text)
    for line, sentence in problems:
        shop.problems.append(
            Problem(Code.bad_value, Severity.error, Place(file, line, 1), sentence, end_column=2)
        )
    return options


def trees_of(shop: Workshop) -> dict[str, str]:
    """Return, by entity, the link that makes its records a tree."""
    return {name: tree for name in shop.drafts if (tree := tree_field(shop, name))}


def name_trees(shop: Workshop, units: Container[str] | None = None) -> None:
    """Tell every link by which of its target's fields the target is a tree."""
    trees = trees_of(shop)
    for draft in shop.drafts.values():
        if units is not None and draft.name.partition(".")[0] not in units:
            continue
        for field in draft.fields.values():
            targets = field.type.targets(field)
            tree = trees.get(targets[0]) if len(targets) == 1 else None
            if tree is not None and field.settings.get("target_tree") != tree:
                field.settings["target_tree"] = tree  # type: ignore[index]


def tree_field(shop: Workshop, entity: str) -> str:
    """Return the link of an entity to the record above in its tree, or an empty text."""
    for name, field in shop.drafts[entity].fields.items():
        if field.settings.get("tree") is True and not field.removed:
            return name
    return ""


def shared_options(
    shop: Workshop, document: Document, written: Mapping[str, WrittenOptions]
) -> None:
    """Put the lists of options.yaml into the workshop."""
    for name, one in written.items():
        path = ("options", name)
        if one.name:
            shop.problem(
                Code.wrong_shape,
                document,
                path,
                f"The list `{name}` is `{one.name}`; it must be options.",
                "Write `[a, b]`, or `{a: A, b: B}`.",
            )
            continue
        shop.options[name] = OptionList(name, options_of(shop, document, path, one))
        _note_offers(shop, name, document, path, one)


def bind_offers(shop: Workshop, drafts: Iterable[Draft]) -> None:
    """Check the conditions of options against every record that has the choice."""
    if not shop.offers:
        return
    for draft in drafts:
        for name, field in draft.fields.items():
            offers = shop.offers.get(str(field.settings.get("options")))
            if not offers or field.built_in:
                continue
            checked = {
                option: shop.condition(
                    document,
                    path,
                    text,
                    shop.scope(draft),
                    f"For `{draft.name}.{name}` the condition",
                )
                for option, (document, path, text) in offers.items()
            }
            options = tuple(
                replace(one, offer=checked[one.name]) if one.name in checked else one
                for one in field.options
            )
            settle(field, options=options)
