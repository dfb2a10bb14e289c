"""What the settings promise: defaults, variables, options, and a sentence for each bad value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headway.kernel.errors import InvalidInput
from headway.kernel.forms import LogLevel
from headway.kernel.secret import Secret
from headway.kernel.setting_choices import documented, proxy_complaints, unknown_variables
from headway.kernel.settings import (
    Facts,
    Settings,
    Switch,
    default_concurrency,
)

GIB = 1 << 30
FACTS = Facts(is_root=False, home=Path("/home/ann"), cwd=Path("/srv"), cores=2, memory_bytes=8 * GIB)
ROOT = replace(FACTS, is_root=True)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({}, ROOT)
    assert settings == Settings(
        data_dir=Path("/var/lib/headway"),
        concurrency=2,
        build_memory_bytes=3 * GIB,
        application_memory_bytes=6 * GIB,
    )
    assert (settings.host, settings.port, settings.edge_host, settings.edge_port) == (
        "127.0.0.1",
        3000,
        "127.0.0.1",
        8080,
    )
    assert settings.database == Secret("sqlite:////var/lib/headway/headway.db")


def test_an_ordinary_account_keeps_its_data_at_home() -> None:
    assert Settings.from_env({}, FACTS).data_dir == Path("/home/ann/.local/share/headway")


@pytest.mark.parametrize(
    ("given", "folder"),
    [("/data", "/data"), ("~", "/home/ann"), ("~/panel", "/home/ann/panel"), ("panel", "/srv/panel")],
)
def test_the_data_folder_is_made_absolute(given: str, folder: str) -> None:
    assert Settings.from_env({"HEADWAY_DATA_DIR": given}, FACTS).data_dir == Path(folder)


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HEADWAY_PORT", " 3001 ", "port", 3001),
        ("HEADWAY_HOST", "::1", "host", "::1"),
        ("HEADWAY_EDGE_HOST", "0.0.0.0", "edge_host", "0.0.0.0"),  # noqa: S104 - a value, nothing listens
        ("HEADWAY_HTTPS_PORT", "443", "https_port", 443),
        ("HEADWAY_CERTIFICATE_MAIL", "ann@example.com", "certificate_mail", "ann@example.com"),
        ("HEADWAY_BASE_DOMAIN", "apps.example.com", "base_domain", "apps.example.com"),
        ("HEADWAY_DATABASE_URL", "postgresql://u:p@h/d", "database_url", Secret("postgresql://u:p@h/d")),
        ("HEADWAY_API_KEY", "k" * 64, "api_key", Secret("k" * 64)),
        ("HEADWAY_CONCURRENCY", "7", "concurrency", 7),
        ("HEADWAY_BUILD_MEMORY", "1GiB", "build_memory_bytes", GIB),
        ("HEADWAY_APPLICATION_MEMORY", "1GiB", "application_memory_bytes", GIB),
        ("HEADWAY_SPOOL_CAP", "100mb", "spool_cap_bytes", 100 << 20),
        ("HEADWAY_BALLAST", "0", "ballast_bytes", 0),
        ("HEADWAY_SETTLE_TIME", "0.5", "settle_time", timedelta(seconds=0.5)),
        ("HEADWAY_STEP_DEADLINE", "2h", "step_deadline", timedelta(hours=2)),
        ("HEADWAY_CANCEL_GRACE", "250ms", "cancel_grace", timedelta(milliseconds=250)),
        ("HEADWAY_CGROUPS", "OFF", "cgroups", Switch.OFF),
        ("HEADWAY_LOG_LEVEL", "debug", "log_level", LogLevel.DEBUG),
    ],
)
def test_a_variable_sets_its_field(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(Settings.from_env({variable: text}, FACTS), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "accepted"),
    [
        ("HEADWAY_PORT", "0", "from 1 to 65535"),
        ("HEADWAY_PORT", "65536", "from 1 to 65535"),
        ("HEADWAY_PORT", "٣", "from 1 to 65535"),
        ("HEADWAY_HOST", "a b", "an IP address or a host name"),
        ("HEADWAY_BASE_DOMAIN", "{{evil}}", "a domain"),
        ("HEADWAY_CONCURRENCY", "-1", "a whole number"),
        ("HEADWAY_STEP_DEADLINE", "soon", "a time such as"),
        ("HEADWAY_STEP_DEADLINE", "0.5", "not under 1 s"),
        ("HEADWAY_STEP_DEADLINE", "1e9", "a time such as"),
        ("HEADWAY_SPOOL_CAP", "1K", "not under 64KiB"),
        ("HEADWAY_CGROUPS", "on", "auto or off"),
        ("HEADWAY_LOG_LEVEL", "loud", "debug or info"),
    ],
)
def test_a_bad_value_names_its_variable_itself_and_what_is_accepted(variable: str, text: str, accepted: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Settings.from_env({variable: text}, FACTS)
    assert variable in raised.value.message
    assert repr(text) in raised.value.message
    assert accepted in raised.value.message


@pytest.mark.parametrize(
    ("variable", "text"), [("HEADWAY_API_KEY", "hush hush hush"), ("HEADWAY_DATABASE_URL", "mysql://u:hush@h/d")]
)
def test_a_bad_secret_is_not_shown(variable: str, text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Settings.from_env({variable: text}, FACTS)
    assert variable in raised.value.message
    assert "hush" not in raised.value.message


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"HEADWAY_PORT": "", "HEADWAY_API_KEY": " "}, FACTS) == Settings.from_env({}, FACTS)


def test_the_command_line_wins_over_the_environment() -> None:
    settings = Settings.from_env({"HEADWAY_PORT": "bad", "HEADWAY_HOST": "::1"}, FACTS, port=3001, host=None)
    assert (settings.port, settings.host) == (3001, "::1")


def test_a_bad_option_is_named_as_an_option() -> None:
    with pytest.raises(InvalidInput, match=r"^--edge-port: '99999' is not possible; it takes"):
        Settings.from_env({}, FACTS, edge_port=99999)


def test_an_override_that_is_no_setting_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="colour"):
        Settings.from_env({}, FACTS, colour="red")


def test_one_port_cannot_serve_both() -> None:
    with pytest.raises(InvalidInput, match="a port of their own"):
        Settings.from_env({"HEADWAY_PORT": "8080"}, FACTS)
    assert Settings.from_env({"HEADWAY_PORT": "8080", "HEADWAY_HOST": "::1"}, FACTS).port == 8080


def test_a_lease_must_survive_one_late_renewal() -> None:
    with pytest.raises(InvalidInput, match="HEADWAY_LEASE_RENEWAL"):
        Settings.from_env({"HEADWAY_LEASE_TIME": "9s"}, FACTS)
    assert Settings.from_env({"HEADWAY_LEASE_TIME": "10s"}, FACTS).lease_time == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("cores", "gib", "slots"), [(2, 23, 2), (16, 8, 4), (1, 64, 1), (8, 1, 1), (0, 0, 1), (4, 7, 3)]
)
def test_concurrency_follows_cores_and_memory(cores: int, gib: int, slots: int) -> None:
    assert default_concurrency(replace(FACTS, cores=cores, memory_bytes=gib * GIB)) == slots


def test_builds_share_the_memory() -> None:
    assert Settings.from_env({"HEADWAY_CONCURRENCY": "3"}, FACTS).build_memory_bytes == 2 * GIB
    assert Settings.from_env({"HEADWAY_CONCURRENCY": "99"}, FACTS).build_memory_bytes == 512 << 20


def test_a_switch_says_whether_to_look() -> None:
    assert (Switch.AUTO.wish, Switch.OFF.wish) == (None, False)


def test_unknown_variables_are_named_with_what_was_meant() -> None:
    known = {setting.variable: "x" for setting in documented()} | {"HEADWAY_URL": "x", "PATH": "x"}
    assert unknown_variables(known) == []
    assert unknown_variables({"HEADWAY_EDGE_PROT": "1", "HEADWAY_COLOUR_OF_THE_SKY": "1"}) == [
        "HEADWAY_COLOUR_OF_THE_SKY is not a setting of Headway.",
        "HEADWAY_EDGE_PROT is not a setting of Headway; did you mean HEADWAY_EDGE_PORT?",
    ]


def test_no_secret_shows_in_the_settings() -> None:
    env = {"HEADWAY_API_KEY": "hush" * 16, "HEADWAY_DATABASE_URL": "postgresql://u:hush@h/d"}
    assert "hush" not in repr(Settings.from_env(env, FACTS))


def test_every_default_that_is_written_is_one_that_is_accepted() -> None:
    for setting in documented():
        assert setting.description.endswith("."), setting
        alone = setting.default
        if alone and " " not in alone and "/" not in alone:
            read = Settings.from_env({setting.variable: alone}, FACTS)
            assert getattr(read, setting.name) == getattr(Settings(data_dir=Path("/d")), setting.name), setting


def test_who_believes_no_proxy_that_is_likely_there_is_told() -> None:
    def told(**env: str) -> list[str]:
        return proxy_complaints(Settings.from_env(env, FACTS))

    https, far = {"HEADWAY_PUBLIC_URL": "https://panel.example"}, {"HEADWAY_HOST": "192.0.2.1"}
    assert "HEADWAY_PROXIES names its address" in told(**https, **far)[0]
    assert told(**https, **far, HEADWAY_PROXIES="10.0.0.5") == []
    assert "where none comes" in told(**https, HEADWAY_PROXIES="10.0.0.5")[0]
    assert (told(**https), told(**far), told()) == ([], [], [])
