"""The page of an import's columns: where each goes, how it is read, what cannot be read.

Here it is only shown; ``import_choices`` takes what somebody chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from app.definitions.imports import LEFT_OUT
from app.errors import TrellisError, text_in
from app.screens.visit import Visit
from app.transfer.cell_texts import plain
from app.transfer.import_run import Run
from app.transfer.matching import Match
from app.transfer.permitted import may_bring
from app.transfer.plans import Plan, column_of, link_between, made_of, target_of
from app.transfer.survey import ColumnSurvey, Survey

#: Rows that are read while somebody looks at the columns.
LOOKED_AT = 1_000
MANY_COLUMNS = 200
_VALUES = 12
_PEOPLE = 300
#: Steps a person may choose, in the order in which they are done.
STEPS = ("trim", "collapse", "half_width", "blank", "upper", "lower", "title", "digits", "phone",
         "money")  # fmt: skip
ORDERS = ("day_first", "month_first")
#: Types whose values may be told to be another one.
_MAPPED = ("choice", "stage", "user")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be chosen."""

    path: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value that cannot be read as it stands, and what it may become."""

    value: str
    count: int
    why: str
    choices: Sequence[Choice]
    is_settled: bool = False


@dataclass(slots=True)
class ColumnRow:
    """One column of the file."""

    number: int
    heading: str
    example: str
    choices: Sequence[Choice]
    is_left_out: bool
    why: str
    kind: str = ""
    values: Sequence[ValueRow] = ()
    more: int = 0
    #: days and months: "", "day_first", "month_first"; None where dates need no order
    order: str | None = None
    asks_order: bool = False
    can_make: str = ""
    makes: bool = False
    steps: Sequence[Choice] = ()
    way: Mapping[str, Any] = field(default_factory=dict)
    others: Sequence[Choice] = ()


def columns_page(visit: Visit, run: Run, error: str = "", plan: Plan | None = None) -> Response:
    """Show where the columns go; *plan* is one that was refused."""
    from app.screens.imports import common, import_page

    imports = visit.core.imports
    chosen = plan or run.plan
    look = imports.look(visit.principal, run)
    try:
        found: Survey | None = imports.survey(visit.principal, run, chosen, LOOKED_AT)
    except TrellisError as refused:
        found, error = None, error or first_sentence(visit, refused)
    orders = imports.uploads.orders(imports.uploads.path(run.sha256), run.plan)
    targets = _targets(visit, run.entity)
    rows = []
    for place, heading in enumerate(look.columns[:MANY_COLUMNS]):
        examples = [plain(row.values[place]) for row in look.samples]
        shown = ", ".join(dict.fromkeys(str(one) for one in examples if one is not None))
        surveyed = found.columns.get(heading) if found is not None else None
        row = _row(visit, chosen, place, heading, targets)
        row.example = shown[:60] + "…" if len(shown) > 60 else shown
        _judge(visit, chosen, row, surveyed, look.matches[place], orders.get(heading))
        row.others = [Choice(one, one, one in row.way.get("join", ())) for one in look.columns
                      if one != heading][:MANY_COLUMNS]  # fmt: skip
        rows.append(row)
    view = common(visit, run) | {
        "rows": rows,
        "hidden": max(0, len(look.columns) - MANY_COLUMNS),
        "told": _told(visit, run, chosen, targets),
        "plan": chosen,
        "error": error,
        "ways": imports.uploads.ways(run.sha256, run.plan.shape),
        "preview": _preview(chosen, found, targets),
        "always": _always(visit, run, chosen),
        "rules": [
            Choice("off", visit.wording.say("No rule fires"), chosen.rules == "off"),
            Choice(
                "silent",
                visit.wording.say("Rules set fields and make records, but send nothing"),
                chosen.rules == "silent",
            ),
            Choice("run", visit.wording.say("Rules fire as for a form"), chosen.rules == "run"),
        ],
    }
    is_part = "HX-Request" in request.headers
    template = "import_columns_part.html" if is_part else "import_columns.html"
    return visit.render(template, page=import_page(visit, run), view=view)


def first_sentence(visit: Visit, error: TrellisError) -> str:
    for heading, many in error.fields.items():
        return f"{heading}: {text_in(many[0], visit.language)}"
    return text_in(error.message, visit.language)


def _row(
    visit: Visit, plan: Plan, place: int, heading: str, targets: Sequence[tuple[str, str]]
) -> ColumnRow:
    path = plan.columns.get(heading, "")
    path = "" if path == LEFT_OUT else path
    choices = [Choice(target, label, target == path) for target, label in targets]
    row = ColumnRow(place, heading, "", choices, not path, "")
    known = {target for target, _ in targets}
    column = column_of(visit.catalog, plan, heading) if path in known or not path else None
    if column is None:
        return row
    row.way = {
        "default": raw_of(column.default), "split": column.split or "", "take": column.take,
        "join": column.join, "between": column.between, "skip_if": ", ".join(column.skip_if),
    }  # fmt: skip
    words = _step_words(visit)
    row.steps = [Choice(step, words[step], step in column.clean) for step in STEPS]
    if path:
        _, goes_to, part = target_of(visit.catalog, plan.entity, path)
        if goes_to.type.name in ("date", "datetime") and not part:
            row.order = next((one for one in ORDERS if one in column.clean), "")
        parent = None if part else made_of(visit.catalog, plan, path)
        if parent is not None and visit.policy.may("create", parent.name):
            row.can_make, row.makes = visit.words(parent.label), column.create
    return row


def raw_of(given: Any) -> str:
    return str(given.raw) if given is not None and given.raw is not None else ""


def _step_words(visit: Visit) -> dict[str, str]:
    say = visit.wording.say
    return {
        "trim": say("Blanks at both ends go"),
        "collapse": say("Several blanks become one"),
        "half_width": say("Full-width signs become ordinary ones"),
        "blank": say("“–”, “n/a” and “none” count as empty"),
        "upper": say("All in capitals"),
        "lower": say("All in small letters"),
        "title": say("Each Word Begins Large"),
        "digits": say("Digits only"),
        "phone": say("Only what can be dialled"),
        "money": say("Amounts without currency; 万 multiplied out"),
    }


def _judge(
    visit: Visit,
    plan: Plan,
    row: ColumnRow,
    found: ColumnSurvey | None,
    match: Match,
    order: str | None,
) -> None:
    """Say how it is known where a column goes, or what is wrong with it."""
    say = visit.wording.say
    path = plan.columns.get(row.heading, "")
    row.why, row.kind = _why(visit, match, "" if path == LEFT_OUT else path)
    if row.order is not None and order is None and row.order == "":
        row.order = None
    if found is None:
        return
    row.values, row.more = _values(visit, plan, row, found)
    if found.made:
        row.why, row.kind = (
            say("%(count)s new: %(names)s", count=len(found.made),
                names=", ".join(sorted(found.made)[:3])), "ok",
        )  # fmt: skip
    if found.bad:
        unread = next(iter(found.unread.values()))
        row.kind = "warn" if found.bad < found.filled else "bad"
        row.why = (
            f"“{unread.value[:30]}”: {text_in(unread.sentence, visit.language)}"
            if len(found.unread) == 1 and not any(one.choices for one in row.values)
            else say("%(bad)s of %(all)s cannot be read", bad=found.bad, all=found.filled)
        )
    if order in ("either", "mixed") and row.order == "":
        row.asks_order, row.kind = True, "bad"
        row.why = (
            say("Which comes first, the day or the month?")
            if order == "either"
            else say("Some dates have the day first, others the month. Choose, or mend them.")
        )


def _why(visit: Visit, match: Match, path: str) -> tuple[str, str]:
    say = visit.wording.say
    if not path:
        return say("left out"), ""
    if match.path != path:
        return say("chosen"), "ok"
    return {
        "remembered": say("learnt from your last import"),
        "name": say("same name"),
        "label": say("same label"),
        "former": say("a usual name of it"),
        "alike": say("a similar label"),
        "content": say("by what is in it"),
    }.get(match.by, say("chosen")), "ok"


def _values(
    visit: Visit, plan: Plan, row: ColumnRow, found: ColumnSurvey
) -> tuple[list[ValueRow], int]:
    """Return the values that cannot be read with what they may become, those settled as well."""
    path = plan.columns.get(row.heading, "")
    _, goes_to, part = target_of(visit.catalog, plan.entity, path)
    can_be = [] if part else _may_become(visit, goes_to)
    settled = plan.ways.get(row.heading, {}).get("map") or {}
    names = dict(can_be)
    rows = [
        ValueRow(str(value), 0, "", [Choice(name, label, name == becomes)
                                     for name, label in can_be], True)
        for value, becomes in settled.items()
        if can_be and str(becomes) in names
    ]  # fmt: skip
    for one in list(found.unread.values())[:_VALUES]:
        if can_be and one.value not in settled:
            why = text_in(one.sentence, visit.language)
            choices = [Choice(name, label, False) for name, label in can_be]
            rows.append(ValueRow(one.value, one.count, why, choices))
        elif not can_be and len(found.unread) > 1:
            why = text_in(one.sentence, visit.language)
            rows.append(ValueRow(one.value, one.count, why, ()))
    return rows, max(0, len(found.unread) - _VALUES)


def _may_become(visit: Visit, goes_to: Any) -> list[tuple[str, str]]:
    if goes_to.type.name not in _MAPPED:
        return []
    if goes_to.type.name == "user":
        people = visit.core.organisation.snapshot().people.values()
        active = sorted((one for one in people if one.active), key=lambda one: one.name)
        return [(str(one.record.get("login")), one.name) for one in active[:_PEOPLE]]
    return [
        (option.name, option.label.in_language(visit.language) or option.name)
        for option in goes_to.options
        if not option.removed
    ]


def _told(visit: Visit, run: Run, plan: Plan, targets: Sequence[tuple[str, str]]) -> list[Choice]:
    keys = {path for key in plan.match for path in key}
    return [
        Choice(path, label, path in keys)
        for path, label in targets
        if path in plan.columns.values() and _tells(visit, run.entity, path)
    ]


def _tells(visit: Visit, entity: str, path: str) -> bool:
    """Return whether a field is fit to tell a record by: it is nobody else's, or looked for."""
    name = path.partition(".")[0]
    found = visit.catalog.entities[entity].fields.get(name)
    return found is not None and found.type.name in (
        "text", "serial", "email", "phone", "phones", "emails", "url", "integer",
    )  # fmt: skip


def _preview(
    plan: Plan, found: Survey | None, targets: Sequence[tuple[str, str]]
) -> dict[str, Any] | None:
    if found is None or not found.rows:
        return None
    labels = dict(targets)
    heads = [labels.get(plan.columns.get(one, ""), one) for one in found.headings]
    return {"heads": heads, "rows": found.rows, "passed": found.passed}


def _always(visit: Visit, run: Run, plan: Plan) -> list[dict[str, Any]]:
    """Return what may be given to every row: options and tags that no column brings."""
    taken = {path.partition(".")[0] for path in plan.columns.values()}
    entity = visit.catalog.entities[run.entity]
    found = []
    for one in entity.fields.values():
        if (one.built_in and one.name != "tags") or one.removed or one.is_worked_out:
            continue
        if one.name in taken or not one.type.writable or one.default is not None:
            continue
        if one.type.name not in ("choice", "tags") or not may_bring(
            visit.policy, run.entity, one.name
        ):
            continue
        value = plan.always.get(one.name, "")
        options = [
            Choice(option.name, option.label.in_language(visit.language) or option.name,
                   option.name == value)
            for option in one.options if not option.removed
        ] if one.type.name == "choice" else []  # fmt: skip
        found.append({"name": one.name, "label": visit.words(one.label), "options": options,
                      "value": value})  # fmt: skip
    return found[:5]


def _targets(visit: Visit, name: str) -> list[tuple[str, str]]:
    """Return where columns may go: fields the person may write, and second records."""
    found = []
    for entity in visit.catalog.entities.values():
        is_own = entity.name == name
        if not is_own and (
            entity.lines_of or link_between(visit.catalog, entity.name, name) is None
        ):
            continue
        if not is_own and not visit.policy.may("create", entity.name):
            continue
        before = "" if is_own else f"{visit.words(entity.label)}: "
        for one in entity.fields.values():
            usual = ("owner", "tags", "created_at", "created_by") if is_own else ("owner", "tags")
            if (one.built_in and one.name not in usual) or one.removed or one.is_worked_out:
                continue
            if one.type.name == "lines" or not one.type.writable:
                continue
            if not may_bring(visit.policy, entity.name, one.name):
                continue
            path = one.name if is_own else f"{entity.name}.{one.name}"
            star = " *" if one.required is True and not one.built_in else ""
            found.append((path, f"{before}{visit.words(one.label)}{star}"))
            if is_own and one.type.name == "address":
                found += [
                    (f"{path}.{part.name}", f"{visit.words(one.label)}: {visit.words(part.label)}")
                    for part in one.type.parts(one)
                ]
    return found
