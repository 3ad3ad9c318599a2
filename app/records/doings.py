"""What is done to many records at once, as it is asked for and as it is kept.

Reading what somebody sent and what the sentences say; `bulk` does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.definitions.catalog import Entity, Field
from app.errors import Forbidden, InvalidInput, Malformed
from app.fields.base import ParseContext
from app.records.drafts import Draft, Problems, no_such_field, read_input
from app.records.fieldlists import FILE_TYPES
from app.records.transferring import check_new_owner
from app.records.work import Work
from app.texts import Label, say

#: By what is done: the right it needs.
RIGHTS = {"update": "update", "transfer": "transfer", "delete": "delete", "restore": "restore"}
#: Types whose values are lists that something may be added to.
LISTS = frozenset({"tags", "choices", "links", "users", "departments"})


@dataclass(frozen=True, slots=True)
class Doing:
    """One change of many records."""

    #: update | transfer | delete | restore
    action: str
    #: ``update``: values by field, as JSON has them (``strict``) or as a form does
    values: Mapping[str, Any] = field(default_factory=dict)
    #: ``update``: what to add to and to take from fields of several values
    add: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    remove: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    #: ``transfer``: the new owner; None: nobody
    owner: int | None = None
    #: ``transfer``: links by which others go along
    along: tuple[str, ...] = ()
    strict: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields an update changes."""
        return tuple(dict.fromkeys((*self.values, *self.add, *self.remove)))

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "action": self.action,
            "values": dict(self.values),
            "add": {name: list(each) for name, each in self.add.items()},
            "remove": {name: list(each) for name, each in self.remove.items()},
            "owner": self.owner,
            "along": list(self.along),
            "strict": self.strict,
        }


def read_doing(raw: Mapping[str, Any]) -> Doing:
    """Return what was kept, or sent: the keys of `Doing`.

    Raises:
        Malformed: a key is of a wrong kind.
        InvalidInput: the owner is no number, or nothing is to be changed.
    """
    action = raw.get("action", "update")
    if action not in RIGHTS:
        raise Malformed(
            say(
                "`action` is one of {known}.",
                "action 应为以下之一：{known}。",
                known=", ".join(RIGHTS),
            )
        )
    parts = {key: raw.get(key) or {} for key in ("values", "add", "remove")}
    for key, part in parts.items():
        if not isinstance(part, Mapping):
            raise Malformed(say("`{key}` is an object.", "{key} 应为对象。", key=key))
    for key in ("add", "remove"):
        for name, each in parts[key].items():
            if not isinstance(each, list | tuple):
                raise InvalidInput({name: [say("A list of values.", "应为值的列表。")]})
    owner, along = raw.get("owner"), raw.get("along") or ()
    if owner is not None and not _is_number(owner):
        raise InvalidInput({"owner": [say("The number of a user.", "应为用户编号。")]})
    if not isinstance(along, list | tuple) or not all(isinstance(each, str) for each in along):
        raise InvalidInput({"along": [say("A list of links.", "应为链接列表。")]})
    if action == "transfer" and "owner" not in raw:
        raise InvalidInput({"owner": [say("Say who takes them over.", "请选择接收人。")]})
    if action == "update" and not any(parts.values()):
        raise InvalidInput(message=say("Say what is to be changed.", "请说明要修改什么。"))
    return Doing(action, **parts, owner=owner, along=tuple(along), strict=raw.get("strict", True))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def check_doing(work: Work, entity: Entity, doing: Doing) -> None:
    """Refuse before the first record what could be done to none.

    Raises:
        Forbidden: the principal may not do this to any record of the entity.
        InvalidInput: a field is not there, may not be written, or takes no such value.
    """
    right = RIGHTS[doing.action]
    if not work.policy.may(right, entity.name):
        raise Forbidden(work.policy.why(right, entity.name))
    if doing.action == "transfer":
        _check_transfer(work, entity, doing)
    if doing.action == "update":
        _check_update(work, entity, doing)


def _check_transfer(work: Work, entity: Entity, doing: Doing) -> None:
    if not entity.owned:
        raise InvalidInput(
            message=say(
                "Records of {entity} have no owner.", "{entity}没有负责人。", entity=entity.label
            )
        )
    check_new_owner(work, doing.owner)


def _check_update(work: Work, entity: Entity, doing: Doing) -> None:
    problems = Problems()
    for name in doing.fields:
        one = entity.fields.get(name)
        if one is not None and (one.type.name == "lines" or one.type.name in FILE_TYPES):
            problems.add(name, _one_by_one(one))
    for name in (*doing.add, *doing.remove):
        one = entity.fields.get(name)
        if one is None or one.removed:
            problems.add(name, no_such_field(entity, name, work.policy))
        elif one.type.name not in LISTS:
            problems.add(name, _no_list(one))
        elif name in doing.values:
            problems.add(name, _twice(one))
    problems.raise_if_any()
    draft = Draft(entity, work.reading(strict=False), {}, 0)
    read_input(
        draft,
        {
            **{name: value for name, value in doing.values.items() if name != "owner"},
            **{name: list(each) for name, each in {**doing.remove, **doing.add}.items()},
        },
        work.policy,
        work.reading(strict=doing.strict),
        problems,
    )
    problems.raise_if_any()
    for one in work.rows[entity.name].lists.always_required:
        if one.name in draft.changes and draft.changes[one.name] is None:
            problems.add(one.name, say("{label} is needed.", "请填写“{label}”。", label=one.label))
    problems.raise_if_any()


def _one_by_one(one: Field) -> Label:
    return say("{label} is changed record by record.", "“{label}”只能逐条修改。", label=one.label)


def _no_list(one: Field) -> Label:
    return say(
        "{label} holds one value; nothing can be added to it.",
        "“{label}”只有一个值，不能添加或移除。",
        label=one.label,
    )


def _twice(one: Field) -> Label:
    return say(
        "{label} is both set and added to; choose one.",
        "“{label}”不能同时设置和增减。",
        label=one.label,
    )


def merged_list(
    one: Field, old: Any, add: Sequence[Any], remove: Sequence[Any], context: ParseContext
) -> Any:
    """Return what a field of several values holds after adding and taking away, as JSON.

    Raises:
        FieldError: it takes no such value.
    """
    gone = set(map(_key, one.type.parse(one, list(remove), context) or ())) if remove else set()
    coming = (one.type.parse(one, list(add), context) or ()) if add else ()
    left = [each for each in (old or ()) if _key(each) not in gone]
    there = set(map(_key, left))
    left += [each for each in coming if _key(each) not in there]
    return one.type.to_json(one, left) if left else None


def _key(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
