"""Options that set how an application is built and started, the same at each command that takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from headway.kernel.errors import InvalidInput

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
Port = Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="A fixed port; 0: Headway chooses one.")]
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
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="FOLDER", help="A folder that stays from release to release; may be repeated."),
]


def settings_of(
    start: str | None = None,
    install: str | None = None,
    build: str | None = None,
    release: str | None = None,
    publish: str | None = None,
    *,
    fallback: bool | None = None,
    provider: str | None = None,
    package: str | None = None,
    builder: str | None = None,
    port: int | None = None,
    health_path: str | None = None,
    scale: Sequence[str] | None = None,
    use: Sequence[str] | None = None,
    keep: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What `application.update` is sent of them: what was not given stays, what is empty is left to Headway again.
    Raises InvalidInput.
    """
    lines = {"start": start, "install": install, "build": build, "release": release, "publish": publish}
    more = {"fallback": fallback, "provider": provider, "package": package}
    told: dict[str, Any] = {name: value for name, value in {**lines, **more}.items() if value is not None}
    if use:
        told["versions"] = _pairs("--use", use)
    if keep:
        told["keep"] = [folder for folder in keep if folder]
    found: dict[str, Any] = {"build": told} if told else {}
    if builder is not None:
        found["builder"] = None if builder in {"", "auto"} else builder
    if port is not None:
        found["port"] = port or None
    if health_path is not None:
        found["healthCheckPath"] = health_path or None
    if scale:
        found["scale"] = {name: _number(name, value) for name, value in _pairs("--scale", scale).items()}
    return found


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
