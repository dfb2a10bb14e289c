"""How an application is built, as its settings keep it: also what was kept before there was a record of it."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.buildplan.settings import FIRST, NEWEST, BuildSettings
from headway.features.services.application.api.operations import Save
from headway.features.services.application.model import AppSettings

OLD = BuildSettings(start="x", detection=FIRST)


def changed(before: BuildSettings, **sent: Any) -> BuildSettings:  # noqa: ANN401 - what a client sends
    given = Save.model_validate({"applicationId": "a", **sent})
    return given.applied(AppSettings(build=before)).build


def test_what_is_kept_is_read_again() -> None:
    build = BuildSettings(install="get", versions={"node": "22"}, keep=("storage",), fallback=False)
    assert AppSettings.load(AppSettings(build=build).dump()).build == build
    assert AppSettings().build.detection == NEWEST


def test_what_was_kept_before_is_planned_by_the_first_rules() -> None:
    kept = {"build_command": "make", "start_command": None, "publish_directory": "dist", "extra": {"isStaticSpa": True}}
    wanted = BuildSettings(build="make", publish="dist", fallback=True, detection=FIRST)
    assert AppSettings.load(kept).build == wanted
    assert AppSettings.load({}).build == BuildSettings(detection=FIRST)


@pytest.mark.parametrize(
    ("sent", "build"),
    [
        ({"build": {"install": "get"}}, BuildSettings(start="x", install="get")),
        ({"build": {"start": None}}, BuildSettings()),
        ({"build": None}, BuildSettings()),
        ({"buildCommand": "make", "startCommand": ""}, BuildSettings(build="make")),
        ({"publishDirectory": "dist", "isStaticSpa": True}, BuildSettings(start="x", publish="dist", fallback=True)),
        (
            {"build": {"versions": {"node": "22"}, "keep": ["a/b"]}},
            BuildSettings(start="x", versions={"node": "22"}, keep=["a/b"]),
        ),
        ({"build": {"detection": 2}}, BuildSettings(start="x")),
        ({"build": {"detection": 1, "install": "get"}}, BuildSettings(start="x", install="get", detection=FIRST)),
    ],
)
def test_what_changes_is_planned_by_the_newest_rules(sent: dict[str, Any], build: BuildSettings) -> None:
    assert changed(OLD, **sent) == build


@pytest.mark.parametrize(
    "sent",
    [{}, {"startCommand": "x"}, {"build": {"start": "x"}}, {"isStaticSpa": False}, {"healthCheckPath": "/"}],
)
def test_what_stays_the_same_stays_planned_by_the_rules_it_had(sent: dict[str, Any]) -> None:
    assert changed(OLD, **sent) == OLD


def test_a_client_that_knows_no_more_than_a_fallback_leaves_it_forbidden() -> None:
    assert changed(BuildSettings(fallback=False), isStaticSpa=False).fallback is False


@pytest.mark.parametrize(
    "build",
    [
        {"detection": 3},
        {"keep": ["/etc"]},
        {"keep": ["a/../../b"]},
        {"versions": {"no de": "1"}},
        {"versions": {"node": "1\n2"}},
        {"start": "x" * 5_000},
        {"publsih": "dist"},
        {"provider": "a b"},
    ],
)
def test_what_is_no_setting_is_refused(build: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="build"):
        changed(OLD, build=build)
