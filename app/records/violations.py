"""What the database refuses, as a sentence beside the field it concerns."""

from __future__ import annotations

from psycopg import errors as pg

from app.database.release import Release
from app.errors import Conflict, InvalidInput, TrellisError
from app.texts import Label, say


def as_input_error(error: pg.IntegrityError, release: Release) -> TrellisError:
    """Return what to tell the person for a violated constraint; never the database's own words."""
    name = error.diag.constraint_name or ""
    meaning = release.tables.constraint_meaning(name, error.diag.table_name or "")
    if meaning is None:
        return Conflict(
            say(
                "A record this one depends on has just changed. Try again.",
                "相关的记录刚刚发生了变化，请重试。",
            )
        )
    entity = release.catalog.entities[meaning.entity]
    labels = [entity.fields[each].label for each in meaning.fields if each in entity.fields]
    if isinstance(error, pg.UniqueViolation):
        sentence = _taken(entity.label, labels)
    elif isinstance(error, pg.ForeignKeyViolation):
        sentence = say("The record it names is not there any more.", "它引用的记录已不存在。")
    else:
        sentence = say("This value cannot be kept here.", "此处不能保存这个值。")
    return (
        InvalidInput({meaning.fields[0]: [sentence]})
        if meaning.fields
        else InvalidInput(message=sentence)
    )


def _taken(entity: Label, labels: list[Label]) -> Label:
    if len(labels) == 1:
        return say(
            "Another {entity} has this {field} already.",
            "已有其他{entity}使用相同的{field}。",
            entity=entity,
            field=labels[0],
        )
    return say(
        "Another {entity} has the same {fields} already.",
        "已有其他{entity}的{fields}与此相同。",
        entity=entity,
        fields=Label(
            {
                "en": ", ".join(label.in_language("en") for label in labels),
                "zh": "、".join(label.in_language("zh") for label in labels),
            }
        ),
    )
