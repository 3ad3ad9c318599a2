"""What the dry run of an import shows of its rows: before and after, and what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.catalog import Entity
from app.screens.navigation import in_sentence
from app.screens.timeline import Change, show_json, titles_for
from app.screens.visit import Visit
from app.transfer.import_run import Run
from app.transfer.tallies import Tally


def samples_of(visit: Visit, run: Run, tally: Tally) -> list[dict[str, Any]]:
    """Return some rows of each kind, with each field before and after."""
    say, entity = visit.wording.say, visit.catalog.entities[run.entity]
    words = (
        ("created", say("New"), say("What it will hold")),
        ("updated", changed_word(visit, run), say("Before and after")),
        ("unchanged", say("Already so"), ""), ("skipped", say("Passed over"), ""),
    )  # fmt: skip
    titles = _titles(visit, entity, tally)
    found = []
    for outcome, label, changes in words:
        rows = [
            {
                "row": one["row"],
                "title": one["title"],
                "href": f"/crm/{run.entity}/{one['id']}" if one.get("id") and outcome != "created"
                else "",
                "changes": _changes(visit, entity, one.get("changes", {}), titles),
            }
            for one in tally.samples.get(outcome, ())
        ]  # fmt: skip
        if rows:
            count = tally.counts[outcome]
            heading = changes if any(one["changes"] for one in rows) else ""
            found.append({"label": label, "count": count, "rows": rows,
                          "more": count - len(rows), "changes": heading})  # fmt: skip
    return found


def changed_word(visit: Visit, run: Run) -> str:
    """Return how records that get values are called: merged, where only empty fields are filled."""
    say = visit.wording.say
    return say("Merged: empty fields filled") if run.plan.mode == "fill" else say("Changed")


def alike_of(visit: Visit, run: Run, tally: Tally) -> dict[str, Any]:
    """Return the rows that look like a record that is there, or like another row."""
    say, entity = visit.wording.say, visit.catalog.entities[run.entity]
    joint, rows = "、" if visit.language == "zh" else ", ", []
    for one in tally.samples.get("alike", ()):
        like: dict[tuple[str, str], list[str]] = {}
        for each in one["like"]:
            field = entity.fields[each["field"]].label.in_language(visit.language)
            name = in_sentence(field, visit.language)
            why = (
                say("the same %(field)s", field=name)
                if each["same"]
                else say("a similar %(field)s", field=name)
            )
            of = (
                (each["title"], f"/crm/{each['entity']}/{each['id']}")
                if each["row"] is None
                else (say("row %(row)s", row=each["row"]), "")
            )
            like.setdefault(of, []).append(why)
        rows.append(
            {
                "row": one["row"],
                "title": one["title"],
                "like": [(*of, joint.join(why)) for of, why in like.items()],
            }
        )
    return {
        "count": tally.alike,
        "rows": rows,
        "more": tally.alike - len(rows),
        "is_compared": tally.is_compared,
    }


def _titles(visit: Visit, entity: Entity, tally: Tally) -> Mapping[tuple[str, int], str | None]:
    values = [
        (name, value)
        for outcome in ("created", "updated")
        for one in tally.samples.get(outcome, ())
        for name, change in one.get("changes", {}).items()
        for value in change.values()
    ]
    return titles_for(visit, entity, values)


def _changes(
    visit: Visit,
    entity: Entity,
    changes: Mapping[str, Mapping[str, Any]],
    titles: Mapping[tuple[str, int], str | None],
) -> list[Change]:
    found = []
    for name, one in changes.items():
        field = entity.fields[name]
        before, after = (
            show_json(visit, entity, field, one[key], titles)
            if one[key] not in (None, [], "")
            else ""
            for key in ("before", "after")
        )
        if before or after:
            label = field.label.in_language(visit.language)
            found.append(Change(label, before or None, after or "–"))
    return found
