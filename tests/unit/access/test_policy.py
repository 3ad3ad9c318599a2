"""What role sets may do, without any database."""

import pytest

from app.access.policy import EVERY_ROW, NO_ROW, Policies, Policy
from app.access.principal import NOBODY, SYSTEM, Principal
from tests.integration.reading.world import load


@pytest.fixture(scope="module")
def catalog():
    return load()


def scopes(rule):
    return {frozenset(scope for part in one for scope in part.scopes) for one in rule.alternatives}


def test_no_role_no_right(catalog):
    policy = Policy(catalog, [])
    assert policy.rule("read", "company") == NO_ROW
    assert not policy.may("read", "company")
    assert policy.readable("company") == ()
    assert policy.field_right("company", "name") == "hidden"


def test_an_unknown_role_gives_nothing(catalog):
    assert not Policy(catalog, ["gone"]).may("read", "company")


def test_the_administrator_may_do_everything(catalog):
    policy = Policy(catalog, ["admin"])
    assert policy.rule("delete", "company") == EVERY_ROW
    assert policy.field_right("company", "secret") == "edit"
    assert policy.may("update", "company.items")


def test_the_system_may_do_everything(catalog):
    assert Policies(catalog).of(SYSTEM).rule("read", "closed") == EVERY_ROW
    assert Policies(catalog).of(NOBODY).rule("read", "closed") == NO_ROW


@pytest.mark.parametrize(
    ("role", "right", "expected"),
    [
        ("seller", "read", {frozenset({"own"})}),
        ("seller", "delete", set()),
        ("manager", "read", {frozenset({"subordinates"})}),
        # `update: own` of the role it builds on, within its own scope.
        ("manager", "update", {frozenset({"subordinates", "own"})}),
        ("manager", "delete", {frozenset({"subordinates"})}),
        ("director", "read", {frozenset()}),
        ("viewer", "update", set()),
        ("outsider", "read", set()),
    ],
)
def test_a_role_has_its_rule(catalog, role, right, expected):
    found = scopes(Policy(catalog, [role]).rule(right, "company"))
    if (role, right) == ("manager", "update"):
        # One's own is within the wider scope, so only it is left.
        expected = {frozenset({"own"}), frozenset({"subordinates", "own"})}
        assert found <= expected
    else:
        assert found == expected


def test_of_several_roles_the_widest_wins_per_right(catalog):
    policy = Policy(catalog, ["seller", "director"])
    assert policy.rule("read", "company") == EVERY_ROW
    both = Policy(catalog, ["seller", "viewer"])
    texts = {part.texts for one in both.rule("read", "company").alternatives for part in one}
    assert texts == {(), ("status == 'active'",)}
    assert both.rule("update", "company").alternatives


def test_of_several_roles_the_widest_wins_per_field(catalog):
    assert Policy(catalog, ["auditor"]).field_right("company", "phones") == "masked"
    assert Policy(catalog, ["viewer"]).field_right("company", "phones") == "hidden"
    assert Policy(catalog, ["auditor", "viewer"]).field_right("company", "phones") == "masked"
    assert Policy(catalog, ["seller", "auditor"]).field_right("company", "secret") == "read"


def test_a_role_without_rights_widens_no_field(catalog):
    # `outsider` may not read companies, so that it hides nothing does not help a seller.
    assert Policy(catalog, ["outsider"]).field_right("company", "secret") == "hidden"
    assert Policy(catalog, ["seller", "outsider"]).field_right("company", "secret") == "hidden"


def test_masked_fields_are_shown_but_not_readable(catalog):
    policy = Policy(catalog, ["auditor"])
    assert "phones" in policy.readable("company")
    assert policy.masked("company") == {"phones", "email"}
    assert not policy.is_readable("company", "phones")


def test_writable_fields_leave_out_what_the_system_keeps(catalog):
    writable = Policy(catalog, ["seller"]).writable("company")
    assert "name" in writable
    assert not {"id", "version", "created_at", "silent", "secret", "owner"} & set(writable)
    assert Policy(catalog, ["auditor"]).writable("company") == ()


def test_lines_follow_their_record(catalog):
    assert Policy(catalog, ["viewer"]).may("read", "company.items")
    assert not Policy(catalog, ["viewer"]).may("update", "company.items")
    assert Policy(catalog, ["auditor"]).field_right("company.items", "price") == "read"
    assert not Policy(catalog, ["outsider"]).may("read", "company.items")


@pytest.mark.parametrize("role", ["seller", "manager", "by_department", "by_tree"])
def test_a24_an_entity_without_access_is_closed(catalog, role):
    policy = Policy(catalog, [role])
    assert not policy.may("read", "closed")
    assert policy.readable("closed") == ()


def test_a_refusal_names_role_and_rule(catalog):
    refusal = Policy(catalog, ["viewer"]).why("delete", "company")
    assert str(refusal) == (
        "You may not delete Company: that right (`delete`) is not given to Viewer."
    )
    assert "delete" in refusal.in_language("zh")
    assert "no role" in str(Policy(catalog, []).why("read", "company"))
    assert "only some records" in str(Policy(catalog, ["seller"]).why("update", "company"))


def test_policies_are_kept_by_role_set(catalog):
    policies = Policies(catalog)
    one = Principal(user_id=1, roles=frozenset({"seller"}))
    other = Principal(user_id=2, roles=frozenset({"seller"}))
    assert policies.of(one) is policies.of(other)
