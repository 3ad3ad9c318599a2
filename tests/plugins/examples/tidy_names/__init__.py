"""Tidy the names of customers, and count who writes.

The example of the documentation for hooks; the tests run it.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app import hookimpl
from app.errors import Reject
from app.expressions import Function, Parameter
from app.expressions.types import TEXT, Kind
from app.records.doing import Doing, RuleAction
from app.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.access.principal import Principal
    from app.records.drafts import Draft
    from app.records.saving import Written

__version__ = "1.0"

#: What `after_save` heard, for the tests: (entity, fields that changed).
HEARD: list[tuple[str, frozenset[str]]] = []


# docs begin register_functions
def _initials(context: Any, text: str) -> str:
    return "".join(word[0] for word in text.split())


def _initials_sql(writer: Any, text: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.regexp_replace(sa.func.btrim(text), r"(\S)\S*\s*", r"\1", "g")


@hookimpl
def register_functions() -> Sequence[Function]:
    """Bring `initials(text)`: the first character of every word."""
    return [
        Function(
            name="initials",
            parameters=(Parameter("text", frozenset({Kind.text})),),
            result=TEXT,
            python=_initials,
            sql=_initials_sql,
            summary="The first character of every word.",
        )
    ]


# docs end


# docs begin register_actions
def _number(doing: Doing) -> str:
    """Give the record the next number that ends in the rule's own sign."""
    assert doing.entity is not None
    assert doing.record_id is not None
    if doing.record.get("name") == "nobody":
        raise Reject(say("Nobody gets no number.", "“nobody”没有编号。"))
    number = f"{doing.record_id}{doing.settings.get('sign', '')}"
    doing.acting.update(doing.entity, doing.record_id, {"note": number})
    return f"Number {number}"


@hookimpl
def register_actions() -> Sequence[RuleAction]:
    """Bring `run: {action: number, sign: …}`."""
    return [RuleAction("number", _number, "Gives the record a number.")]


# docs end


# docs begin before_save
@hookimpl
def before_save(record: Draft, is_new: bool) -> None:
    """Put names in order before anybody sees them."""
    name = record.get("name") if "name" in record else None
    if not name or not (is_new or record.changed("name")):
        return
    if name.isdigit():
        raise Reject(
            say("A name is more than a number.", "名称不能只有数字。"),
            field="name",
        )
    record.set("name", " ".join(unicodedata.normalize("NFC", name).split()))


# docs end


# docs begin after_save
@hookimpl
def after_save(record: Written, principal: Principal) -> None:
    """Remember what was written, once it is committed."""
    HEARD.append((record.entity, record.fields))


# docs end
