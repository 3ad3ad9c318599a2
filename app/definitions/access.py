"""Work out what each role may do with each entity.

Along the chain of `is`, the nearest role wins key by key, and with each role its entry in the
entity wins over its defaults of roles.yaml. What nobody says is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.definitions.binding import has_field, refuse_field
from app.definitions.catalog import RIGHTS, EntityAccess, FieldRight, Place, Role, Rule
from app.definitions.document import Document
from app.definitions.names import label_from_name
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.words import SCOPES
from app.definitions.workshop import Draft, Path, Workshop

ALL = Rule(scopes=frozenset({"all"}))
NONE = Rule()
#: Scopes that ask who the owner is.
_OF_OWNERS = ("own", "subordinates", "department", "department_tree")


def draft_roles(
    shop: Workshop, document: Document | None, written: Mapping[str, Mapping[str, Any]]
) -> None:
    """Put the roles into the workshop; report what they build on and do not have."""
    for name, values in written.items():
        shop.roles[name] = Role(
            name=name,
            label=values.get("label") or label_from_name(name),
            is_=values.get("is"),
            admin=values.get("admin", False),
            home=values.get("home"),
            was=values.get("was", ()),
            place=document.place(("roles", name), key=True) if document else None,
        )
    for name, role in shop.roles.items():
        if document is None or role.is_ is None:
            continue
        path = ("roles", name, "is")
        if role.is_ not in shop.roles:
            message = f"`{role.is_}` is not a role."
            legal = [one for one in shop.roles if one != name]
            shop.unknown(Code.unknown_role, document, path, role.is_, legal, message)
        elif name in chain_of(shop.roles, role.is_):
            words = " → ".join(f"`{one}`" for one in [name, *chain_of(shop.roles, role.is_)])
            shop.problem(
                Code.cycle, document, path,
                f"The role `{name}` builds on itself: {words}.", "Remove one `is`.",
            )  # fmt: skip


def chain_of(roles: Mapping[str, Role], name: str) -> tuple[str, ...]:
    """Return a role and the roles it builds on, the nearest first; a circle is cut."""
    chain: list[str] = []
    here: str | None = name
    while here is not None and here in roles and here not in chain:
        chain.append(here)
        here = roles[here].is_
    return tuple(chain)


class AccessRules:
    """The rules of all roles for all entities."""

    def __init__(
        self,
        shop: Workshop,
        document: Document | None,
        written: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Keep what roles.yaml says; *written* is by role."""
        self.shop = shop
        self.document = document
        self.written = written
        #: by entity, file and place: several roles may build on one that says it
        self._rules: dict[tuple[str, str, Path], Rule] = {}

    def of_entity(self, draft: Draft) -> dict[str, EntityAccess]:
        """Return the access of every role that has any."""
        entries = draft.values.get("access", {})
        self._check_names(draft, entries)
        found = {}
        for name in self.shop.roles:
            access = self._of_role(draft, entries, name)
            if access is not None:
                found[name] = access
        return found

    def _check_names(self, draft: Draft, entries: Mapping[str, Any]) -> None:
        roles = self.shop.roles
        for name in entries:
            if name in ("fields", "inherit") or name in roles:
                continue
            message = f"`{name}` is not a role."
            path = ("access", name)
            self.shop.unknown(
                Code.unknown_role, draft.document, path, name, roles, message, key=True
            )
        for field, by_role in entries.get("fields", {}).items():
            place: Path = ("access", "fields", field)
            if field != "else" and (field not in draft.fields or draft.fields[field].removed):
                refuse_field(self.shop, draft, draft.document, place, field, key=True)
            for role in by_role:
                if role not in roles:
                    message = f"`{role}` is not a role."
                    self.shop.unknown(
                        Code.unknown_role,
                        draft.document,
                        (*place, role),
                        role,
                        roles,
                        message,
                        key=True,
                    )

    def _of_role(self, draft: Draft, entries: Mapping[str, Any], name: str) -> EntityAccess | None:
        chain = chain_of(self.shop.roles, name)
        if any(self.shop.roles[one].admin for one in chain):
            return EntityAccess(ALL, dict.fromkeys(RIGHTS, ALL), places=self._of_admin(chain))
        scope: Rule | None = None
        rights: dict[str, Rule] = {}
        lists_rights = False
        for one in chain:
            entry, defaults = entries.get(one, {}), self.written.get(one, {})
            for right in RIGHTS:
                if right in entry and right not in rights:
                    path = ("access", one, right)
                    rights[right] = self._right(draft, path, entry[right])
            for right in defaults.get("may", ()):
                rights.setdefault(right, ALL)
            lists_rights = lists_rights or "may" in defaults
            if scope is None and "scope" in entry:
                scope = self._scope(draft, ("access", one, "scope"), entry["scope"])
            if scope is None and "scope" in defaults and not draft.built_in:
                scope = self._default_scope(draft, one, defaults["scope"])
        if draft.built_in:
            # Everybody may know who the people and departments are; names stand on every record.
            scope = scope or ALL
            rights = {
                right: rule
                for right, rule in rights.items()
                if right in self._entered(entries, chain)
            }
            rights.setdefault("read", ALL)
        if scope is None:
            return None
        if not lists_rights:
            rights.setdefault("read", ALL)
        if "delete" in rights:
            rights.setdefault("restore", rights["delete"])
        everything = {right: rights.get(right, NONE) for right in RIGHTS}
        by_field, others = self._fields(entries.get("fields", {}), chain)
        places = self._places(draft, entries, chain)
        return EntityAccess(scope, everything, by_field, others, places)

    def _of_admin(self, chain: tuple[str, ...]) -> dict[str, Place]:
        place = next(self.shop.roles[one].place for one in chain if self.shop.roles[one].admin)
        return {} if place is None else dict.fromkeys((*RIGHTS, "scope"), place)

    def _places(
        self, draft: Draft, entries: Mapping[str, Any], chain: tuple[str, ...]
    ) -> dict[str, Place]:
        """Return where each part that decides is written: the nearest role says it."""
        found: dict[str, Place] = {}
        for one in chain:
            entry, defaults = entries.get(one, {}), self.written.get(one, {})
            for part in (*RIGHTS, "scope"):
                if part in entry and part not in found:
                    found[part] = draft.document.place(("access", one, part), key=True)
            if self.document is None or draft.built_in:
                continue
            for index, right in enumerate(defaults.get("may", ())):
                found.setdefault(right, self.document.place(("roles", one, "may", index)))
            if "scope" in defaults:
                place = self.document.place(("roles", one, "scope"), key=True)
                found.setdefault("scope", place)
        for name, by_role in entries.get("fields", {}).items():
            said = next((one for one in chain if one in by_role), None)
            if said is not None:
                path = ("access", "fields", name, said)
                found[f"fields.{name}"] = draft.document.place(path, key=True)
        return found

    @staticmethod
    def _entered(entries: Mapping[str, Any], chain: tuple[str, ...]) -> set[str]:
        return {right for one in chain for right in entries.get(one, {}) if right in RIGHTS}

    @staticmethod
    def _fields(
        written: Mapping[str, Mapping[str, FieldRight]], chain: tuple[str, ...]
    ) -> tuple[dict[str, FieldRight], FieldRight]:
        """Return the rights by field, and that of all other fields, for a role."""
        by_field: dict[str, FieldRight] = {}
        others: FieldRight = "edit"
        # From the farthest role to the nearest: what is nearer overwrites.
        for role in reversed(chain):
            if role in written.get("else", {}):
                others = written["else"][role]
                by_field = {}
            for field, by_role in written.items():
                if field != "else" and role in by_role:
                    by_field[field] = by_role[role]
        return by_field, others

    def _right(self, draft: Draft, path: Path, written: Any) -> Rule:
        if isinstance(written, bool):
            return ALL if written else NONE
        return self._rule(
            draft, draft.document, path, written if isinstance(written, tuple) else (written,)
        )

    def _scope(self, draft: Draft, path: Path, written: tuple[str, ...]) -> Rule:
        foreign = [one for one in written if one in _OF_OWNERS]
        if foreign and not draft.owned:
            self.shop.problem(
                Code.conflicting_keys, draft.document, path,
                f"`{foreign[0]}` asks for the owner, and records of `{draft.name}` have none.",
                "Write `scope: all` or a condition, or remove `owned: no`.",
            )  # fmt: skip
        return self._rule(draft, draft.document, path, written)

    def _default_scope(self, draft: Draft, role: str, written: tuple[str, ...]) -> Rule | None:
        """Return the scope of roles.yaml; one that asks for owners opens nothing without them."""
        if not draft.owned and not draft.values.get("access", {}).get("inherit"):
            written = tuple(one for one in written if one not in _OF_OWNERS)
            if not written:
                return None
        assert self.document is not None
        return self._rule(draft, self.document, ("roles", role, "scope"), written)

    def _rule(self, draft: Draft, document: Document, path: Path, written: tuple[str, ...]) -> Rule:
        key = (draft.name, document.file, path)
        known = self._rules.get(key)
        if known is None:
            known = self._rules[key] = self._new_rule(draft, document, path, written)
        return known

    def _new_rule(
        self, draft: Draft, document: Document, path: Path, written: tuple[str, ...]
    ) -> Rule:
        scopes = frozenset(one for one in written if one in SCOPES)
        conditions = []
        for index, text in enumerate(written):
            if text in SCOPES:
                continue
            place = (*path, index) if len(written) > 1 else path
            if text.isidentifier() and not has_field(draft, self.shop, text):
                close = nearest(text, SCOPES)
                hint = did_you_mean(close, SCOPES, "Scopes")
                message = f"`{text}` is neither a scope nor a condition."
                self.shop.problem(Code.unknown_word, document, place, message, hint, close)
                continue
            checked = self.shop.condition(
                document, place, text, self.shop.scope(draft), "The condition"
            )
            if checked is not None:
                conditions.append(checked)
        return Rule(scopes, tuple(conditions))


def inherited(shop: Workshop, draft: Draft) -> tuple[tuple[str, str], ...]:
    """Return the links through which a record is visible with another: (link, entity)."""
    pairs: list[tuple[str, str]] = []
    names = draft.values.get("access", {}).get("inherit", ())
    for index, entity in enumerate(names):
        path = ("access", "inherit", index)
        if entity not in shop.drafts:
            message = f"`{entity}` is not an entity."
            shop.unknown_entity(draft.document, path, entity, message)
            continue
        links = [
            name
            for name, field in draft.fields.items()
            if not field.built_in and not field.removed and entity in field.type.targets(field)
        ]
        if not links:
            shop.problem(
                Code.not_a_link, draft.document, path,
                f"`{draft.name}` cannot inherit from `{entity}`: none of its fields links there.",
                f"Add a field `{{type: link, to: {entity}}}`.",
            )  # fmt: skip
        pairs += [(link, entity) for link in links]
    return tuple(pairs)


def inherit_circles(shop: Workshop, inherit: Mapping[str, tuple[tuple[str, str], ...]]) -> None:
    """Report entities that are visible with each other in a circle."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            circle = way[way.index(name) :]
            draft = shop.drafts[circle[0]]
            words = " → ".join(f"`{one}`" for one in [*circle, circle[0]])
            shop.problem(
                Code.cycle, draft.document, ("access", "inherit"),
                f"These entities inherit from each other in a circle: {words}.",
                "Remove one `inherit`.",
            )  # fmt: skip
            return
        if name in done:
            return
        done.add(name)
        for _, parent in inherit.get(name, ()):
            visit(parent, [*way, name])

    for name in inherit:
        visit(name, [])
