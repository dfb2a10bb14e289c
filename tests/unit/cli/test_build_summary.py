"""What the command line says of how an application is built: what was set, and what was detected, and why."""

from __future__ import annotations

from typing import Any

from headway.cli.build_summary import chosen, settings

NOTHING: dict[str, Any] = dict.fromkeys(("provider", "package", "install", "build", "start", "release", "publish"))
BUILD: dict[str, Any] = {**NOTHING, "fallback": None, "keep": [], "versions": {}}


def choice(name: str, value: str, reason: str, *, is_set: bool = False) -> dict[str, Any]:
    return {"name": name, "value": value, "reason": reason, "isSet": is_set}


def test_every_choice_has_its_option_and_its_reason_and_what_is_set_is_said_to_be() -> None:
    row = {
        "choices": [
            choice("provider", "python", "since there is app.py"),
            choice("versions.python", "3.12", ".python-version"),
            choice("start", "./run", "as it is set", is_set=True),
            choice("processes", "worker", "Procfile says so"),
        ],
        "notes": ["It has no tests."],
        "questions": [
            {
                "name": "package",
                "text": "Which is meant?",
                "choices": ["a", "b"],
                "means": ["", "the pages"],
                "option": "headway apps set APP --package NAME",
                "setting": "build.package",
            }
        ],
        "reasons": ["not read"],
    }
    assert list(chosen(row)) == [
        ("--provider", "python (since there is app.py)"),
        ("--use python", "3.12 (.python-version)"),
        ("--start", "./run (set by you)"),
        ("Processes", "worker (Procfile says so)"),
        ("Note", "It has no tests."),
        (
            "Question",
            "Which is meant? Choices: a, b (the pages). Answer: headway apps set APP --package NAME (build.package)",
        ),
        ("Not used", "--package, --install, --build, --release, --publish, --fallback, --keep, --port"),
    ]


def test_the_first_rules_have_reasons_alone() -> None:
    row = {"choices": [], "notes": [], "questions": [], "reasons": ["Static site: the folder itself"]}
    assert list(chosen(row)) == [("Because", "Static site: the folder itself")]


def test_what_is_set_is_told_from_what_is_detected() -> None:
    build = {**BUILD, "start": "./run", "fallback": False, "keep": ["data"], "versions": {"node": "22"}}
    beside: dict[str, Any] = {
        "builder": None,
        "port": 4000,
        "scale": {"web": 2},
        "loopback": [],
        "enableSubmodules": True,
    }
    found = list(settings({"name": "shop", "build": build, **beside}))
    assert found == [
        ("--start", "./run (set by you)"),
        ("--keep", "data (set by you)"),
        ("--use node", "22 (set by you)"),
        ("--port", "4000 (set by you)"),
        ("--scale", "web=2 (set by you)"),
        ("--submodules", "on (set by you)"),
        ("--fallback", "off (set by you)"),
        (
            "Detected",
            "--provider, --package, --install, --build, --release, --publish: headway apps detect shop says how",
        ),
    ]
    assert list(settings({"name": "shop", "build": BUILD, "sourceType": "docker"})) == [("Detected", "")]
