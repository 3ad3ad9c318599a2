"""`set` and `anonymise`: fields of the record at hand, or of one it links to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import DONE, Action, Outcome, skipped
from app.definitions.automation import Fields, Given, SetFields
from app.definitions.catalog import Entity
from app.records.anonymising import anonymise
from app.records.checking import targets_of
from app.records.personal_acts import note_act
from app.texts import say

if TYPE_CHECKING:
    from app.automation.running import Running


class SetAction(Action):
    """Changes fields; on events what concerns the record itself is part of the write already."""

    name: ClassVar[str] = "set"

    def run(self, running: Running, settings: SetFields) -> Outcome:
        """Change the record, then those it links to."""
        assert running.entity is not None
        assert running.row is not None
        groups: dict[str, dict[str, Given]] = {}
        for path, given in settings.values.items():
            link, _, name = path.rpartition(".")
            groups.setdefault(link, {})[name] = given
        missed, is_binned = [], False
        for link, values in groups.items():
            target = _target(running, link)
            if target is None:
                missed.append(link)
                continue
            entity, record_id = target
            if not link and running.row.get("deleted_at") is not None:
                # Of an event it was part of the deletion itself; later nothing changes it there.
                is_binned = True
                continue
            changes = {
                name: running.value(given, entity.fields[name]) for name, given in values.items()
            }
            running.acting.update(entity.name, record_id, changes)
        if is_binned and len(groups) == 1:
            return skipped("The record is in the bin.", "该记录在回收站中。")
        if missed:
            note = say(
                "Nothing is linked in {links}.", "{links} 未关联记录。", links=", ".join(missed)
            )
            return Outcome("skipped" if len(missed) == len(groups) else "done", note)
        return DONE


def _target(running: Running, path: str) -> tuple[Entity, int] | None:
    """Return the record that a path of links leads to; the record itself for no path."""
    entity, row = running.entity, running.row
    assert entity is not None
    assert row is not None
    for name in path.split(".") if path else ():
        field = entity.fields.get(name)
        found = targets_of(field, field.type.from_columns(field, row)) if field else []
        if not found:
            return None
        entity = running.work.release.catalog.entities[found[0][0]]
        linked = running.context.linked.row(*found[0])
        if linked is None:
            return None
        row = linked
    return entity, int(row["id"])


class Anonymise(Action):
    """Takes the values of fields away, wherever they were written down."""

    name: ClassVar[str] = "anonymise"

    def run(self, running: Running, settings: Fields) -> Outcome:
        """Empty the fields; a text that is needed says that it is gone."""
        assert running.entity is not None
        assert running.firing.record_id is not None
        record_id, entity = running.firing.record_id, running.entity
        # Files that no field holds are the record's, not the person's: a rule names what goes.
        found = anonymise(running.work, entity, [record_id], settings.names, has_files=False)
        note_act(
            running.work,
            "anonymised",
            running.rule.name,
            {entity.name: [record_id]},
            fields={entity.name: settings.names},
            counts=found.as_json(),
        )
        return DONE
