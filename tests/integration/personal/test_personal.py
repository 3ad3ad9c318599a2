"""Persons: found wherever they stand, taken along, and taken out for good, backups included."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.access.organisation import Organisation
from app.access.principal import Principal
from app.automation.assembly import assemble
from app.automation.registry import register
from app.backups.places import Place
from app.clock import FrozenClock
from app.database import system
from app.database.apply import ApplyOptions, apply_catalog
from app.database.automation_tables import delivery, reminder
from app.database.live import Live
from app.database.mail_tables import mail
from app.database.pools import Pools
from app.database.transfer_tables import export_run, import_fault
from app.errors import Forbidden, InvalidInput, NotFound
from app.fields.registry import field_types
from app.personal import redo
from app.personal.desk import PersonalData
from app.records.files import FileStore
from app.records.recompute import recompute
from app.security.first_start import add_roles, create_account_tables
from tests.integration.settling import catalog_from, hire

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
FILES = {
    "app.yaml": "name: Test\nlanguages: [en, zh]\ntime_zone: Asia/Shanghai\ncurrencies: [CNY]\n",
    "roles.yaml": """
roles:
  seller: {scope: own, may: [create, read, update, delete, restore, merge, history]}
  legal: {scope: all, may: [read, history, anonymise]}
  clerk: {scope: all, may: [read, anonymise]}
  admin: {admin: yes}
""",
    "entities/contact.yaml": """
entity: contact
title: name
keep: position == 'Guarantor' and exists(contact, customer == record.customer)
fields:
  name: {type: text, required: yes, personal: yes, search: yes}
  mobile: {type: phone, personal: yes, mask: middle, search: yes}
  emails: {type: emails, personal: yes}
  email: {type: email, required: yes, unique: yes, personal: yes}
  birthday: {type: date, personal: yes}
  position: {type: text}
  secret: {type: text, personal: yes}
  customer: {type: link, to: customer}
  age: {type: formula, formula: "year(birthday)"}
checks:
  - {must: mobile is not empty or birthday is not empty, message: A number or a birthday}
access: {fields: {secret: {legal: hidden}, mobile: {legal: read, clerk: masked}}}
""",
    "entities/customer.yaml": """
entity: customer
title: name
fields:
  name: {type: text, required: yes, search: yes}
  names: {type: rollup, of: contact.customer, list: name}
  last: {type: rollup, of: contact.customer, latest: name, by: created_at}
""",
    "entities/note.yaml": """
entity: note
title: subject
fields:
  subject: {type: text}
  content: {type: longtext, search: yes}
  about: {type: any_link, to: [contact, customer]}
""",
    "entities/card.yaml": """
entity: card
title: number
fields:
  number: {type: text}
  contact: {type: link, to: contact, required: yes, on_delete: clear}
""",
    "workflows/rules.yaml": """
rule: birthday
entity: contact
when: {before: 1 day, until: birthday, yearly: yes}
do: [{notify: {to: owner, say: "{{ record.name }} tomorrow"}}]
---
rule: changed
entity: contact
when: {on: update}
do: [{notify: {to: owner, say: "{{ record.name }} changed"}}]
""",
}
PEOPLE = {
    "root": ("admin", None),
    "sam": ("seller", None),
    "law": ("legal", None),
    "ann": ("clerk", None),
}
IDS = {name: number for number, name in enumerate(PEOPLE, start=1)}
LI = {
    "name": "Li Meihua",
    "mobile": "138 0013 6021",
    "email": "li.meihua@example.com",
    "emails": [{"address": "private@example.org"}],
    "birthday": "1990-05-04",
    "secret": "knows-too-much",
}


def build(url: str) -> None:
    pools = Pools(url)
    try:
        catalog = catalog_from(FILES)
        create_account_tables(pools.engine)
        options = ApplyOptions(
            recompute=(recompute,),
            on_live=lambda connection, _plan, _number: register(connection, catalog, NOW),
        )
        apply_catalog(pools, catalog, "test", options=options)
        with pools.write.connection() as connection:
            add_roles(connection, catalog.roles)
        made = Desk(pools, Path("unused"))
        hire(made.records, PEOPLE)
        made.live.stop()
    finally:
        pools.close()


class Desk:
    """An installation with somebody who answers requests of persons."""

    def __init__(self, pools: Pools, folder: Path) -> None:
        self.pools, self.folder = pools, folder
        self.live = Live(pools, field_types())
        self.clock = FrozenClock(NOW)
        self.organisation = Organisation(pools, lambda: self.live.release)
        self.files = FileStore(folder)
        self.house = assemble(
            pools, self.live, self.organisation, self.clock, secret=b"test", files=self.files
        )
        self.records = self.house.records
        self.personal = PersonalData(self.records, pools, self.files, Place(folder / "backups"))

    def who(self, name: str) -> Principal:
        found = self.organisation.principal(IDS[name])
        assert found is not None
        return found

    def create(self, entity: str, who: str = "sam", **values: Any) -> int:
        return self.records.create(self.who(who), entity, values).id

    def row(self, entity: str, number: int) -> dict[str, Any]:
        table = self.live.release.tables[entity]
        return self.select(table.select().where(table.c.id == number))[0]

    def select(self, statement: Any) -> list[dict[str, Any]]:
        with self.pools.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def insert(self, table: sa.Table, **values: Any) -> None:
        with self.pools.engine.begin() as connection:
            connection.execute(sa.insert(table).values(**values))

    def everything(self) -> str:
        """Return all that the database says anywhere."""
        told = []
        with psycopg.connect(self.pools.url) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables "
                "WHERE schemaname IN ('trellis', 'crm', 'public')"
            ).fetchall()
            for schema, name in tables:
                rows = connection.execute(f'SELECT t::text FROM "{schema}"."{name}" t').fetchall()
                told += [f"{schema}.{name}: {row[0]}" for row in rows]
        return "\n".join(told)

    def attach(self, entity: str, number: int, name: str, text: bytes) -> None:
        kept = self.records.add_file(self.who("sam"), io.BytesIO(text), name)
        self.records.attach(self.who("sam"), entity, number, [kept.id])


@pytest.fixture
def desk(template_database, clone_database, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Pools(clone_database(template_database("personal_world", build))), tmp_path)
    yield made
    made.live.stop()
    made.pools.close()


def settle(desk: Desk) -> dict[str, int]:
    """Write of one person wherever one can; return the records."""
    sam = desk.who("sam")
    acme = desk.create("customer", name="Acme")
    contact = desk.create("contact", customer=acme, position="Buyer", **LI)
    desk.records.update(sam, "contact", contact, {"mobile": "+86 139 1111 2222"})
    twin = desk.create("contact", name="Mei Hua Li", email="twin@example.com", mobile="13800136021")
    desk.records.merge(sam, "contact", contact, [twin], {})
    other = desk.create(
        "contact", name="Li Meihua", email="other@example.com", mobile="13755556666", customer=acme
    )
    note = desk.create(
        "note",
        subject="Call",
        content="Li Meihua (138-0013-6021) is glad",
        about={"entity": "contact", "id": contact},
    )
    apart = desk.create(
        "note",
        subject="List",
        content="13911112222, Li Meihua",
        about={"entity": "customer", "id": acme},
    )
    desk.records.comment(sam, "contact", contact, "LI MEIHUA likes tea")
    desk.attach("contact", contact, "passport.txt", b"Li Meihua was born")
    kind = desk.live.release.numbers["contact"]
    desk.insert(
        mail, mailbox="m", message_id="<1@x>", sender="li.meihua@example.com", subject="Hello",
        state="kept", entity=kind, record_id=contact, received_at=NOW,
    )  # fmt: skip
    desk.insert(
        delivery, key="d", channel="email", target="li.meihua@example.com",
        content={"subject": "Dear Li Meihua", "text": "…"}, entity=kind, record_id=contact,
    )  # fmt: skip
    desk.insert(
        import_fault, run=1, row=7, values={"phone": "+86 13800136021", "n": 138001360215},
        reasons=[],
    )  # fmt: skip
    desk.insert(
        export_run, kind="list", name="contacts.csv", form="csv", state="done",
        wanted={"entity": "contact", "search": "13800136021"}, expires_at=NOW + timedelta(days=7),
    )  # fmt: skip
    desk.insert(
        system.audit, kind="data.export.start", user_id=IDS["root"],
        details={"entity": "contact", "rows": 3, "form": "csv"},
    )  # fmt: skip
    return {
        "acme": acme, "contact": contact, "twin": twin, "other": other, "note": note, "apart": apart
    }  # fmt: skip


def test_a_person_is_found_wherever_they_stand(desk: Desk) -> None:
    made, law = settle(desk), desk.who("law")
    found = desk.personal.find(law, "13911112222")
    assert [(one.entity, one.id, one.by) for one in found.records] == [
        ("contact", made["contact"], ("mobile",))
    ]
    assert [(one.entity, one.rows) for one in found.exports] == [("contact", 3)]

    deep = desk.personal.find(law, "138 0013 6021", deeply=True)
    assert [(one.id, one.by, one.in_bin) for one in deep.records] == [
        (made["twin"], ("mobile",), True),
        (made["contact"], ("history",), False),
    ]
    assert [(one.entity, one.id) for one in deep.mentions] == [("note", made["note"])]
    assert deep.elsewhere == {"imports": 1, "exports": 1}

    by_name = desk.personal.find(law, "li meihua", deeply=True)
    assert {one.id for one in by_name.records} == {made["contact"], made["other"]}
    assert by_name.elsewhere["comments"] == 1
    assert desk.personal.find(law, "LI.Meihua@Example.com").records[0].by == ("email",)
    assert desk.personal.find(law, "knows-too-much").records == []

    words = desk.personal.about(law, "contact", made["contact"])
    assert "li.meihua@example.com" in words
    assert "knows-too-much" not in words
    # What is masked is found by whoever has all of it, and neither told nor guessed.
    ann = desk.who("ann")
    assert desk.personal.find(ann, "+86 139-1111 2222").records[0].by == ("mobile",)
    assert desk.personal.find(law, "1391111").records
    assert desk.personal.find(ann, "1391111").records == []
    assert not any("139" in word for word in desk.personal.about(ann, "contact", made["contact"]))
    # Two characters are a name; the index of search knows them in pairs.
    fang = desk.create("contact", name="王芳", email="fang@example.com", mobile="13800001111")
    for text in ("王芳", "fang@example"):
        assert [one.id for one in desk.personal.find(law, text).records] == [fang]
    with pytest.raises(Forbidden):
        desk.personal.find(desk.who("sam"), "13911112222")
    with pytest.raises(NotFound):
        desk.personal.about(law, "contact", 999)


def test_a_person_is_taken_out_for_good(desk: Desk) -> None:
    made, law = settle(desk), desk.who("law")
    kind = desk.live.release.numbers["contact"]
    assert desk.select(sa.select(reminder).where(reminder.c.record_id == made["contact"]))
    with pytest.raises(InvalidInput):
        desk.personal.anonymise(law, {"contact": [made["contact"]]}, " ")

    told = desk.personal.anonymise(law, {"contact": [made["contact"]]}, "Asked by letter, 3 Nov")

    row = desk.row("contact", made["contact"])
    number = made["contact"]
    assert (row["name"], row["mobile"], row["birthday"], row["age"], row["position"]) == (
        f"#{number}", None, None, None, "Buyer",
    )  # fmt: skip
    assert row["email"] == f"{number}@anonymised.invalid"
    assert desk.row("contact", made["twin"])["name"] == f"#{made['twin']}"
    assert desk.row("note", made["note"])["content"] == "**** (****) is glad"
    # Another of the same name stays, as do names in texts about others; numbers are one person's.
    assert desk.row("contact", made["other"])["name"] == "Li Meihua"
    assert desk.row("note", made["apart"])["content"] == "****, Li Meihua"
    (fault,) = desk.select(sa.select(import_fault))
    assert fault["values"] == {"phone": "****", "n": 138001360215}
    assert f"#{number}" in desk.row("customer", made["acme"])["names"]
    everything = desk.everything().replace("138001360215", "")
    for gone in ("13800136021", "138-0013-6021", "13911112222", "li.meihua@example",
                 "private@example", "1990-05-04", "knows-too-much", "Mei Hua Li"):  # fmt: skip
        assert gone not in everything, gone
    assert desk.records.search(desk.who("sam"), "13800136021") == []
    (file,) = desk.select(sa.select(system.file))
    assert (file["name"], file["deleted_at"].year) == ("****", 1970)
    (export,) = desk.select(sa.select(export_run))
    assert export["expires_at"] == NOW
    assert told.records == 2
    assert told.texts == 2
    waiting = desk.select(
        sa.select(reminder.c.due_at).where(
            reminder.c.entity == kind, reminder.c.record_id == made["contact"]
        )
    )
    assert all(one["due_at"] is None for one in waiting)


def test_what_was_taken_out_cannot_be_undone_or_restored(desk: Desk, tmp_path: Path) -> None:
    made, law, root = settle(desk), desk.who("law"), desk.who("root")
    desk.personal.hold(law, {"contact": [made["contact"]]}, "A dispute")
    with pytest.raises(InvalidInput, match="A dispute"):
        desk.personal.anonymise(law, {"contact": [made["contact"]]}, "Asked")
    kept = desk.create("contact", **{**LI, "email": "k@example.com"}, position="Guarantor",
                       customer=made["acme"])  # fmt: skip
    with pytest.raises(InvalidInput, match="keep: position == 'Guarantor'"):
        desk.personal.anonymise(law, {"contact": [kept]}, "Asked")
    desk.records.update(root, "contact", kept, {"position": "Buyer"})
    desk.personal.anonymise(law, {"contact": [kept]}, "Asked")
    desk.records.delete(root, "contact", made["other"])
    desk.personal.hold(law, {"contact": [made["other"]]}, "A dispute")
    with pytest.raises(InvalidInput, match="A dispute"):
        desk.records.purge(root, "contact", [made["other"]])
    before = desk.row("contact", made["contact"])
    desk.personal.release(law, {"contact": [made["contact"]]}, "It ended")
    desk.personal.anonymise(law, {"contact": [made["contact"]]}, "Asked")

    lines = desk.select(
        sa.select(system.history).where(system.history.c.record_id == made["contact"])
    )
    undone = [line["id"] for line in lines if line["action"] == "update"]
    assert "mobile" not in json.dumps([line["before"] for line in lines])
    assert undone
    kinds = [(one.kind, one.user_id, one.why) for one in desk.personal.acts(law)]
    assert kinds[0] == ("anonymised", IDS["law"], "Asked")
    assert [kind for kind, _, _ in kinds] == [
        "anonymised", "released", "held", "anonymised", "held",
    ]  # fmt: skip

    # A backup of before is restored elsewhere: there the person is as before …
    table = desk.live.release.tables["contact"]
    with desk.pools.engine.begin() as connection:
        back = {name: before[name] for name in ("name", "mobile", "birthday")}
        connection.execute(table.update().where(table.c.id == made["contact"]).values(back))
        connection.execute(sa.text("DELETE FROM trellis.personal_act WHERE kind = 'anonymised'"))
    place = tmp_path / "backups" / "trellis-20261124T000000Z.backup"
    assert redo.take_along(place, tmp_path / "new") == 2
    # … until what was done since is done again, once.
    assert redo.do_again(desk.records, desk.pools, tmp_path / "new") == 2
    assert redo.do_again(desk.records, desk.pools, tmp_path / "new") == 0
    assert desk.row("contact", made["contact"])["mobile"] is None
    again = desk.personal.acts(law)[0]
    assert (again.kind, again.user_id, again.happened_at, again.why) == (
        "anonymised", IDS["law"], NOW, "Asked",
    )  # fmt: skip
    assert redo.write_list(desk.pools, tmp_path / "backups") == 0


def test_a_person_gets_all_of_it(desk: Desk) -> None:
    made, law = settle(desk), desk.who("law")
    with desk.personal.export(law, {"contact": [made["contact"]]}, "By e-mail") as stream:
        archive = zipfile.ZipFile(io.BytesIO(stream.read()))
    names = archive.namelist()
    assert {"person.html", "records.jsonl", "history.jsonl", "comments.jsonl", "mails.jsonl"} <= {
        *names
    }
    (passport,) = [name for name in names if name.startswith("files/")]
    assert archive.read(passport) == b"Li Meihua was born"
    record = json.loads(archive.read("records.jsonl"))
    assert record["values"]["birthday"] == "1990-05-04"
    assert "secret" not in record["values"]
    page = archive.read("person.html").decode()
    assert "Li Meihua" in page
    assert "139 1111 2222" in page
    assert "knows-too-much" not in page
    assert b"+8613800136021" in archive.read("history.jsonl")
    desk.personal.correct(desk.who("root"), "contact", made["contact"], {"name": "Li M."}, "Asked")
    assert [one.kind for one in desk.personal.acts(law)] == ["corrected", "exported"]
