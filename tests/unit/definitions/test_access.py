"""What each role may do, everything inherited worked in."""

import pytest

from app.definitions.catalog import RIGHTS, Rule
from app.definitions.load import load_files
from app.definitions.problems import Code

ROLES = """roles:
  sales: {scope: own, may: [create, read, update, transfer]}
  sales_manager: {is: sales, scope: subordinates, may: [delete, share, export]}
  director: {is: sales_manager, scope: all}
  auditor: {scope: all, may: [read, history]}
  watcher: {scope: all}
  guest: {may: [read]}
  admin: {admin: yes}
"""
ALL = Rule(scopes=frozenset({"all"}))
NONE = Rule()


def load(types, access="", more="", roles=ROLES):
    text = f"entity: deal\nfields:\n  name: {{type: text}}\n  amount: {{type: money}}\n{more}"
    text += f"access:\n{access}" if access else ""
    return load_files({"roles.yaml": roles, "entities/deal.yaml": text}, types)


def access_of(types, access="", more="", roles=ROLES):
    loaded = load(types, access, more, roles)
    assert [str(problem) for problem in loaded.problems] == []
    return loaded.catalog.entities["deal"].access


def scope(*names):
    return Rule(scopes=frozenset(names))


def rights(access):
    return {name for name, rule in access.rights.items() if not rule.is_none}


def test_without_an_entry_the_roles_defaults_hold(types):
    access = access_of(types)
    assert access["sales"].scope == scope("own")
    assert rights(access["sales"]) == {"create", "read", "update", "transfer"}
    assert access["auditor"].rights["read"] == ALL


def test_a_role_adds_to_the_role_it_is(types):
    access = access_of(types)
    assert access["sales_manager"].scope == scope("subordinates")
    assert rights(access["sales_manager"]) == {
        "create", "read", "update", "transfer", "delete", "restore", "share", "export"
    }  # fmt: skip
    assert rights(access["director"]) == rights(access["sales_manager"])
    assert access["director"].scope == ALL


def test_a24_no_role_no_rows(types):
    access = access_of(types)
    assert "guest" not in access
    assert set(access_of(types, roles="roles:\n  sales: {may: [read]}\n")) == {"admin"}


def test_a_scope_without_any_list_of_rights_may_read(types):
    access = access_of(types)
    assert rights(access["watcher"]) == {"read"}


def test_an_entry_overrides_the_defaults_key_by_key(types):
    access = access_of(types, "  sales: {update: no, export: yes}\n")
    assert access["sales"].scope == scope("own")
    assert access["sales"].rights["update"] == NONE
    assert access["sales"].rights["export"] == ALL
    assert access["sales"].rights["read"] == ALL


def test_an_entry_reaches_the_roles_that_build_on_it_where_they_say_nothing(types):
    access = access_of(types, "  sales: {scope: own, create: no, export: no}\n")
    assert access["sales_manager"].scope == scope("subordinates")
    assert access["sales_manager"].rights["create"] == NONE
    assert access["sales_manager"].rights["export"] == ALL


def test_a_right_may_be_a_scope_or_a_condition(types):
    access = access_of(types, "  sales: {update: own, read: amount > 0}\n")
    assert access["sales"].rights["update"] == scope("own")
    assert [one.text for one in access["sales"].rights["read"].conditions] == ["amount > 0"]


def test_a_scope_may_be_several_or_a_condition(types):
    access = access_of(
        types, "  sales: {scope: [team, department]}\n  auditor: {scope: owner == me}\n"
    )
    assert access["sales"].scope == scope("team", "department")
    assert [one.text for one in access["auditor"].scope.conditions] == ["owner == me"]
    assert not access["auditor"].scope.is_none


def test_restore_goes_with_delete_unless_said(types):
    access = access_of(types, "  sales: {delete: own}\n  sales_manager: {restore: no}\n")
    assert access["sales"].rights["restore"] == scope("own")
    assert access["sales_manager"].rights["restore"] == NONE


def test_the_administrator_may_everything_and_is_always_there(types):
    access = access_of(types, "  sales: {scope: own}\n", roles="roles:\n  sales: {scope: own}\n")
    assert access["admin"].scope == ALL
    assert dict(access["admin"].rights) == dict.fromkeys(RIGHTS, ALL)


def test_rights_on_fields_are_by_role_with_else_for_all_others(types):
    access = access_of(
        types, "  fields:\n    amount: {sales: hidden}\n    else: {auditor: read, sales: read}\n"
    )
    assert (access["sales"].fields, access["sales"].other_fields) == ({"amount": "hidden"}, "read")
    assert (access["auditor"].fields, access["auditor"].other_fields) == ({}, "read")
    assert (access["watcher"].fields, access["watcher"].other_fields) == ({}, "edit")


def test_a_nearer_role_wins_for_a_field(types):
    access = access_of(types, "  fields:\n    amount: {sales: hidden, sales_manager: read}\n")
    assert access["sales"].fields["amount"] == "hidden"
    assert access["sales_manager"].fields["amount"] == "read"
    assert access["director"].fields["amount"] == "read"


def test_records_without_owner_open_nothing_to_scopes_of_owners(types):
    access = access_of(types, more="owned: no\n")
    assert set(access) == {"director", "auditor", "watcher", "admin"}
    loaded = load(types, "  sales: {scope: own}\n", "owned: no\n")
    assert [problem.code for problem in loaded.problems] == [Code.conflicting_keys]


def test_everybody_may_know_the_people_and_departments(types):
    loaded = load(types)
    for name in ("user", "department"):
        access = loaded.catalog.entities[name].access
        assert rights(access["sales"]) == {"read"}
        assert access["guest"].scope == ALL
    files = {"roles.yaml": ROLES, "entities/user.yaml": "extend: user\naccess:\n  guest: {scope: all, read: no}\n  sales: {update: yes}\n"}  # fmt: skip
    access = load_files(files, types).catalog.entities["user"].access
    assert rights(access["guest"]) == set()
    assert rights(access["sales"]) == {"read", "update"}


def test_a_misspelled_scope_names_the_nearest(types):
    (problem,) = load(types, "  sales: {scope: subordinate}\n").problems
    assert (problem.code, problem.suggestions) == (Code.unknown_word, ("subordinates",))


def test_inherit_finds_every_link_to_the_entity(types):
    files = {
        "roles.yaml": ROLES,
        "entities/a.yaml": "entity: a\nfields:\n  name: {type: text}\n",
        "entities/b.yaml": "entity: b\nfields:\n  name: {type: text}\n  a: {type: link, to: a}\n"
        "  about: {type: any_link, to: [a, user]}\naccess: {inherit: a}\n",
    }
    assert load_files(files, types).catalog.entities["b"].inherit == (("a", "a"), ("about", "a"))


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ("  sales: own\n", Code.wrong_shape),
        ("  sales: {scope: own, updat: yes}\n", Code.unknown_key),
        ("  sales: {update: }\n", Code.empty_value),
        ("  nobody: {scope: own}\n", Code.unknown_role),
        ("  fields: {amount: hidden}\n", Code.wrong_shape),
        ("  fields: {amount: {sales: secret}}\n", Code.unknown_word),
        ("  fields: {amuont: {sales: hidden}}\n", Code.unknown_field),
        ("  inherit: [daal]\n", Code.unknown_entity),
        ("  sales: {scope: amuont > 3}\n", Code.unknown_field),
        ("  sales: {scope: amount + 3}\n", Code.bad_expression),
    ],
)
def test_mistakes_in_access_are_placed(types, access, code):
    problems = load(types, access).problems
    assert [(one.code, one.place.line) for one in problems] == [(code, 6)]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("  phone: {type: text, removed: yes}\n", "The field `phone` of `deal` is removed."),
        (
            "  mobile: {type: text, was: phone}\n",
            "The field `phone` of `deal` is called `mobile` now.",
        ),
        (
            "  phones: {type: phones}\n",
            "`deal` has no field `phone`. Did you mean `phones` or `owner`?",
        ),
    ],
)
def test_a_field_that_is_gone_is_told_by_what_became_of_it(types, more, sentence):
    loaded = load(types, "  fields: {phone: {sales: hidden}}\n", more)
    assert [f"{one.message} {one.hint}".strip() for one in loaded.problems] == [sentence]
