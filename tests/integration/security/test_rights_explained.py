"""What somebody may do is explained: by which role, written where, and for one record."""

from app.access.explaining import explain_fields, explain_record, explain_rights
from tests.integration.api.world import CUSTOMER, IDS, ROLES


def line_of(text, piece):
    return next(n for n, line in enumerate(text.splitlines(), 1) if piece in line)


def told(shared, who, entity, right):
    roles = shared.who(who).roles
    one = next(o for o in explain_rights(shared.catalog, roles, entity) if o.right == right)
    return one.verdict, [
        (says.role, says.verdict, f"{says.place.file}:{says.place.line}" if says.place else "")
        for says in one.roles
    ]


def test_rights_name_the_role_and_the_line(shared):
    seller, viewer = line_of(ROLES, "seller:"), line_of(CUSTOMER, "viewer: {read")
    manager = line_of(ROLES, "manager:")
    assert told(shared, "sam", "customer", "read") == (
        "some",
        [("seller", "some", f"roles.yaml:{seller}")],
    )
    assert told(shared, "sam", "customer", "delete") == (
        "no",
        [("seller", "no", f"roles.yaml:{seller}")],
    )
    # Whatever the manager may read, shares aside.
    assert told(shared, "mia", "customer", "delete") == (
        "yes",
        [("manager", "yes", f"roles.yaml:{manager}")],
    )
    assert told(shared, "vic", "customer", "read") == (
        "some",
        [("viewer", "some", f"entities/customer.yaml:{viewer}")],
    )
    fields = {one.field: (one.right, one.role, one.place.line if one.place else None)
              for one in explain_fields(shared.catalog, ["seller"], "customer")}  # fmt: skip
    assert fields["secret"][:2] == ("hidden", "seller")
    assert fields["secret"][2] == line_of(CUSTOMER, "secret: {seller: hidden")
    assert fields["credit"][:2] == ("read", "seller")


def test_one_record_is_seen_or_not_for_a_reason_that_holds(shared):
    def ask(who, number):
        core = shared.services
        found = explain_record(core.records, shared.catalog, shared.who(who), "customer", number)
        sees = shared.as_(who).get(f"/customer/{number}").status_code == 200
        # Never another answer than the one the person gets.
        assert sees == bool(found.rights)
        return found

    assert ask("sam", 1).owner == IDS["sam"]
    assert "update" in ask("sam", 1).rights
    assert not ask("sam", 4).rights
    assert [one.verdict for one in ask("mia", 3).roles] == ["yes"]
    assert [one.verdict for one in ask("vic", 2).roles] == ["no"]
    root = shared.browser("root")
    page = root.ask("GET", f"/people/{IDS['mia']}/rights?entity=customer&record=3").text
    assert "Sue owns it, who works below Mia." in page
    page = root.ask("GET", f"/people/{IDS['sam']}/rights?entity=customer&record=4").text
    assert "Tom owns it, who does not work below Sam." in page
    assert f"roles.yaml:{line_of(ROLES, 'seller:')}" in page
    found = root.ask("GET", f"/people/{IDS['sam']}/rights?entity=customer&record=steel").text
    assert "record=1#record" in found
    assert root.ask("GET", f"/people/{IDS['sam']}/rights?record=%00").status_code == 400
    for odd in ("record=99999", "record=" + "9" * 30, "entity=nothing"):
        assert root.ask("GET", f"/people/{IDS['sam']}/rights?{odd}").status_code == 200
    assert root.ask("GET", "/people/999/rights").status_code == 404


def test_what_is_only_shared_says_so(world):
    sent = {"users": [IDS["tom"]], "may_edit": False}
    answer = world.as_("sam").post("/customer/1/team", sent)
    assert answer.status_code in (200, 201, 204), answer.text
    world.services.organisation.expire()
    core = world.services
    found = explain_record(core.records, world.catalog, world.who("tom"), "customer", 1)
    assert found.is_shared
    page = world.browser("root").ask("GET", f"/people/{IDS['tom']}/rights?entity=customer&record=1")
    assert "It is shared with Tom." in page.text


def test_the_api_explains_the_same(shared):
    root = shared.as_("root")
    told = root.get(f"/rights/{IDS['sam']}", entity="customer", record=4).json
    read = next(one for one in told["rights"] if one["right"] == "read")
    place = f"roles.yaml:{line_of(ROLES, 'seller:')}"
    assert read["roles"] == [{"role": "seller", "verdict": "some", "place": place}]
    assert {one["field"]: one["right"] for one in told["fields"]}["secret"] == "hidden"
    assert told["record"]["sees"] is False
    assert told["record"]["owner"] == IDS["tom"]
    for path, query, status in (("/rights/999", {"entity": "customer"}, 404),
                                (f"/rights/{IDS['sam']}", {"entity": "x"}, 400),
                                (f"/rights/{IDS['sam']}", {}, 400),
                                (f"/rights/{IDS['sam']}", {"entity": "customer", "record": 999}, 404)):  # fmt: skip
        assert root.get(path, **query).status_code == status, (path, query)
    assert shared.as_("mia").get(f"/rights/{IDS['sam']}", entity="customer").status_code == 403
