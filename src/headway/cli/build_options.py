"""Options that set how an application is built and started, the same at each command that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer

from headway.kernel.errors import InvalidInput

_RULES: Final = MappingProxyType({"newest": 2, "first": 1})

Start = Annotated[str | None, typer.Option("--start", metavar="LINE", help="How it is started.")]
Install = Annotated[str | None, typer.Option("--install", metavar="LINE", help="How what it needs is installed.")]
Build = Annotated[str | None, typer.Option("--build", metavar="LINE", help="How it is built.")]
Release = Annotated[
    str | None, typer.Option("--release", metavar="LINE", help="What runs once before a release serves: migrations.")
]
Publish = Annotated[str | None, typer.Option("--publish", metavar="FOLDER", help="What a static site serves.")]
Fallback = Annotated[
    bool | None,
    typer.Option("--fallback/--no-fallback", help="Whether a site's index.html answers what no file does."),
]
Provider = Annotated[str | None, typer.Option("--provider", metavar="NAME", help="The language: python, node, …")]
Package = Annotated[str | None, typer.Option("--package", metavar="NAME", help="Which of several packages serves.")]
Builder = Annotated[
    str | None, typer.Option("--builder", metavar="NAME", help="auto, native, dockerfile, nixpacks, railpack, …")
]
Port = Annotated[
    int | None, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="A fixed port; 0: Headway chooses one.")
]
HealthPath = Annotated[
    str | None, typer.Option("--health-path", metavar="PATH", help="What has to answer 2xx or 3xx to be healthy.")
]
Scale = Annotated[
    list[str] | None, typer.Option("--scale", metavar="NAME=N", help="How often a process runs; may be repeated.")
]
Use = Annotated[
    list[str] | None,
    typer.Option("--use", metavar="TOOL=VERSION", help="A version: python=3.12, node=22; may be repeated."),
]
Python = Annotated[str | None, typer.Option("--python", metavar="VERSION", help="As --use python=VERSION.")]
Node = Annotated[str | None, typer.Option("--node", metavar="VERSION", help="As --use node=VERSION.")]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="FOLDER", help="A folder that stays from release to release; may be repeated."),
]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help='The most that it may use: 512m, 2g; "": as all others.')
]
Detection = Annotated[
    str | None,
    typer.Option("--detection", metavar="RULES", help="The rules that it is planned by: newest, or first as before."),
]
Submodules = Annotated[
    bool | None,
    typer.Option("--submodules/--no-submodules", help="Whether the submodules of its repository are fetched too."),
]

Loopback = Annotated[
    list[int] | None,
    typer.Option(
        "--loopback",
        metavar="PORT",
        min=0,
        max=65_535,
        help="A port of its machine that it may reach, such as a database's; may be repeated; 0: none.",
    ),
]


def settable(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes every option of `settings_of` as well, and is given what they say as ``settings``."""
    own = [each for each in inspect.signature(command, eval_str=True).parameters.values() if each.name != "settings"]
    more = list(inspect.signature(settings_of, eval_str=True).parameters.values())

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        given: dict[str, Any] = {each.name: options.pop(each.name) for each in more}
        command(*arguments, settings=settings_of(**given), **options)

    taken = inspect.Signature([*own, *more])
    run.__dict__["__signature__"] = taken
    run.__annotations__ = {name: each.annotation for name, each in taken.parameters.items()}
    return run


def settings_of(
    *,
    start: Start = None,
    install: Install = None,
    build: Build = None,
    release: Release = None,
    publish: Publish = None,
    fallback: Fallback = None,
    provider: Provider = None,
    package: Package = None,
    builder: Builder = None,
    port: Port = None,
    health_path: HealthPath = None,
    scale: Scale = None,
    use: Use = None,
    python: Python = None,
    node: Node = None,
    keep: Keep = None,
    loopback: Loopback = None,
    submodules: Submodules = None,
    memory: Memory = None,
    detection: Detection = None,
) -> dict[str, Any]:
    """What `application.update` is sent of them: what was not given stays, what is empty is left to Headway again.
    Raises InvalidInput.
    """
    lines = {"start": start, "install": install, "build": build, "release": release, "publish": publish}
    more = {"fallback": fallback, "provider": provider, "package": package}
    told: dict[str, Any] = {name: value for name, value in {**lines, **more}.items() if value is not None}
    versions = [*(use or ()), *(f"{name}={each}" for name, each in (("python", python), ("node", node)) if each)]
    if versions:
        told["versions"] = _pairs("--use", versions)
    if detection is not None:
        told["detection"] = rules_of(detection)
    if keep:
        told["keep"] = [folder for folder in keep if folder]
    found: dict[str, Any] = {"build": told} if told else {}
    by_itself = {"builder": "" if builder == "auto" else builder, "port": port, "healthCheckPath": health_path}
    found |= {name: value or None for name, value in {**by_itself, "memoryLimit": memory}.items() if value is not None}
    if loopback:
        found["loopback"] = [number for number in loopback if number]
    if submodules is not None:
        found["enableSubmodules"] = submodules
    if scale:
        found["scale"] = {name: _number(name, value) for name, value in _pairs("--scale", scale).items()}
    return found


def rules_of(word: str) -> int:
    """The number of the rules of detection that a word names. Raises InvalidInput."""
    if word not in _RULES:
        raise InvalidInput(f"--detection: it takes {' or '.join(_RULES)}, and not {word!r}.")
    return _RULES[word]


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{option}: write NAME=VALUE, and not {each!r}.")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def _number(name: str, value: str) -> int:
    if not value.isdecimal():
        raise InvalidInput(f"--scale: say how often {name} runs with a number, such as {name}=2.")
    return int(value)
