"""Creating and changing records."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.access.principal import NOBODY
from app.database import system
from app.errors import Forbidden, InvalidInput, NotFound
from app.records.conflicts import RecordConflict
from tests.integration.writing import world as worlds
from tests.integration.writing.world import NOW


def sentences(error, field):
    return [str(sentence) for sentence in error.value.fields[field]]


def test_create_fills_in_what_was_not_said(world):
    written = world.records.create(world.who("sam"), "customer", {"name": "Acme"})
    assert written.version == 1
    assert written.values["name"] == "Acme"
    assert written.values["level"] == "b"
    assert written.values["locked"] is False
    assert written.values["code"] == "C2026-0001"
    row = world.row("customer", written.id)
    assert row["owner"] == world.ids["sam"]
    assert row["owner_since"] == NOW
    assert row["created_by"] == row["updated_by"] == world.ids["sam"]
    assert (row["orders"], row["total"], row["score"]) == (0, 0, 0)


def test_a_default_may_be_worked_out(world):
    order = world.order(world.customer())
    assert world.row("order", order)["due_on"] == date(2026, 3, 10) + timedelta(days=10)


def test_everything_wrong_is_said_at_once(world):
    with pytest.raises(InvalidInput) as error:
        world.records.create(
            world.who("sam"), "customer", {"nam": "x", "credit": "5", "email": "no", "id": 7}
        )
    assert set(error.value.fields) == {"nam", "name", "credit", "email", "id"}
    assert sentences(error, "nam") == ["There is no field nam. Did you mean name?"]
    assert "may read Credit" in sentences(error, "credit")[0]


def test_what_cannot_be_read_is_not_called_missing_as_well(world):
    with pytest.raises(InvalidInput) as error:
        world.records.create(world.who("sam"), "customer", {"name": "x" * 41})
    assert sentences(error, "name") == ["The text has 41 characters; at most 40 are allowed."]


def test_what_a_number_is_made_of_is_asked_for(world):
    order = worlds.FILES["entities/order.yaml"].replace(
        "to: customer, required: yes", "to: customer"
    )
    world.apply(worlds.FILES | {"entities/order.yaml": order})
    with pytest.raises(InvalidInput) as error:
        world.records.create(world.who("sam"), "order", {})
    assert sentences(error, "customer") == ["Customer is needed: it is part of Number."]


def test_a13_what_the_system_keeps_cannot_be_set(world):
    for name in (
        "id",
        "version",
        "created_by",
        "created_at",
        "owner_since",
        "deleted_at",
        "orders",
    ):
        with pytest.raises(InvalidInput) as error:
            world.records.create(world.who("root"), "customer", {"name": "x", name: 1})
        assert name in error.value.fields


def test_a9_a_hidden_field_is_no_field(world):
    with pytest.raises(InvalidInput) as error:
        world.records.create(world.who("sam"), "customer", {"name": "x", "secret": "y"})
    assert sentences(error, "secret")[0].startswith("There is no field secret.")
    assert "secret" not in sentences(error, "secret")[0].partition(".")[2]


def test_a12_a_field_one_may_only_read_is_refused_by_name(world):
    number = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", number, {"credit": "7", "name": "New"})
    assert set(error.value.fields) == {"credit"}
    assert world.row("customer", number)["name"] == "Acme"


def test_required_is_asked_for_by_its_condition(world):
    number = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", number, {"level": "a"})
    assert sentences(error, "reason") == ["Reason is needed."]
    written = world.records.update(
        world.who("mia"), "customer", number, {"level": "a", "reason": "big"}
    )
    assert [str(warning) for warning in written.warnings] == ["A key customer without credit"]


def test_q9_a_condition_holds_for_batches_as_well(world):
    with pytest.raises(InvalidInput) as error:
        world.records.batch(
            world.who("sam"),
            "customer",
            [{"action": "create", "values": {"name": "x", "level": "a"}}],
        )
    assert set(error.value.fields) == {"0.reason"}


def test_a_check_refuses_and_nothing_is_written(world):
    number = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("mia"), "customer", number, {"credit": "1000.01"})
    assert error.value.fields["credit"][0].in_language("zh") == "不超过一千。"
    assert world.row("customer", number)["version"] == 1


def test_readonly_by_condition_looks_at_what_was_there(world):
    number = world.customer(note="one")
    world.records.update(world.who("sam"), "customer", number, {"note": "two", "locked": True})
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", number, {"note": "three"})
    assert "locked" in sentences(error, "note")[0]
    world.records.update(world.who("sam"), "customer", number, {"locked": False, "name": "B"})
    world.records.update(world.who("sam"), "customer", number, {"note": "three"})


def test_an_update_that_changes_nothing_leaves_no_trace(world):
    number = world.customer()
    written = world.records.update(world.who("sam"), "customer", number, {"name": "Acme"})
    assert (written.changed, written.version) == (False, 1)
    assert len(world.records.history(world.who("sam"), "customer", number)) == 1


def test_a_whole_record_may_be_sent_back(world):
    number = world.customer()
    import orjson

    sent = orjson.loads(world.records.get_json(world.who("sam"), "customer", number).row)
    sent.pop("id"), sent.pop("version")
    sent["name"] = "Other"
    assert world.records.update(world.who("sam"), "customer", number, sent).version == 2


def test_a1_a2_somebody_elses_record_is_not_there(world):
    number = world.customer("tom")
    with pytest.raises(NotFound):
        world.records.update(world.who("sam"), "customer", number, {"name": "x"})
    with pytest.raises(NotFound):
        world.records.delete(world.who("mia"), "customer", number)
    assert world.row("customer", number)["version"] == 1


def test_who_may_only_read_is_told_so(world):
    number = world.customer()
    with pytest.raises(Forbidden):
        world.records.update(world.who("aud"), "customer", number, {"name": "x"})
    with pytest.raises(Forbidden):
        world.records.create(world.who("aud"), "customer", {"name": "x"})


def test_nobody_may_do_nothing(world):
    with pytest.raises(Forbidden):
        world.records.create(NOBODY, "customer", {"name": "x"})
    number = world.customer()
    with pytest.raises(NotFound):
        world.records.update(NOBODY, "customer", number, {"name": "x"})


def test_a15_a_link_to_what_one_may_not_see_is_like_one_to_nothing(world):
    hidden = world.customer("tom")
    said = []
    for target in (hidden, 99_999):
        with pytest.raises(InvalidInput) as error:
            world.records.create(world.who("sam"), "order", {"customer": target})
        said.append(sentences(error, "customer")[0].replace(str(target), "N"))
    assert said[0] == said[1] == "There is no Customer N, or you may not see it."


def test_a16_one_hidden_id_in_a_list_refuses_the_list(world):
    seen, hidden = world.customer(), world.customer("tom")
    with pytest.raises(InvalidInput):
        world.customer(friends=[seen, hidden])
    assert world.one(sa.text("SELECT count(*) FROM crm.customer WHERE friends <> '{}'"))[0] == 0


def test_a17_giving_a_record_away_needs_the_right_to_transfer(world):
    number = world.customer()
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", number, {"owner": world.ids["tom"]})
    assert set(error.value.fields) == {"owner"}
    world.records.update(world.who("mia"), "customer", number, {"owner": world.ids["sue"]})
    row = world.row("customer", number)
    assert (row["owner"], row["previous_owner"]) == (world.ids["sue"], world.ids["sam"])


def test_a_tree_makes_no_circle(world):
    top = world.customer()
    below = world.customer(parent=top)
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", top, {"parent": below})
    assert "circle" in sentences(error, "parent")[0]
    with pytest.raises(InvalidInput):
        world.records.update(world.who("sam"), "customer", top, {"parent": top})


def test_q5_a_removed_option_stays_where_it_is(world):
    from tests.integration.writing.world import FILES

    number = world.customer(level="old")
    world.apply(
        {
            **FILES,
            "entities/customer.yaml": FILES["entities/customer.yaml"].replace(
                "old: {label: Old}", "old: {label: Old, removed: yes}"
            ),
        }
    )
    world.records.update(world.who("sam"), "customer", number, {"name": "Still"})
    with pytest.raises(InvalidInput):
        world.customer(level="old")


def test_q7_unique_holds_for_writers_at_the_same_moment(world):
    begin = threading.Barrier(2)

    def create(email):
        begin.wait()
        try:
            return world.customer(email=email)
        except InvalidInput as error:
            return [str(s) for s in error.fields["email"]]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(create, ["a@x.example", "A@X.example"]))
    numbers = [each for each in found if isinstance(each, int)]
    refused = [each for each in found if not isinstance(each, int)]
    assert len(numbers) == 1
    assert refused == [["Another Customer has this Email already."]]


def test_q7_what_lies_in_the_bin_takes_no_name(world):
    number = world.customer(email="a@x.example")
    world.records.delete(world.who("mia"), "customer", number)
    world.customer(email="a@x.example")
    with pytest.raises(InvalidInput) as error:
        world.records.restore(world.who("mia"), "customer", number)
    assert set(error.value.fields) == {"email"}


def test_r4_numbers_are_given_once(world):
    customer = world.customer()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: world.customer(), range(50)))
    codes = {world.row("customer", number)["code"] for number in numbers}
    assert len(codes) == 50
    other = world.customer()
    assert world.row("order", world.order(customer))["number"].endswith("-0001")
    assert world.row("order", world.order(other))["number"].endswith("-0001")
    assert world.row("order", world.order(customer))["number"].endswith("-0002")


def test_r1_the_second_of_two_editors_is_told_what_changed(world):
    number = world.customer()
    world.records.update(world.who("sam"), "customer", number, {"name": "First"}, version=1)
    with pytest.raises(RecordConflict) as error:
        world.records.update(
            world.who("mia"), "customer", number, {"name": "Second", "credit": "3"}, version=1
        )
    assert error.value.differing == {
        "name": {"opened": "Acme", "now": "First", "yours": "Second", "clash": True}
    }
    assert error.value.version == 2
    assert world.row("customer", number)["name"] == "First"


def test_r2_without_a_version_the_last_writer_wins(world):
    number = world.customer()
    world.records.update(world.who("sam"), "customer", number, {"name": "First"})
    assert world.records.update(world.who("sam"), "customer", number, {"name": "2"}).version == 3


def test_r7_nobody_edits_what_was_deleted(world):
    number = world.customer()
    world.records.delete(world.who("mia"), "customer", number)
    with pytest.raises(NotFound):
        world.records.update(world.who("sam"), "customer", number, {"name": "x"}, version=1)


def test_a21_a_hook_that_refuses_leaves_nothing(world, tmp_path):
    from app.errors import Reject
    from tests.integration.writing.world import World

    class Hooks:
        def before_save(self, record, principal, is_new):  # noqa: ARG002
            record.set("note", "by hook")

        def after_save(self, record, principal, is_new):  # noqa: ARG002
            seen.append((record.id, is_new))

    seen = []
    with_hooks = World(world.pools, tmp_path, Hooks())
    number = with_hooks.customer()
    assert world.row("customer", number)["note"] == "by hook"
    assert seen == [(number, True)]

    class Refusing(Hooks):
        def before_save(self, record, principal, is_new):  # noqa: ARG002
            raise Reject("Not today.", field="name")

    refusing = World(world.pools, tmp_path, Refusing())
    before = world.one(sa.select(sa.func.count()).select_from(system.history))[0]
    with pytest.raises(InvalidInput) as error:
        refusing.customer()
    assert error.value.fields == {"name": ["Not today."]}
    assert world.one(sa.select(sa.func.count()).select_from(system.history))[0] == before
    with_hooks.live.stop()
    refusing.live.stop()


def test_exact_amounts_stay_exact(world):
    mia = world.who("mia")
    number = world.records.create(mia, "customer", {"name": "x", "credit": "0.30"}).id
    assert world.row("customer", number)["credit"] == Decimal("0.30")
    with pytest.raises(InvalidInput) as error:
        world.records.update(mia, "customer", number, {"credit": "0.30000000000000004"})
    assert set(error.value.fields) == {"credit"}


def test_l1_l5_history_and_event_are_part_of_the_write(world):
    number = world.customer()
    world.records.update(world.who("mia"), "customer", number, {"credit": "5"})
    newest, oldest = world.records.history(world.who("mia"), "customer", number)
    assert (newest.action, newest.user_id, newest.version) == ("update", world.ids["mia"], 2)
    assert newest.changes["credit"] == (None, "5.00") or newest.changes["credit"] == (None, "5")
    assert oldest.action == "create"
    events = world.one(
        sa.select(sa.func.count())
        .select_from(system.event)
        .where(
            system.event.c.record_id == number,
            system.event.c.entity == world.live.release.numbers["customer"],
        )
    )
    assert events[0] == 2


def test_l2_history_hides_what_the_role_may_not_see(world):
    number = world.customer()
    world.records.update(world.who("root"), "customer", number, {"secret": "hush"})
    assert "secret" in world.records.history(world.who("root"), "customer", number)[0].changes
    assert "secret" not in world.records.history(world.who("sam"), "customer", number)[0].changes
    with pytest.raises(NotFound):
        world.records.history(world.who("tom"), "customer", number)


def test_a_record_is_found_as_soon_as_it_is_written(world):
    number = world.customer(name="信远科技", phones=[{"number": "13800138000"}])
    for words in ("信远", "xinyuan", "xykj", "13800138000"):
        assert [hit.id for hit in world.records.search(world.who("sam"), words)] == [number], words
    world.records.update(world.who("sam"), "customer", number, {"name": "Beta"})
    assert not world.records.search(world.who("sam"), "信远")
    assert world.records.search(world.who("sam"), "beta")


def test_a_check_over_other_records_holds_for_writers_at_the_same_moment(world):
    customer = world.customer()
    world.order(customer)
    world.order(customer)
    world.order(customer)
    with pytest.raises(InvalidInput) as error:
        world.records.update(world.who("sam"), "customer", customer, {"name": "x"})
    assert str(error.value.message) == "Too many open orders"


def test_f21_a_deadlock_is_repeated(world):
    first, second = world.customer(), world.customer(name="Beta")
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(
                lambda n: world.records.transfer(
                    world.who("mia"),
                    "customer",
                    [first, second] if n % 2 else [second, first],
                    world.ids["sue" if n % 3 else "sam"],
                ),
                range(40),
            )
        )
    assert len(done) == 40
