"""How many messages with SQL a request sends: few, and the same however much there is.

libpq itself writes down what it sends, so nothing that asks the database another way is missed.
"""

import re

import psycopg
import pytest

from app.factory import create_app
from app.installation import Installation
from app.security.people import add_user
from app.services import open_services
from app.settings import read_settings

PASSWORD = "a long enough secret"
#: One for each statement: a query of its own, or the run of a prepared one.
SENT = re.compile(r"^F\t\d+\t(Query|Bind)\b", re.MULTILINE)
THING = """
entity: {name}
label: {{en: {name}}}
title: name
fields:
  name: {{type: text, required: yes, search: yes}}
  code: {{type: serial, format: "{name}-{{####}}"}}
  amount: {{type: money}}
  level: {{type: choice, options: [a, b]}}
  due_on: {{type: date}}
  twice: {{type: formula, formula: amount * 2}}
  before: {{type: link, to: {before}}}
  behind: {{type: rollup, of: {after}.before, count: yes}}
screens:
  board: {{by: level, cards: [amount]}}
  calendar: {{from: due_on}}
  list: {{columns: [name, code, amount, twice, before, owner], sort: -amount}}
  views:
    dear: {{label: Dear, where: amount > 100}}
  related: [{after}.before]
"""


DASHBOARD = """
dashboard: all
label: All
for: [seller]
figures:
"""


@pytest.fixture(scope="module", params=[5, 50])
def crm(request, databases, tmp_path_factory):
    """A CRM of so many entities, its web application, and what it sends to the database."""
    folder = tmp_path_factory.mktemp("statements")
    config = folder / "config"
    (config / "entities").mkdir(parents=True)
    names = [f"thing_{number}" for number in range(request.param)]
    app_file = "name: Many\nlanguages: [en, zh]\nmodules:\n  all: {has: [%s]}\n"
    (config / "app.yaml").write_text(app_file % ", ".join(names))
    (config / "roles.yaml").write_text(
        "roles:\n  seller: {scope: own, may: [create, read, update, delete, transfer, history]}\n"
        "  admin: {admin: yes}\n"
    )
    for number, name in enumerate(names):
        after = names[(number + 1) % len(names)]
        text = THING.format(name=name, before=names[number - 1], after=after)
        (config / "entities" / f"{name}.yaml").write_text(text)
    figures = [f"  - {{label: F{one}, value: sum({names[one % 5]}.amount)}}" for one in range(8)]
    (config / "dashboards").mkdir()
    (config / "dashboards" / "all.yaml").write_text(DASHBOARD + "\n".join(figures) + "\n")
    name = databases.create()
    settings = read_settings(
        {
            "DATABASE_URL": databases.url(name),
            "REDIS_URL": "redis://127.0.0.1:1",
            "TRELLIS_DATA": str(folder / "var"),
            "TRELLIS_CONFIG": str(config),
        }
    )
    with (folder / "trace").open("w+b") as trace, pytest.MonkeyPatch.context() as patch:
        connect = psycopg.Connection.connect.__func__

        def traced(cls, *args, **kwargs):
            connection = connect(cls, *args, **kwargs)
            connection.pgconn.trace(trace.fileno())
            connection.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
            return connection

        patch.setattr(psycopg.Connection, "connect", classmethod(traced))
        services = open_services(settings)
        installation = Installation(settings, services.pools)
        installation.apply(installation.folder.load_catalog(), "test")
        add_user(
            services.records,
            login="sam",
            password=PASSWORD,
            roles=["seller"],
            values={"name": "Sam"},
        )
        yield Crm(create_app(settings, services), trace, services)
        services.close()
    databases.drop(name)


class Crm:
    """Requests of Sam's, and the statements each took."""

    def __init__(self, app, trace, services):
        self.trace = trace
        self.services = services
        self.browser, self.program = app.test_client(), app.test_client()
        answer = self.program.post(
            "/api/v1/security/login",
            json={"username": "sam", "password": PASSWORD, "provider": "db"},
        )
        self.token = {"Authorization": f"Bearer {answer.json['access_token']}"}
        page = self.browser.get("/sign-in").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        form = {"username": "sam", "password": PASSWORD, "csrf_token": token}
        assert self.browser.post("/sign-in", data=form).status_code == 303
        made = [self.ask("POST", self.new(number)).json for number in range(40)]
        self.id = made[0]["id"]

    def new(self, number):
        return {"name": f"New {number}", "amount": str(number)}

    def ask(self, method, sent=None, path="/api/v1/thing_1/"):
        answer = self.program.open(path, method=method, json=sent, headers=self.token)
        assert answer.status_code < 300, answer.text
        return answer

    def page(self, path):
        answer = self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return answer

    def statements(self, ask):
        """Return how many statements a request takes, once what is kept for a while is there.

        Once a second a process compares a number or two with the database; the fewest of several
        tries is without that.
        """
        for _ in range(7):
            ask()
        found = []
        for _ in range(6):
            before = self._sent()
            ask()
            found.append(self._sent() - before)
        return min(found)

    def _sent(self):
        self.trace.seek(0)
        return len(SENT.findall(self.trace.read().decode(errors="replace")))


def test_q14_a_list_page_takes_two_statements(crm):
    # Which shape somebody looked at last is kept.
    assert crm.page("/crm/thing_1/?as=list").text.count("<tr data-href") == 25
    assert crm.statements(lambda: crm.page("/crm/thing_1/")) == 2
    assert crm.statements(lambda: crm.page("/crm/thing_1/?view=dear&q=new")) <= 6
    # What people saved is known; all groups are one statement, the rows of the first another.
    settings = {"filter": "amount > 3", "columns": ["amount", "name"], "sort": "-amount"}
    sent = {"name": "Mine", "settings": settings}
    view = crm.ask("POST", sent, "/api/v1/thing_1/views").json["id"]
    assert crm.statements(lambda: crm.page(f"/crm/thing_1/?view={view}")) == 2
    assert crm.statements(lambda: crm.page("/crm/thing_1/?group=owner")) == 4


def test_q14_an_api_list_takes_one_statement_and_one_more_with_its_count(crm):
    assert crm.statements(lambda: crm.ask("GET")) == 1
    counted = "/api/v1/thing_1/?count=capped&sort=-amount&expand=before,owner"
    assert crm.statements(lambda: crm.ask("GET", path=counted)) == 2


def test_q14_getting_a_record_takes_one_statement(crm):
    assert crm.statements(lambda: crm.ask("GET", path=f"/api/v1/thing_1/{crm.id}")) == 1


def test_q14_creating_a_record_takes_at_most_six_statements(crm):
    numbers = iter(range(1000, 2000))
    create = lambda: crm.ask("POST", crm.new(next(numbers)))  # noqa: E731 - said once.
    # Begin, the row, its history, event and search row, commit; its number; the answer.
    assert crm.statements(create) <= 6


def test_q14_a_record_page_takes_as_many_statements_however_many_entities_there_are(crm):
    assert crm.statements(lambda: crm.page(f"/crm/thing_1/{crm.id}")) <= 12
    assert crm.statements(lambda: crm.page(f"/crm/thing_1/{crm.id}/edit")) <= 6


@pytest.mark.parametrize(
    ("path", "most"),
    [
        # Counts and sums, the first cards of all columns.
        ("/crm/thing_1/?as=board", 3),
        ("/crm/thing_1/?as=calendar", 3),
        # Eight figures of five entities.
        ("/dashboards/all/part", 9),
        ("/", 6),
    ],
)
def test_q14_pages_of_every_day_take_as_many_statements_whatever_there_is(crm, path, most):
    assert crm.statements(lambda: crm.page(path)) <= most
