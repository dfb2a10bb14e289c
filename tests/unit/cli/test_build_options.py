"""The options that set how an application is built, which several commands take."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from headway.cli.build_options import settable, settings_of
from headway.kernel.errors import InvalidInput


def test_what_was_not_given_is_not_sent_and_what_is_empty_is_detected_again() -> None:
    assert settings_of() == {}
    told = settings_of(start="", builder="auto", port=0, health_path="", scale=["web=2"], keep=["data", ""])
    assert told == {
        "build": {"start": "", "keep": ["data"]},
        "builder": None,
        "port": None,
        "healthCheckPath": None,
        "scale": {"web": 2},
    }


def test_ports_of_the_machine_are_the_ones_that_are_given_and_none_with_0() -> None:
    assert settings_of(loopback=[5432, 6379]) == {"loopback": [5432, 6379]}
    assert settings_of(loopback=[0]) == {"loopback": []}


def test_memory_and_the_rules_of_detection_are_said_in_words() -> None:
    assert settings_of(memory="2g", detection="newest") == {"memoryLimit": "2g", "build": {"detection": 2}}
    assert settings_of(memory="", detection="first") == {"memoryLimit": None, "build": {"detection": 1}}
    with pytest.raises(InvalidInput, match="it takes newest or first"):
        settings_of(detection="2")


def test_submodules_are_fetched_or_not_where_that_is_said() -> None:
    assert settings_of(submodules=True) == {"enableSubmodules": True}
    assert settings_of(submodules=False) == {"enableSubmodules": False}


def test_versions_are_set_by_the_name_of_their_tool() -> None:
    assert settings_of(use=["bun=1"], python="3.12", node="22") == {
        "build": {"versions": {"bun": "1", "python": "3.12", "node": "22"}}
    }


@pytest.mark.parametrize("given", [{"scale": ["web"]}, {"scale": ["web=x"]}, {"use": ["=1"]}])
def test_what_is_no_pair_is_refused(given: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        settings_of(**given)


def test_a_command_takes_them_all_beside_its_own() -> None:
    called: list[object] = []

    @settable
    def command(name: str, *, settings: Mapping[str, Any], wait: bool = True) -> None:
        called.append((name, dict(settings), wait))

    assert list(inspect.signature(command).parameters) == ["name", "wait", *inspect.signature(settings_of).parameters]
    command("shop", wait=False, **dict.fromkeys(inspect.signature(settings_of).parameters, None) | {"start": "run"})
    assert called == [("shop", {"build": {"start": "run"}}, False)]
