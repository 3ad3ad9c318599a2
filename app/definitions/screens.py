"""Lists, views, the board and the form of an entity; what is unsaid gets a sensible default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.binding import require_field
from app.definitions.catalog import Bench, Screens, Section, View
from app.definitions.names import label_from_name
from app.definitions.problems import Code, Severity
from app.definitions.worked_out import links_to
from app.definitions.workshop import Draft, Path, Workshop
from app.expressions.tree import Checked, Constant
from app.expressions.types import BOOLEAN

#: Types that fill a cell with more than a list has room for.
_LONG = ("longtext", "markdown", "lines", "files", "images", "file", "image", "signature", "geo")
#: Types whose few values make good filters.
_FILTERS = (
    "choice",
    "choices",
    "stage",
    "boolean",
    "user",
    "link",
    "department",
    "date",
    "datetime",
)
_BOARDS = ("choice", "stage")
_TIMES = ("date", "datetime")


#: Stands for a view's condition while that is being checked.
_UNDER_WAY = Checked("", Constant(type=BOOLEAN, value=True))


def compile_screens(shop: Workshop, draft: Draft, title: str | None) -> Screens:
    """Return the screens of an entity."""
    written: Mapping[str, Any] = draft.values.get("screens", {})
    listed = written.get("list", {})
    path = ("screens", "list")
    for key in ("columns", "filters"):
        _require(shop, draft, (*path, key), listed.get(key, ()))
    sort = _sort(shop, draft, (*path, "sort"), listed.get("sort"))
    views = {name: _view(shop, draft, name, one) for name, one in written.get("views", {}).items()}
    return Screens(
        columns=tuple(listed.get("columns", ())) or _default_columns(draft, title),
        sort=sort or _default_sort(draft),
        filters=tuple(listed.get("filters", ())) or _default_filters(draft),
        views=views,
        form=_form(shop, draft, written.get("form")),
        related=_related(shop, draft, written.get("related")),
        board=_board(shop, draft, written.get("board")),
        calendar=_calendar(shop, draft, written.get("calendar")),
        tree=_tree(shop, draft, written.get("tree")),
    )


def find_title(shop: Workshop, draft: Draft) -> str | None:
    """Return the field that names a record: the one written, else `name`, `title` or a text."""
    written = draft.values.get("title")
    if written is not None:
        return written if require_field(shop, draft, ("title",), written) else None
    own = [field for name, field in draft.fields.items() if name in draft.written]
    for name in ("name", "title"):
        if name in draft.written:
            return name
    texts = [field.name for field in own if field.type.name == "text" and not field.removed]
    if texts:
        return texts[0]
    if draft.lines_of is None and not draft.values.get("single"):
        close = [field.name for field in own if field.type.name in ("serial", "formula")]
        shop.problem(
            Code.no_title,
            draft.document,
            ("entity",),
            f"Records of `{draft.name}` will be shown by number.",
            f"Add `title:`, for example `title: {close[0]}`."
            if close
            else "Add `title:` and a field for it.",
            severity=Severity.warning,
        )
    return None


def view_condition(shop: Workshop, draft: Draft, name: str) -> Checked | None:
    """Return a view's condition, checked once."""
    written = draft.values.get("screens", {}).get("views", {}).get(name)
    if written is None:
        return None
    if name in draft.views and draft.views[name].where is _UNDER_WAY:
        shop.problem(
            Code.cycle, draft.document, ("screens", "views", name, "where"),
            f"The view `{name}` is defined by itself, perhaps through other views.",
            "Write its condition without `in_view`.",
        )  # fmt: skip
    if name not in draft.views:
        draft.views[name] = View(name, label_from_name(name), _UNDER_WAY)
        where = None
        if "where" in written:
            path = ("screens", "views", name, "where")
            where = shop.condition(
                draft.document, path, written["where"], shop.scope(draft), "The condition"
            )
        draft.views[name] = View(name, written.get("label") or label_from_name(name), where)
    return draft.views[name].where


def _view(shop: Workshop, draft: Draft, name: str, written: Mapping[str, Any]) -> View:
    path = ("screens", "views", name)
    where = view_condition(shop, draft, name)
    _require(shop, draft, (*path, "columns"), written.get("columns", ()))
    sort = _sort(shop, draft, (*path, "sort"), written.get("sort"))
    for index, role in enumerate(written.get("for", ())):
        if role not in shop.roles:
            message = f"`{role}` is not a role."
            shop.unknown(
                Code.unknown_role, draft.document, (*path, "for", index), role, shop.roles, message
            )
    return View(
        name=name,
        label=written.get("label") or label_from_name(name),
        where=where,
        columns=tuple(written.get("columns", ())),
        sort=sort,
        for_=tuple(written.get("for", ())),
        bench=_bench(shop, draft, (*path, "bench"), written.get("bench")),
    )


def _bench(
    shop: Workshop, draft: Draft, path: Path, written: Mapping[str, Any] | None
) -> Bench | None:
    if written is None:
        return None
    _of_type(shop, draft, (*path, "of"), written["of"], ("user",), "one person")
    later = written.get("later")
    if later is not None:
        _of_type(shop, draft, (*path, "later"), later, _TIMES, "a date or a date with time")
    done = written.get("done", {})
    for name, value in done.items():
        at = (*path, "done", name)
        if not require_field(shop, draft, at, name, key=True):
            continue
        options = [option.name for option in draft.fields[name].options if not option.removed]
        if options and value not in options:
            message = f"`{value}` is no option of `{name}`."
            shop.unknown(Code.unknown_option, draft.document, at, str(value), options, message)
    log = written.get("log")
    return Bench(
        of=written["of"],
        log=log,
        log_link=_log_link(shop, draft, (*path, "log"), log),
        later=later,
        done=tuple(done.items()),
    )


def _log_link(shop: Workshop, draft: Draft, path: Path, log: str | None) -> str | None:
    """Return the field by which what is logged points at a record."""
    if log is None:
        return None
    child = shop.drafts.get(log)
    if child is None:
        shop.unknown_entity(draft.document, path, log, f"`{log}` is not an entity.")
        return None
    links = links_to(child, draft.name)
    if not links:
        shop.problem(
            Code.not_a_link, draft.document, path,
            f"`{log}` cannot be logged here: none of its fields links to `{draft.name}`.",
            f"Add a field `{{type: link, to: {draft.name}}}` to `{log}`.",
        )  # fmt: skip
        return None
    return links[0]


def _require(shop: Workshop, draft: Draft, path: Path, names: Any) -> None:
    for index, name in enumerate(names):
        require_field(shop, draft, (*path, index), name)


def _sort(
    shop: Workshop, draft: Draft, path: Path, written: tuple[tuple[str, bool], ...] | None
) -> tuple[tuple[str, bool], ...]:
    for index, (name, _) in enumerate(written or ()):
        require_field(shop, draft, (*path, index), name)
    return written or ()


def _default_columns(draft: Draft, title: str | None) -> tuple[str, ...]:
    """Return the title, the first few fields that fit into a list, and the owner."""
    own = [
        name
        for name in draft.written
        if name in draft.fields
        and not draft.fields[name].removed
        and draft.fields[name].type.name not in _LONG
    ]
    columns = dict.fromkeys([title] if title else [])
    columns.update(dict.fromkeys(own[:6]))
    names = list(columns)[:6]
    return tuple(names + (["owner"] if draft.owned else []))


def _default_sort(draft: Draft) -> tuple[tuple[str, bool], ...]:
    """Return that the newest come first; rows keep their place."""
    return (("position", False),) if draft.lines_of else (("created_at", True),)


def _default_filters(draft: Draft) -> tuple[str, ...]:
    own = [
        name for name in draft.written if name in draft.fields and not draft.fields[name].removed
    ]
    found = [name for name in own if draft.fields[name].type.name in _FILTERS][:5]
    return tuple(found + (["owner"] if draft.owned else []))


def _form(shop: Workshop, draft: Draft, written: Any) -> tuple[Section, ...]:
    if not written:
        rows = tuple(
            (name,)
            for name in draft.written
            if name in draft.fields and not draft.fields[name].removed
        )
        return (Section(None, rows),) if rows else ()
    sections = []
    seen: dict[str, int] = {}
    for index, section in enumerate(written):
        path = ("screens", "form", index)
        show = None
        if "show" in section:
            show = shop.condition(
                draft.document, (*path, "show"), section["show"], shop.scope(draft), "The condition"
            )
        for row_index, row in enumerate(section["fields"]):
            for place, name in enumerate(row):
                at = (*path, "fields", row_index, place)
                if "." in name:
                    message = f"`{name}` is a part; a form has whole fields."
                    shop.problem(Code.unknown_field, draft.document, at, message)
                elif require_field(shop, draft, at, name) and name in seen:
                    message = f"`{name}` is in the form already, in section {seen[name] + 1}."
                    hint = "A field stands in a form once."
                    shop.problem(Code.duplicate_name, draft.document, at, message, hint)
                seen.setdefault(name, index)
        sections.append(Section(section.get("section"), section["fields"], show))
    return tuple(sections)


def _related(shop: Workshop, draft: Draft, written: Any) -> tuple[tuple[str, str], ...]:
    if written is None:
        return tuple(shop.links_here(draft.name))
    pairs = []
    for index, dotted in enumerate(written):
        path = ("screens", "related", index)
        entity, _, link = dotted.partition(".")
        child = shop.drafts.get(entity)
        if child is None:
            message = (
                f"`{entity}` is not an entity; write the entity and its link: `contact.customer`."
            )
            shop.unknown_entity(draft.document, path, entity, message)
            continue
        links = links_to(child, draft.name)
        if link not in links:
            message = f"`{dotted}` is no link to `{draft.name}`."
            shop.unknown(Code.not_a_link, draft.document, path, link, links, message)
            continue
        shop.type_of(child, link)
        pairs.append((entity, link))
    return tuple(pairs)


def _board(shop: Workshop, draft: Draft, written: Any) -> dict[str, Any] | None:
    if written is None:
        return None
    path = ("screens", "board")
    _of_type(shop, draft, (*path, "by"), written["by"], _BOARDS, "a choice or stage")
    _require(shop, draft, (*path, "cards"), written.get("cards", ()))
    return {"by": written["by"], "cards": tuple(written.get("cards", ()))}


def _calendar(shop: Workshop, draft: Draft, written: Any) -> dict[str, Any] | None:
    if written is None:
        return None
    path = ("screens", "calendar")
    for key, types, what in (
        ("from", _TIMES, "a date or a date with time"),
        ("to", _TIMES, "a date or a date with time"),
        ("all_day", ("boolean",), "a switch"),
    ):
        if key in written and written[key] != "yes":
            _of_type(shop, draft, (*path, key), written[key], types, what)
    return dict(written)


def _tree(shop: Workshop, draft: Draft, written: Any) -> str | None:
    if written is None:
        return None
    path = ("screens", "tree")
    if require_field(shop, draft, path, written):
        field = draft.fields[written]
        if draft.name not in field.type.targets(field):
            message = f"`{written}` does not link to `{draft.name}` itself, so it makes no tree."
            shop.problem(Code.not_a_link, draft.document, path, message)
    return str(written)


def _of_type(
    shop: Workshop, draft: Draft, path: Path, name: str, types: tuple[str, ...], what: str
) -> None:
    if not require_field(shop, draft, path, name):
        return
    field = draft.fields[name]
    if field.type.name not in types:
        message = f"`{name}` is of type `{field.type.name}`; it must be {what}."
        shop.problem(Code.wrong_field_type, draft.document, path, message)
