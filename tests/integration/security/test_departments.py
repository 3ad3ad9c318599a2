"""Departments and people are moved; who would see more or less is told before, and is true."""

from tests.integration.api.world import FILES, IDS, ROLES


def form(caller, **data):
    return caller.ask("POST", "/people/move", data={"csrf_token": caller.csrf, **data})


def text_of(caller, **asked):
    return caller.ask("GET", "/people/move", query_string=asked).text


def test_a_move_tells_who_sees_what_before_it_is_made(world):
    tree = ROLES.replace("auditor: {scope: all", "auditor: {scope: department_tree")
    world.apply({**FILES, "roles.yaml": tree})
    api = world.as_("root")
    east = api.made("department", name="East")["id"]
    west = api.made("department", name="West")["id"]
    team = api.made("department", name="East Team", parent=east)["id"]
    for name, department in (("aud", east), ("tom", team)):
        api.patch(f"/user/{IDS[name]}", {"department": department})
    world.services.organisation.expire()
    mine = api.made("customer", name="Of the team", owner=IDS["tom"], credit="1")["id"]
    root = world.browser("root")

    def sees():
        world.services.organisation.expire()
        return mine in world.as_("aud").ids("/customer/")

    assert sees()
    assert "East Team" in root.ask("GET", "/people/departments").text
    # The team goes west: who audits the east loses sight of it, and only then.
    told = text_of(root, department=team, to=west)
    assert "1 person loses sight of records: Aud." in told
    assert "Concerned are Customer" in told, told[told.index("loses") :][:600]
    assert sees()
    assert form(root, department=team, to=west).status_code == 303
    assert not sees()
    # Becoming the head there gives it back.
    told = text_of(root, head=west, to=IDS["aud"])
    assert "1 person gains sight of records: Aud." in told
    assert form(root, head=west, to=IDS["aud"]).status_code == 303
    assert sees()
    # People are moved the same way; nobody sees another thing by this one.
    assert "Nobody sees more or less" in text_of(root, person=IDS["sam"], to=east)
    assert form(root, person=IDS["sam"], to=east).status_code == 303
    assert world.row("user", IDS["sam"])["department"] == east
    # Sam's records stay where they were given, or go along.
    told = text_of(root, person=IDS["sam"], to=west)
    assert "records go along" in told
    before = {row["id"]: row["owner_department"] for row in world.raw_rows("customer")}
    assert form(root, person=IDS["sam"], to=west).status_code == 303
    after = {row["id"]: row["owner_department"] for row in world.raw_rows("customer")}
    assert after == before
    assert form(root, person=IDS["sam"], to=west, along="yes").status_code == 303
    mine_now = [row for row in world.raw_rows("customer")
                if row["owner"] == IDS["sam"] and not row["deleted_at"]]  # fmt: skip
    assert {row["owner_department"] for row in mine_now} == {west}
    assert "records go along" not in text_of(root, person=IDS["sam"], to=west)
    history = api.get(f"/customer/{mine_now[0]['id']}/history").json["rows"][0]
    assert history["action"] == "update"
    assert "owner_department" in str(history)
    # A circle is refused, shown and sent alike.
    form(root, department=west, to=east)
    assert root.ask("GET", f"/people/move?department={east}&to={team}").status_code == 422
    assert form(root, department=east, to=team).status_code == 422
    assert world.row("department", east)["parent"] is None
    # To the top again, and what cannot be read.
    assert form(root, department=west, to="none").status_code == 303
    for odd in ("", "?person=999&to=1", "?department=x", "?person=%00"):
        assert root.ask("GET", f"/people/move{odd}").status_code == 404
    assert text_of(root, person=IDS["sam"], to="99999")
    assert "put Sam into another department" in root.ask("GET", "/people/audit").text
