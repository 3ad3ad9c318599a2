"""Every hook, answered by the example of the documentation, on real records."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import hookspecs
from app.database.pools import Pools
from app.errors import InvalidInput, Reject
from app.expressions import check, parse, to_python
from app.plugins import Plugins, collect
from tests.integration.automation.engine.world import World as RulesWorld
from tests.integration.automation.engine.world import build as build_rules
from tests.integration.writing.world import World, build
from tests.plugins.hooks_page import PAGE, page

EXAMPLES = Path(__file__).parent / "examples"
PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.fixture
def example() -> Plugins:
    return collect(EXAMPLES)


@pytest.fixture
def open_world(template_database, clone_database, tmp_path):
    opened = []

    def open_with(plugins: Plugins) -> World:
        pools = Pools(clone_database(template_database("writing_world", build)))
        opened.append(World(pools, tmp_path, plugins.hooks))
        return opened[-1]

    yield open_with
    for world in opened:
        world.close()


def plugin(folder: Path, name: str, body: str) -> Plugins:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(
        "from app import hookimpl\nfrom app.errors import Reject\n\n" + body, encoding="utf-8"
    )
    return collect(folder)


class NoNames:
    """A scope without any name."""

    names = ()
    views = ()

    def find(self, name):
        del name


def test_hook_register_field_types():
    assert collect(PLUGINS).field_types["credit_code"].name == "credit_code"


def test_hook_register_functions(example):
    expression = parse("initials('Ada Byron  Lovelace')")
    checked = check(expression, NoNames(), functions=example.functions)
    assert to_python(checked)(None) == "ABL"


def test_hook_register_actions(template_database, clone_database, tmp_path, example):
    """A rule calls it in the transaction of the write; the plugin may refuse that."""
    pools = Pools(clone_database(template_database("engine_world", build_rules)))
    world = RulesWorld(pools, tmp_path, example.actions.values())
    world.rules(
        "rule: numbered\nentity: customer\nwhen: {on: create}\n"
        "do: [{run: {action: number, sign: X}}]"
    )
    number = world.create("customer")
    assert world.row("customer", number)["note"] == f"{number}X"
    (step,) = world.firings("numbered")[0]["steps"].values()
    assert step["note"] == {"en": f"Number {number}X"}
    line = world.history("customer", number)[-1]
    assert (line["origin"], line["cause"]) == ("rule", "numbered")
    with pytest.raises(Reject, match="Nobody gets no number"):
        world.create("customer", name="nobody")
    assert len(world.all("customer")) == 1
    world.close()


def test_the_function_of_the_example_is_the_same_in_sql(example, database_url):
    function = example.functions["initials"]
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        for text in ("Ada Byron  Lovelace", " a b ", "x", "", "张 三"):
            column = sa.literal(text, sa.Text())
            assert connection.scalar(sa.select(function.sql(None, column))) == function.python(
                None, text
            )
    engine.dispose()


def test_hook_before_save(example, open_world):
    world = open_world(example)
    number = world.customer(name="  Acme \u3000 Ltd ")
    assert world.row("customer", number)["name"] == "Acme Ltd"
    with pytest.raises(InvalidInput) as caught:
        world.customer(name="123")
    assert str(caught.value.fields["name"][0]) == "A name is more than a number."
    assert world.records.count(world.who("sam"), "customer").number == 1


def test_hook_after_save(example, open_world):
    heard = sys.modules["trellis_plugins.tidy_names"].HEARD
    world = open_world(example)
    heard.clear()
    number = world.customer(name="Acme")
    assert heard[-1][0] == "customer"
    assert "name" in heard[-1][1]
    version = world.row("customer", number)["version"]
    world.records.update(
        world.who("sam"), "customer", number, {"level": "a", "reason": "x"}, version=version
    )
    assert {"level", "reason"} <= heard[-1][1]
    assert "name" not in heard[-1][1]


def test_after_save_hears_nothing_of_what_was_rolled_back(example, open_world):
    heard = sys.modules["trellis_plugins.tidy_names"].HEARD
    world = open_world(example)
    heard.clear()
    with pytest.raises(InvalidInput):
        world.customer(name="Acme", level="a")  # `reason` is missing
    assert heard == []


def test_a_hook_that_fails_before_a_save_refuses_it_and_is_reported(tmp_path, open_world, caplog):
    plugins = plugin(tmp_path, "fails", "@hookimpl\ndef before_save(record):\n    1 / 0\n")
    world = open_world(plugins)
    with pytest.raises(InvalidInput) as caught:
        world.customer()
    assert "The plugin “fails” failed, so nothing was saved." in str(caught.value)
    assert "division" not in str(caught.value)
    assert "The plugin `fails` failed in before_save." in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_hook_that_fails_after_a_save_is_reported_and_the_record_stays(
    tmp_path, open_world, caplog
):
    plugins = plugin(
        tmp_path, "fails", "@hookimpl\ndef after_save(record):\n    raise ValueError('late')\n"
    )
    world = open_world(plugins)
    with caplog.at_level(logging.ERROR):
        number = world.customer()
    assert world.row("customer", number)["name"] == "Acme"
    assert "The plugin `fails` failed in after_save; the record is saved." in caplog.text


def test_hooks_are_called_in_the_order_of_the_plugins_names(tmp_path, open_world):
    for name in ("b_second", "a_first"):
        plugins = plugin(
            tmp_path,
            name,
            f"@hookimpl\ndef before_save(record):\n    record.set('name', record.get('name') + ' {name}')\n",
        )
    world = open_world(plugins)
    number = world.customer()
    assert world.row("customer", number)["name"] == "Acme a_first b_second"


# The page of the documentation.


def test_every_hook_is_documented_with_its_exact_signature():
    headings = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert headings == [
        f"`{hook.__name__}({', '.join(inspect.signature(hook).parameters)})`"
        for hook in hookspecs.HOOKS
    ]


def test_the_page_is_what_the_hooks_and_the_tested_examples_say():
    assert PAGE.read_text("utf-8") == page(), "run `python -m tests.plugins.hooks_page`"


def test_every_hook_has_a_test():
    for hook in hookspecs.HOOKS:
        assert f"test_hook_{hook.__name__}" in globals()
