"""Plugins are found, loaded and asked; whatever is wrong with one is said with its name and place."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest

from app.errors import SettingsError
from app.expressions import BUILTIN
from app.fields.registry import builtin_types
from app.plugins import PluginError, collect, load_plugins

SHIPPED = Path(__file__).parents[2] / "plugins"
EXAMPLES = Path(__file__).parent / "examples"

A_TYPE = """
from app import hookimpl
from app.fields.text import Text

class Mine(Text):
    name = {name!r}

@hookimpl
def register_field_types():
    return [Mine()]
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(PluginError) as caught:
        collect(folder)
    return str(caught.value)


def test_without_plugins_there_is_what_is_built_in(tmp_path):
    plugins = collect(tmp_path / "not-there")
    assert plugins.field_types.names() == tuple(one.name for one in builtin_types())
    assert set(plugins.functions) == set(BUILTIN)
    assert plugins.found == ()


@pytest.mark.parametrize(
    "folder", sorted(SHIPPED.glob("*/__init__.py")), ids=lambda p: p.parent.name
)
def test_every_shipped_plugin_loads(folder):
    names = [one.name for one in collect(SHIPPED).found]
    assert folder.parent.name in names


def test_settings_say_where_plugins_are(make_settings):
    plugins = load_plugins(make_settings(TRELLIS_PLUGINS=str(SHIPPED)))
    assert "credit_code" in plugins.field_types


def test_a_plugin_tells_about_itself():
    found = {one.name: one for one in collect(EXAMPLES).found}["tidy_names"]
    assert found.version == "1.0"
    assert found.place == str(EXAMPLES / "tidy_names")
    assert found.summary == "Tidy the names of customers, and count who writes."
    assert found.hooks == ("after_save", "before_save", "register_actions", "register_functions")
    assert found.actions == ("number",)
    assert found.functions == ("initials",)
    assert found.field_types == ()


def test_a_plugin_can_be_left_out():
    plugins = collect(SHIPPED, disabled=frozenset({"credit_code"}))
    assert "credit_code" not in plugins.field_types
    assert plugins.disabled == ("credit_code",)


def test_a_plugin_to_leave_out_must_be_there():
    with pytest.raises(SettingsError) as caught:
        collect(SHIPPED, disabled=frozenset({"credit_cod"}))
    assert str(caught.value) == (
        "TRELLIS_DISABLED_PLUGINS names `credit_cod`, which is not a plugin here."
        " Did you mean `credit_code`?"
    )


def test_a_field_type_registered_twice_names_both_plugins(tmp_path):
    write(tmp_path, "one", A_TYPE.format(name="mine"))
    write(tmp_path, "two", A_TYPE.format(name="mine"))
    assert refusal(tmp_path) == (
        "The field type `mine` is registered twice: by `one` and by `two`. Rename one of them, or "
        "disable one of the plugins with TRELLIS_DISABLED_PLUGINS."
    )


def test_a_built_in_name_is_taken(tmp_path):
    write(tmp_path, "one", A_TYPE.format(name="money"))
    assert "`money` is registered twice: by `built-in` and by `one`." in refusal(tmp_path)


def test_a_function_registered_twice_names_both_plugins(tmp_path):
    text = "from app import hookimpl\nfrom app.expressions import BUILTIN\n@hookimpl\ndef register_functions():\n    return [BUILTIN['round']]\n"
    write(tmp_path, "one", text)
    assert "The function `round` is registered twice: by `built-in` and by `one`." in refusal(
        tmp_path
    )


def test_a_plugin_that_cannot_be_imported_is_named_with_file_and_line(tmp_path):
    write(tmp_path, "broken", "x = 1\nimport not_there_at_all\n")
    place = tmp_path / "broken" / "__init__.py"
    assert refusal(tmp_path) == (
        f"The plugin `broken` cannot be loaded: {place}:2: ModuleNotFoundError: No module named "
        "'not_there_at_all'"
    )


def test_a_plugin_with_a_syntax_error_is_named_with_file_and_line(tmp_path):
    write(tmp_path, "broken", "x = 1\ndef f(:\n")
    assert f"cannot be loaded: {tmp_path / 'broken' / '__init__.py'}:2: SyntaxError" in refusal(
        tmp_path
    )


def test_a_plugin_that_fails_while_registering_is_named_with_file_and_line(tmp_path):
    write(
        tmp_path,
        "broken",
        "from app import hookimpl\n@hookimpl\ndef register_field_types():\n    return 1 / 0\n",
    )
    place = tmp_path / "broken" / "__init__.py"
    assert refusal(tmp_path) == (
        f"The plugin `broken` failed in register_field_types: {place}:4: ZeroDivisionError: "
        "division by zero"
    )


def test_a_hook_that_there_is_not_is_refused(tmp_path):
    write(
        tmp_path, "odd", "from app import hookimpl\n@hookimpl\ndef before_safe(record):\n    pass\n"
    )
    said = refusal(tmp_path)
    assert said.startswith("The plugin `odd` (")
    assert "before_safe" in said
    assert said.endswith(
        "There is: `register_field_types`, `register_functions`, `register_actions`, "
        "`before_save`, `after_save`."
    )


def test_an_argument_that_a_hook_has_not_is_refused(tmp_path):
    write(
        tmp_path, "odd", "from app import hookimpl\n@hookimpl\ndef before_save(recrod):\n    pass\n"
    )
    assert "recrod" in refusal(tmp_path)


def test_what_is_no_field_type_is_refused(tmp_path):
    write(
        tmp_path,
        "odd",
        "from app import hookimpl\n@hookimpl\ndef register_field_types():\n    return [1]\n",
    )
    assert refusal(tmp_path) == (
        "The plugin `odd` returned `1` from register_field_types, which is no field type: return "
        "objects of `FieldType`."
    )


@pytest.mark.parametrize("name", ["Mine", "my-type", "1st", "a b"])
def test_a_field_type_needs_a_name_that_yaml_can_hold(tmp_path, name):
    write(tmp_path, "odd", A_TYPE.format(name=name))
    assert f"brings the field type `{name}`" in refusal(tmp_path)


def test_settings_of_a_type_speak_to_people(tmp_path):
    text = A_TYPE.format(name="mine").replace(
        "    name = 'mine'\n",
        "    name = 'mine'\n    def settings(self):\n        import marshmallow as ma\n        return {'x': ma.fields.Integer()}\n",
    )
    write(tmp_path, "odd", text)
    assert "The setting `x` of the field type `mine` (plugin `odd`)" in refusal(tmp_path)


def test_a_folder_whose_name_is_none_is_refused(tmp_path):
    write(tmp_path, "my-plugin", "")
    assert "cannot be a plugin: its name must have small letters" in refusal(tmp_path)


def test_a_plugin_of_several_modules_is_a_package_of_its_own(tmp_path):
    write(
        tmp_path,
        "parts",
        "from app import hookimpl\nfrom .inner import VALUE\n__version__ = VALUE\n",
    )
    (tmp_path / "parts" / "inner.py").write_text("VALUE = '7'\n", encoding="utf-8")
    assert [one.version for one in collect(tmp_path).found] == ["7"]
    # The folder is not on the search path, so plugins cannot hide other packages.
    assert importlib.util.find_spec("parts") is None


def test_an_installed_package_is_a_plugin(tmp_path, monkeypatch):
    package = tmp_path / "site"
    write_package = package / "acme_trellis"
    write_package.mkdir(parents=True)
    (write_package / "__init__.py").write_text(A_TYPE.format(name="acme_number"), encoding="utf-8")
    info = package / "acme_trellis-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-trellis\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trellis]\nacme = acme_trellis\n")
    monkeypatch.syspath_prepend(str(package))
    importlib.invalidate_caches()
    plugins = collect(tmp_path / "none")
    assert "acme_number" in plugins.field_types
    assert [one.name for one in plugins.found] == ["acme"]

    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", "acme", "")
    assert "There are two plugins `acme`" in refusal(tmp_path / "folder")


def test_calls_are_traced_when_asked_for(capsys):
    collect(SHIPPED)
    assert capsys.readouterr().err == ""
    collect(SHIPPED, is_traced=True)
    traced = capsys.readouterr().err
    assert "hook register_field_types() asks credit_code\n" in traced
    assert "hook register_functions() asks built-in\n" in traced
    assert "hook register_field_types -> [[<trellis_plugins.credit_code.code.CreditCode" in traced
