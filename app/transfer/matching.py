"""Which column of a file goes to which field: by name, by label in any language, by what is in it.

A guess only; whoever imports sees it and changes it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.catalog import Catalog, Entity, Field
from app.fields.base import FieldError, ParseContext
from app.fields.normal import normal
from app.transfer.error_files import OWN

#: Words people put around the name of a column.
_AROUND = re.compile(r"[（(\[【].*?[）)\]】]|[*＊:：]|\s+|[_\-./]")
#: How alike a heading and a label must be.
_ALIKE = 0.84
#: Kinds of fields that are told by what they hold; others hold anything.
_TOLD_BY_CONTENT = ("email", "phone", "phones", "url", "date", "datetime", "choice")
_ENOUGH = 3
#: What headings of other systems call the fields a CRM has, by a part of the field's name.
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "name": ("公司名称", "单位名称", "company", "company name", "account name", "title", "姓名"),
    "phones": ("电话", "手机", "联系电话", "phone", "phone number", "tel", "mobile"),
    "mobile": ("手机", "手机号", "手机号码", "mobile phone", "cell"),
    "email": ("邮箱", "电子邮件", "mail", "email address", "e-mail"),
    "owner": (
        "负责人",
        "所有人",
        "业务员",
        "销售",
        "销售员",
        "sales",
        "sales rep",
        "salesperson",
        "account owner",
        "owner",
        "deal owner",
    ),
    "address": ("地址", "详细地址", "billing street", "street address"),
    "remark": ("备注", "说明", "description", "notes"),
    "website": ("网址", "官网", "company domain name", "web site"),
    "created_at": ("创建时间", "create date", "created time", "created date"),
}


@dataclass(frozen=True, slots=True)
class Match:
    """A column and where it goes: ``name``, ``address.city``, or ``contact.name``; or nowhere."""

    column: str
    path: str | None
    #: remembered | name | label | former | alike | content | none
    by: str
    certainty: float


def match_columns(
    catalog: Catalog,
    entity: str,
    columns: Sequence[str],
    samples: Sequence[Sequence[Any]],
    context: ParseContext,
    *,
    remembered: Mapping[str, str] | None = None,
    allowed: Iterable[str] | None = None,
) -> list[Match]:
    """Return where each column probably goes; no field is given twice.

    Args:
        samples: the first rows, a value for each column.
        remembered: what earlier imports of this person did: column → path.
        allowed: fields the person may write; None: all.
    """
    names = set(allowed) if allowed is not None else None
    targets = [
        target
        for target in _targets(catalog, catalog.entities[entity])
        if names is None or target.path.partition(".")[0] in names or target.is_foreign
    ]
    known = {target.path for target in targets}
    taken: set[str] = set()
    # What we put into a file of rows that were left out leads nowhere.
    found = {one: Match(one, None, "none", 0.0) for one in columns if one in OWN}
    for column, earlier in (remembered or {}).items():
        if column in columns and earlier in known and earlier not in taken:
            found[column] = Match(column, earlier, "remembered", 1.0)
            taken.add(earlier)
    scored = sorted(
        (
            (score, -place, column, target.path, by)
            for place, (column, word) in enumerate(zip(columns, map(bare, columns), strict=True))
            if column not in found
            for target in targets
            for score, by in [target.score(word)]
            if score > 0
        ),
        reverse=True,
    )
    for score, _, column, path, by in scored:
        if column not in found and path not in taken:
            found[column] = Match(column, path, by, score)
            taken.add(path)
    for place, column in enumerate(columns):
        if column not in found:
            values = [row[place] for row in samples if place < len(row) and row[place] is not None]
            guess = _by_content(targets, values, context, taken)
            by, certainty = ("content", 0.5) if guess else ("none", 0.0)
            found[column] = Match(column, guess, by, certainty)
            taken.add(guess or "")
    return [found[column] for column in columns]


@dataclass(frozen=True, slots=True)
class _Target:
    """A place values can go, and all it is called."""

    path: str
    field: Field
    names: frozenset[str]
    labels: frozenset[str]
    former: frozenset[str]
    is_foreign: bool = False

    def score(self, word: str) -> tuple[float, str]:
        """Return how well a bare heading fits, and by what."""
        # A foreign field stands back where the entity has one that fits as well.
        less = 0.1 if self.is_foreign else 0.0
        if word in self.names:
            return 1.0 - less, "name"
        if word in self.labels:
            return 0.98 - less, "label"
        if word in self.former:
            return 0.9 - less, "former"
        best = max((_likeness(word, one) for one in self.labels), default=0.0)
        return (best * 0.9 - less, "alike") if best >= _ALIKE and len(word) > 1 else (0.0, "")


def _likeness(word: str, label: str) -> float:
    """Return how alike two texts are, from 0 to 1; 0 as soon as it is clear that they are not."""
    both = len(word) + len(label)
    shared = 2 * min(len(word), len(label))
    if shared < _ALIKE * both or 2 * len({*word} & {*label}) < _ALIKE * len({*word, *label}):
        return 0.0
    matcher = difflib.SequenceMatcher(None, word, label)
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0


def _targets(catalog: Catalog, entity: Entity) -> Iterator[_Target]:
    yield from _own_targets(entity, "", is_foreign=False)
    # A second record from the same row: what links here, one level deep.
    for other in catalog.entities.values():
        if other.lines_of is None and other.name != entity.name and _links_to(other, entity.name):
            yield from _own_targets(other, f"{other.name}.", is_foreign=True)


def _own_targets(entity: Entity, before: str, *, is_foreign: bool) -> Iterator[_Target]:
    around = [bare(text) for text in (entity.name, *entity.label.texts.values())]
    for field in entity.fields.values():
        writable = not field.built_in or field.name in ("owner", "tags", "created_at", "created_by")
        if not writable or field.removed or field.is_worked_out or field.type.name == "lines":
            continue
        labels = [bare(text) for text in field.label.texts.values()]
        if is_foreign:
            # 联系人姓名, contact name: the other entity's words stand before the field's.
            names = [bare(f"{entity.name}{field.name}")]
            labels = [f"{one}{label}" for one in around for label in labels]
            if field.name == entity.title:
                labels += around
            former: list[str] = []
        else:
            names = [bare(field.name)]
            former = [bare(name) for name in (*field.was, *_OTHER_WORDS.get(field.name, ()))]
            labels += [
                label.removeprefix(one) for one in around for label in labels if label != one
            ]
        yield _Target(
            f"{before}{field.name}",
            field,
            frozenset(names),
            frozenset(filter(None, labels)),
            frozenset(former),
            is_foreign,
        )


def _links_to(entity: Entity, name: str) -> bool:
    return any(
        field.type.name == "link" and field.settings.get("to") == name and field.required is True
        for field in entity.fields.values()
    )


def bare(heading: str) -> str:
    """Return a heading without what people put around a name: stars, units in brackets, blanks."""
    return _AROUND.sub("", normal(heading)) or normal(heading)


def _by_content(
    targets: Sequence[_Target], values: Sequence[Any], context: ParseContext, taken: set[str]
) -> str | None:
    """Return the one free field that reads every value of a column, of those that are choosy."""
    texts = [value for value in values if not isinstance(value, bool)]
    if len(texts) < _ENOUGH:
        return None
    fitting = [
        target
        for target in targets
        if target.field.type.name in _TOLD_BY_CONTENT
        and target.path not in taken
        and not target.is_foreign
        and all(_reads(target.field, value, context) for value in texts)
    ]
    kinds = {target.field.type.name for target in fitting}
    return fitting[0].path if len(fitting) == 1 or (fitting and kinds == {"email"}) else None


def _reads(field: Field, value: Any, context: ParseContext) -> bool:
    try:
        return field.type.parse(field, value, context) is not None
    except FieldError:
        return False
