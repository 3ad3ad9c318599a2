"""A plan that takes over what another has seen is the plan one would make afresh."""

import pytest

from app.database import basis
from app.database.plan import make_plan
from app.errors import PlanError
from tests.integration.database.installations import catalog_of, with_fields


@pytest.fixture
def reads(monkeypatch):
    """Return which tables were looked at since the test began; None stands for all."""
    found = []
    read = basis.read_shape

    def listen(connection, only=None):
        found.append(None if only is None else set(only))
        return read(connection, only)

    monkeypatch.setattr(basis, "read_shape", listen)
    return found


def catalog(*fields, **others):
    return catalog_of(deal=with_fields(*fields), note=with_fields(), **others)


def planned(installation, wanted, previous=None):
    with installation.pools.engine.connect() as connection:
        return make_plan(connection, wanted, previous=previous)


def test_save_after_save_is_planned_as_if_it_were_the_first(installation, reads):
    installation.apply(catalog())
    previous = planned(installation, catalog())
    fields = ["amount: {type: integer}", "closes: {type: date}", "amount: {type: text}"]
    for number in range(3):
        wanted = catalog(*fields[number == 2 : number + 1])
        found = planned(installation, wanted, previous)
        assert found.operations == planned(installation, wanted).operations
        assert found.operations
        assert found.basis.outline == planned(installation, wanted).basis.outline
        installation.apply(wanted, expected=found)
        assert planned(installation, wanted, found).is_empty
        previous = found
    assert {"deal"} in reads


def test_under_the_lock_only_what_the_plan_touches_is_looked_at_again(installation, reads):
    installation.apply(catalog())
    wanted = catalog("amount: {type: integer}")
    expected = planned(installation, wanted)
    reads.clear()
    installation.apply(wanted, expected=expected)
    assert reads == [{"deal"}]


def test_what_somebody_did_to_a_touched_table_meanwhile_is_seen(installation):
    installation.apply(catalog())
    wanted = catalog("amount: {type: integer}", "closes: {type: date}")
    expected = planned(installation, wanted)
    installation.sql("ALTER TABLE crm.deal ADD amount bigint, ADD closes text")
    with pytest.raises(PlanError, match="not as it was when this plan was made"):
        installation.apply(wanted, expected=expected)


@pytest.mark.parametrize("why", ["another apply", "a while"])
def test_everything_is_looked_at_after(installation, reads, monkeypatch, why):
    installation.apply(catalog())
    wanted = catalog("amount: {type: integer}")
    expected = planned(installation, wanted)
    if why == "another apply":
        # One that died before anything of it was live.
        installation.sql(
            "INSERT INTO trellis.config_version (fingerprint, applied_by, files, plan, outline,"
            " state) SELECT 'x', 'bob', files, plan, outline, 'failed' FROM trellis.config_version"
            " LIMIT 1"
        )
    else:
        monkeypatch.setattr(basis, "FRESH_SECONDS", 0.0)
    installation.sql("ALTER TABLE crm.note RENAME TO lost")
    reads.clear()
    found = planned(installation, wanted, expected)
    assert reads == [None]
    assert [type(each).__name__ for each in found.operations] != [
        type(each).__name__ for each in expected.operations
    ]
