"""The names an expression may use, taken from a catalog or from one that is being compiled.

`CatalogScope` answers what the expression checker asks. It knows no rights: the rooms that answer
people wrap it in a scope that refuses what a role may not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from app.definitions.catalog import Catalog
from app.expressions.tree import Checked
from app.expressions.types import BOOLEAN, NUMBER, TEXT, Kind, Type, many, record_type

#: How a record may come to be written; what `origin` can be.
ORIGINS = ("screen", "api", "import", "rule", "hook", "email")
USER = record_type("user")


class Model(Protocol):
    """Which entities, fields and views there are; a finished catalog or one in the making."""

    @property
    def app_values(self) -> Mapping[str, Type]:
        """The types of `app.NAME`."""

    def is_entity(self, name: str) -> bool:
        """Whether there is such an entity; lines entities count, under `entity.field`."""

    def types(self, entity: str) -> Mapping[str, Type]:
        """Return the types of an entity's fields by name."""

    def views(self, entity: str) -> Iterable[str]:
        """Return the names of an entity's views."""

    def view(self, entity: str, name: str) -> Checked | None:
        """Return the checked condition of a view; None where there is none."""


@dataclass(frozen=True)
class CatalogScope:
    """The names at one place: the fields of an entity, and the words that have a meaning there."""

    model: Model
    #: Whose fields the plain names are; None where there is no record.
    entity_name: str | None
    #: What `record`, `me`, `app` and their like are here.
    roots: Mapping[str, Type] = field(default_factory=dict)

    @property
    def names(self) -> Iterable[str]:
        """The plain names there are, for did-you-mean."""
        return [*self._fields(), *self.roots]

    @property
    def views(self) -> Iterable[str]:
        """The views `in_view` may name."""
        return self.model.views(self.entity_name) if self.entity_name else ()

    def find(self, name: str) -> Type | None:
        """Return the type of a field of the row, or of a word that has a meaning here."""
        found = self._fields().get(name)
        return found if found is not None else self.roots.get(name)

    def members(self, type_: Type) -> Mapping[str, Type]:
        """Return the fields of records of a type with one entity."""
        entity = type_.entities[0] if type_.entities else ""
        return self.model.types(entity) if self.model.is_entity(entity) else {}

    def entity(self, name: str) -> CatalogScope | None:
        """Return the scope of an entity's rows, or of the row's own lines; None: neither.

        `record` stays what it is, so that the condition can speak of the record at hand.
        """
        own_lines = f"{self.entity_name}.{name}"
        if self.entity_name and self.model.is_entity(own_lines):
            return replace(self, entity_name=own_lines)
        if "." not in name and self.model.is_entity(name):
            return replace(self, entity_name=name)
        return None

    def view(self, name: str) -> Checked | None:
        """Return the checked condition of a view of this entity."""
        return self.model.view(self.entity_name, name) if self.entity_name else None

    def _fields(self) -> Mapping[str, Type]:
        return self.model.types(self.entity_name) if self.entity_name else {}


def my_type(roles: Iterable[str]) -> Type:
    """Return what `my` is: the user's own record, with roles and people below."""
    parts = {
        "roles": many(Type(Kind.choice, options=tuple(roles))),
        "subordinates": many(USER),
        "departments": many(record_type("department")),
    }
    return replace(USER, parts=parts, filled=True)


def record_scope(
    model: Model,
    entity: str,
    *,
    roles: Iterable[str],
    record: str | None = None,
    on_write: bool = False,
) -> CatalogScope:
    """Return the scope of conditions and formulas of an entity's record.

    *record* is the entity `record` belongs to where the plain names are another's, as in the
    `where` of a link. With *on_write* there are `old`, `origin` and `changed()` too.
    """
    at_hand = record or entity
    roots = {
        "record": replace(record_type(at_hand), filled=True),
        "me": replace(USER, filled=True),
        "my": my_type(roles),
        "app": Type(Kind.parts, parts=model.app_values),
    }
    if on_write:
        roots["old"] = record_type(at_hand)
        roots["origin"] = Type(Kind.choice, options=ORIGINS, filled=True)
    return CatalogScope(model, entity, roots)


def app_value_type(value: Any) -> Type:
    """Return the type of a shared value of app.yaml."""
    if isinstance(value, bool):
        return BOOLEAN
    return NUMBER if isinstance(value, int | Decimal) else TEXT


class CatalogModel:
    """A finished catalog as a model."""

    def __init__(self, catalog: Catalog) -> None:
        """Keep the catalog; the types of its fields are worked out already."""
        self.catalog = catalog
        self._types: dict[str, Mapping[str, Type]] = {}

    @property
    def app_values(self) -> Mapping[str, Type]:
        """The types of `app.NAME`."""
        return {name: app_value_type(value) for name, value in self.catalog.app.values.items()}

    def is_entity(self, name: str) -> bool:
        """Whether there is such an entity; lines entities count."""
        return name in self.catalog.entities

    def types(self, entity: str) -> Mapping[str, Type]:
        """Return the types of an entity's fields by name, removed ones left out."""
        known = self._types.get(entity)
        if known is None:
            found = self.catalog.entities[entity]
            known = {
                name: field.value
                for name, field in found.fields.items()
                if field.value is not None and not field.removed
            }
            if found.lines_of:
                known["parent"] = record_type(found.lines_of[0])
            self._types[entity] = known
        return known

    def views(self, entity: str) -> Iterable[str]:
        """Return the names of an entity's views."""
        return tuple(self.catalog.entities[entity].screens.views)

    def view(self, entity: str, name: str) -> Checked | None:
        """Return the checked condition of a view."""
        view = self.catalog.entities[entity].screens.views.get(name)
        return view.where if view else None


def catalog_scope(catalog: Catalog, entity: str, *, on_write: bool = False) -> CatalogScope:
    """Return the scope in which a filter or condition of an entity's records is read."""
    return record_scope(CatalogModel(catalog), entity, roles=catalog.roles, on_write=on_write)


class LazyTypes(Mapping[str, Type]):
    """Types by field name, each worked out when it is asked for."""

    def __init__(self, names: Iterable[str], work_out: Any) -> None:
        """Keep the names, and how a name's type is found."""
        self._names = dict.fromkeys(names)
        self._work_out = work_out

    def __getitem__(self, name: str) -> Type:
        if name not in self._names:
            raise KeyError(name)
        return self._work_out(name)  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
