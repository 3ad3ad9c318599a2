"""The company of the writing tests, with quiet hours and things that not everybody may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.access.principal import SYSTEM
from app.automation.outgoing import Outbox
from app.notifications.telling import Notice, Teller, Told
from app.texts import Label
from tests.integration.writing import world as writing

APP = writing.APP + 'calendar: {hours: ["09:00-18:00"], quiet: "21:00-08:00"}\n'
CUSTOMER = writing.CUSTOMER.replace(
    "access:\n  fields: {",
    "access:\n  auditor: {scope: all, read: \"level == 'a'\"}\n"
    "  fields: {phones: {auditor: masked}, ",
).replace("secret: {seller: hidden}", "secret: {seller: hidden, manager: read}")
FILES = {**writing.FILES, "app.yaml": APP, "entities/customer.yaml": CUSTOMER}
LEFT = {"mia": "mia@acme.example", "sam": "sam@acme.example", "tom": "tom@acme.example"}


def build(url: str) -> None:
    """Build the template: tables, people with addresses, two languages."""
    writing.build(url, FILES)
    pools = writing.Pools(url)
    made = writing.World(pools, writing.Path("unused"))
    try:
        for name, address in LEFT.items():
            made.records.update(SYSTEM, "user", made.ids[name], {"email": address})
        made.records.update(SYSTEM, "user", made.ids["mia"], {"language": "zh"})
        made.records.update(SYSTEM, "user", made.ids["sam"], {"mobile": "+8613800138000"})
    finally:
        made.close()


@dataclass(frozen=True)
class Person:
    """Somebody to be told."""

    user_id: int | None = None
    address: str | None = None
    name: str = ""


@dataclass
class Company:
    """What the tests of this folder work with."""

    world: writing.World
    teller: Teller = field(default_factory=Teller)

    def __post_init__(self) -> None:
        self.teller.preferences.patience = 0.0

    def person(self, name: str) -> Person:
        if "@" in name:
            return Person(address=name, name=name)
        return Person(self.world.ids[name], name=name.title())

    def tell(
        self,
        to: Sequence[str],
        text: str | Label | None = None,
        *,
        record: int | None = None,
        entity: str = "customer",
        at: datetime | None = None,
        key: str = "k",
        **more: Any,
    ) -> Told:
        """Tell people something in a transaction of its own."""
        if at is not None:
            self.world.clock.moment = at
        said = Label({"en": text}) if isinstance(text, str) else text
        notice = Notice(
            kind="rule",
            key=key,
            to=[self.person(name) for name in to],
            text=said,
            about=Label({"en": "Remind", "zh": "提醒"}),
            entity=entity if record is not None else None,
            record_id=record,
            **more,
        )

        def step(work: Any) -> Told:
            outbox = Outbox()
            told = self.teller.tell(work, outbox, notice)
            outbox.flush(work)
            return told

        return self.world.records.writer.transact(SYSTEM, step)

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """Return everything in a table, in order."""
        with self.world.pools.engine.connect() as connection:
            found = connection.execute(table.select().order_by(table.c.id))
            return [dict(row._mapping) for row in found]

    def name_of(self, user_id: int) -> str:
        return next(name for name, number in self.world.ids.items() if number == user_id)
