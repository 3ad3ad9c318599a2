"""Settings: one table, everything that is wrong said at once."""

import dataclasses
import stat
from pathlib import Path

import pytest

from app.errors import ConfigurationError, SettingsError
from app.secrets import first_start_secrets
from app.settings import SETTINGS, Settings, read_settings, settings_as_environment


def test_every_setting_is_an_attribute_and_the_other_way_round():
    assert [setting.attribute for setting in SETTINGS] == [
        field.name for field in dataclasses.fields(Settings)
    ]


def test_an_empty_environment_gives_the_defaults():
    settings = read_settings({})
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 2)
    assert settings.data == Path("var").absolute()
    assert settings.config == Path("config").absolute()
    assert settings.database_url is None
    assert settings.demo is True


def test_an_unknown_trellis_name_names_the_nearest_one():
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRELLIS_DATAA": "x", "UNRELATED": "y", "PATH": "/bin"})
    (problem,) = caught.value.problems
    assert problem.startswith(
        "TRELLIS_DATAA: there is no such setting. Did you mean `TRELLIS_DATA`"
    )


def test_an_unknown_name_like_no_other_lists_what_there_is():
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRELLIS_ZZZZZZZZZ": "x"})
    assert "There are: TRELLIS_DATA, TRELLIS_CONFIG" in str(caught.value)


def test_all_problems_are_said_at_once():
    with pytest.raises(SettingsError) as caught:
        read_settings(
            {
                "PORT": "70000",
                "TRELLIS_WORKERS": "many",
                "TRELLIS_WATCH": "perhaps",
                "DATABASE_URL": "mysql://secret@host/x",
                "REDIS_URL": "http://x",
                "TRELLIS_ADMIN_PASSWORD": "short",
                "TRELLIS_CHROMIUM": "/no/such/program",
                "HOST": "a b",
            }
        )
    assert list(caught.value.problems) == [
        "HOST: `a b` is not a host name or an IP address, for example `127.0.0.1`.",
        "PORT: `70000` must be a whole number from 1 to 65535.",
        "DATABASE_URL: write `postgresql://user:password@host:5432/database`.",
        "REDIS_URL: write `redis://host:6379/0`, `rediss://…` or `unix:///path/to/socket`.",
        "TRELLIS_ADMIN_PASSWORD: it has 5 characters; write 8 or more.",
        "TRELLIS_WORKERS: `many` must be a whole number from 1 to 64.",
        "TRELLIS_WATCH: `perhaps` is neither yes nor no; write `yes` or `no`.",
        "TRELLIS_CHROMIUM: `/no/such/program` is not a program that can be run.",
    ]


@pytest.mark.parametrize("text", ["٣", "-1", "+8000", "8_000", "1e3", " ", "0"])
def test_a_port_is_written_in_plain_figures(text):
    with pytest.raises(SettingsError):
        read_settings({"PORT": text})


@pytest.mark.parametrize(
    "written",
    [
        "postgres://u:p@host/db",
        "postgresql://u:p@host/db",
        "postgresql+psycopg://u:p@host/db",
    ],
)
def test_a_database_address_is_accepted_as_hosters_write_it(written):
    assert read_settings({"DATABASE_URL": written}).database_url == "postgresql://u:p@host/db"


@pytest.mark.parametrize("broken", ["postgresql://host", "postgresql://[::1/db", "x", "🙂"])
def test_a_broken_database_address_is_a_problem_and_not_repeated(broken):
    with pytest.raises(SettingsError) as caught:
        read_settings({"DATABASE_URL": broken})
    assert str(caught.value).startswith("DATABASE_URL: ")
    assert broken not in str(caught.value)


def test_a_folder_may_not_be_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="is a file; write the path of a folder"):
        read_settings({"TRELLIS_DATA": str(tmp_path / "file")})


def test_a_child_process_reads_the_same_settings():
    settings = read_settings(
        {
            "TRELLIS_DISABLED_PLUGINS": "a, b",
            "TRELLIS_WATCH": "no",
            "DATABASE_URL": "postgresql://u@/x?host=%2Ftmp",
        }
    )
    assert read_settings(settings_as_environment(settings)) == settings


def test_settings_do_not_print_passwords():
    settings = read_settings({"TRELLIS_ADMIN_PASSWORD": "correct-horse"})
    assert "correct-horse" not in repr(settings)


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path):
    first = first_start_secrets(tmp_path)
    assert first_start_secrets(tmp_path) == first
    assert first_start_secrets(tmp_path / "other").secret_key != first.secret_key
    for file in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert sorted(file.name for file in (tmp_path / "secrets").iterdir()) == [
        "admin_password",
        "secret_key",
    ]


def test_given_secrets_are_used_and_not_written_down(tmp_path):
    secrets = first_start_secrets(tmp_path, secret_key="given-key", admin_password="given-password")
    assert (secrets.secret_key, secrets.admin_password) == ("given-key", "given-password")
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    first_start_secrets(tmp_path)
    (tmp_path / "secrets" / "secret_key").chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"error\[secret-readable\].*mode 640.*chmod 600"):
        first_start_secrets(tmp_path)


def test_an_empty_secret_is_refused(tmp_path):
    first_start_secrets(tmp_path)
    (tmp_path / "secrets" / "secret_key").write_text("")
    with pytest.raises(ConfigurationError, match=r"error\[secret-empty\]"):
        first_start_secrets(tmp_path)
