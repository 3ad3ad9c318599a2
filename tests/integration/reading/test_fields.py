"""Fields a role may not read: never there, never a way to find out."""

import orjson
import pytest

from app.errors import Forbidden, Malformed
from tests.integration.reading.oracle import hidden_fields
from tests.integration.reading.world import PEOPLE

READERS = [who for who, (_, role, *_) in PEOPLE.items() if role not in (None, "outsider")]
HIDDEN = [(who, field) for who in READERS for field in sorted(hidden_fields(who))]
MASKED = [("aud", "phones"), ("aud", "email")]


def one_json(world, who):
    page = world.records.query_json(world.who(who), "company", limit=1)
    return orjson.loads(page.rows)


@pytest.mark.parametrize(("who", "field"), HIDDEN)
def test_a9_a_hidden_field_is_absent_everywhere(shared_world, who, field):
    records, principal = shared_world.records, shared_world.who(who)
    assert field not in records.policy(principal).readable("company")
    for row in orjson.loads(records.query_json(principal, "company").rows):
        assert field not in row
        assert field not in orjson.loads(records.get_json(principal, "company", row["id"]).row)
        assert field not in records.get(principal, "company", row["id"]).values
    for record in records.query(principal, "company"):
        assert field not in record.values


def ask_for(field):
    """Every way to use a field in a question, as (name, what is asked)."""
    return {
        "fields": lambda r, p: r.query_json(p, "company", fields=f"name,{field}"),
        "fields of one": lambda r, p: r.get_json(p, "company", 1, fields=field),
        "filter": lambda r, p: r.query_json(p, "company", filter=f"{field} is not empty"),
        "filter value": lambda r, p: r.query_json(p, "company", filter=f"not ({field} == 'x')"),
        "shortcut": lambda r, p: r.query_json(p, "company", where={field: "x"}),
        "empty shortcut": lambda r, p: r.query_json(p, "company", where={field: ""}),
        "sort": lambda r, p: r.query_json(p, "company", sort=field),
        "second sort": lambda r, p: r.query_json(p, "company", sort=f"name,-{field}"),
        "count": lambda r, p: r.count(p, "company", filter=f"{field} is not empty"),
        "group": lambda r, p: r.aggregate(p, "company", group_by=field),
        "measure": lambda r, p: r.aggregate(p, "company", measures=f"max({field})"),
        "through a link": lambda r, p: r.query_json(
            p, "person", filter=f"company.{field} is not empty"
        ),
        "through two links": lambda r, p: r.query_json(
            p, "person", filter=f"company.parent.{field} is empty"
        ),
        "expanded": lambda r, p: r.query_json(p, "person", expand=f"company.{field}"),
    }


WAYS = sorted(ask_for("x"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("who", "field"), HIDDEN)
def test_a10_a11_a_hidden_field_is_no_oracle(shared_world, who, field, way):
    records, principal = shared_world.records, shared_world.who(who)
    with pytest.raises((Malformed, Forbidden)) as caught:
        ask_for(field)[way](records, principal)
    # The very sentence an unknown name gets: it does not say that the field is there.
    if field == "secret":
        with pytest.raises((Malformed, Forbidden)) as unknown:
            ask_for("secref")[way](records, principal)
        assert str(caught.value).replace("secret", "secref") == str(unknown.value)


# A link that is expanded shows the mask, as the record itself does.
@pytest.mark.parametrize("way", sorted({*WAYS} - {"fields", "fields of one", "expanded"}))
@pytest.mark.parametrize(("who", "field"), MASKED)
def test_a10_a_masked_field_is_no_oracle(shared_world, who, field, way):
    with pytest.raises((Malformed, Forbidden)):
        ask_for(field)[way](shared_world.records, shared_world.who(who))


def test_a_masked_field_shows_its_mask(shared_world):
    page = shared_world.records.query_json(
        shared_world.who("aud"), "company", fields="phones,email", where={"name": "Mia Works"}
    )
    (row,) = orjson.loads(page.rows)
    assert "0000000" not in str(row["phones"])
    assert "****" in str(row["phones"])
    assert row["email"] != "c1@test.example"
    record = shared_world.records.get(shared_world.who("aud"), "company", 1)
    assert record.masked == {"phones", "email"}
    assert "****" in str(record["phones"])


def test_an_expanded_link_shows_the_mask_of_its_target(shared_world):
    page = shared_world.records.query_json(
        shared_world.who("aud"), "person", fields="company", expand="company.email", sort="name"
    )
    assert "@test.example" not in page.rows.decode()


@pytest.mark.parametrize("typed", ["13900000002", "+8613900000002", "0000000", "c2@test", "s-sam"])
@pytest.mark.parametrize("who", ["vera", "aud"])
def test_a10_what_is_hidden_is_not_searched(shared_world, who, typed):
    records, principal = shared_world.records, shared_world.who(who)
    assert records.search(principal, typed) == []
    assert list(records.query(principal, "company", search=typed)) == []
    assert records.pick(principal, "person", "company", typed) == []


def test_what_may_be_read_is_searched(shared_world):
    hits = shared_world.records.search(shared_world.who("boss"), "13900000002")
    assert [(hit.entity, hit.id) for hit in hits] == [("company", 2)]


def test_a_view_over_a_hidden_field_is_refused(shared_world):
    with pytest.raises(Malformed):
        shared_world.records.query(shared_world.who("sam"), "company", view="secret_ones")
    boss = shared_world.records.query(shared_world.who("boss"), "company", view="secret_ones")
    assert len(boss) == 6


def test_a_view_for_other_roles_is_none(shared_world):
    with pytest.raises(Malformed, match="no view `for_boss`"):
        shared_world.records.query(shared_world.who("sam"), "company", view="for_boss")
    assert shared_world.records.query(shared_world.who("root"), "company", view="for_boss")


def test_through_is_empty_where_the_target_may_not_be_read(shared_world):
    def people(who):
        page = shared_world.records.query_json(shared_world.who(who), "person")
        return {row["name"]: row.get("company_level") for row in orjson.loads(page.rows)}

    assert people("boss") == {"Ann": "b", "Ben": "a", "Cid": "a", "Dan": "a"}
    # Tom may not read the company Ann works for.
    assert people("tom") == {"Ann": None, "Ben": "a", "Cid": "a"}


@pytest.mark.parametrize(
    "asked",
    [
        {"fields": "company_secret"},
        {"filter": "company_secret == 's-sam'"},
        {"where": {"company_secret": "s-sam"}},
        {"sort": "company_secret"},
    ],
)
def test_a11_through_is_closed_where_the_field_it_leads_to_is(shared_world, asked):
    records = shared_world.records
    with pytest.raises(Malformed):
        records.query_json(shared_world.who("sam"), "person", **asked)
    (row, *_) = orjson.loads(records.query_json(shared_world.who("sam"), "person").rows)
    assert "company_secret" not in row
    page = records.query_json(
        shared_world.who("boss"), "person", fields="company_secret", sort="name"
    )
    assert orjson.loads(page.rows)[0]["company_secret"] == "s-sam"


def test_a_filter_does_not_see_through_a_link_that_is_closed(shared_world):
    """Ann's company has level b; Tom may not read it, so it is empty for him."""

    def found(filter_text):
        page = shared_world.records.query(shared_world.who("tom"), "person", filter=filter_text)
        return {row["name"] for row in page}

    assert found("company.level == 'b'") == set()
    assert found("company.level is empty") == {"Ann"}
    assert found("company_level is empty") == {"Ann"}
    assert found("company.name == 'Sam Steel'") == set()


def test_a_sort_by_a_link_does_not_see_closed_titles(shared_world):
    page = shared_world.records.query(shared_world.who("tom"), "person", sort="company,name")
    assert [row["name"] for row in page] == ["Ben", "Cid", "Ann"]


def test_a_part_of_a_hidden_field_is_hidden(shared_world):
    with pytest.raises(Malformed):
        shared_world.records.query(shared_world.who("sam"), "company", fields="secret.x")
    with pytest.raises(Malformed):
        shared_world.records.query(shared_world.who("sam"), "company", where={"secret.x": "1"})
