"""Building an image in a container engine, within bounds and with an end: what every builder of images shares."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.recipe import Sources, lay_out, let_fetch, was_denied
from headway.infra.docker import images
from headway.infra.docker.api import DockerApi
from headway.infra.docker.cli import ImageBuild, Typed, exported
from headway.infra.docker.registries import ANSWERS, asked
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image
from headway.kernel.errors import InvalidInput, OutOfMemory

UNDO_BUILD = "image-build"
_KILLED = 137


def image_spec(spec: BuildSpec) -> ImageSpec:
    """What is said of the image. Raises InvalidInput where the application is to be built as none."""
    if spec.image is None:
        raise InvalidInput("This builder makes images, and this host has no container engine; set builder to native.")
    return spec.image


async def build_image(
    work: Work,
    spec: BuildSpec,
    build: ImageBuild,
    *,
    name: str = "build",
    below: str | None = None,
    own: Sequence[str] = (),
    advice: str | None = None,
) -> Image:
    """Lets BuildKit build, as a command of the run whose steps are bounded and end with it. The Dockerfile does not
    lead out of ``below``; ``own`` are images that Headway itself has it begin with, wherever these are, and ``advice``
    says what to do where a registry does not give one. Raises BuildError, and InvalidInput for what no build may ask
    for.
    """
    await _build(work, spec, build, name=name, below=below, own=own, advice=advice)
    return await built_image(image_spec(spec))


async def export_build(
    work: Work, spec: BuildSpec, build: ImageBuild, folder: str, *, own: Sequence[str], advice: str
) -> None:
    """Lets BuildKit build what is no image: its files come to lie in that folder, as the build account's."""
    options = (*build.options, exported(folder))
    await _build(work, spec, replace(build, options=options), name="build", below=None, own=own, advice=advice)


async def _build(
    work: Work,
    spec: BuildSpec,
    build: ImageBuild,
    *,
    name: str,
    below: str | None,
    own: Sequence[str],
    advice: str | None,
) -> None:
    image = image_spec(spec)
    group = await prepare(work, spec)
    wanted = replace(build, tag=image.name, labels=image.labels, group=group, fresh=image.fresh, caches=image.group)
    sources = Sources(own=own, registries=image.registries, anything=image.may_fetch)
    where = image.cli.configuration
    typed = image.cli.build(await lay_out(work, wanted, sources, where, owner=image.account, below=below))
    typed = told(typed, advice)
    if image.fetches is not None and await was_denied(work, name, as_command(typed, spec, image), where):
        await let_fetch(work, sources, where, image.fetches, owner=image.account)
        name = f"{name} with engineFetch"
    ended = await run_build(work, spec, name, typed)
    if not ended.succeeded:
        raise BuildError("The image was not built.")


async def prepare(work: Work, spec: BuildSpec) -> str | None:
    """The folder of the command line's configuration, and the control group of the steps, whose path is given."""
    image = image_spec(spec)
    await image.api.require_policies()
    await work.undo(UNDO_BUILD, _traces(image))
    await work.host.make_folder(image.cli.configuration, owner=image.account)
    if image.login is not None:
        why = await asked(work, "registry-login", as_command(image.login, spec, image))
        if why is not None:
            raise BuildError(f"The registry of this service does not let its user in: {why}. Correct them.")
    return await work.host.make_group(image.group, spec.limits, ruled=image.ruled)


async def run_build(work: Work, spec: BuildSpec, name: str, typed: Typed) -> Exit:
    """The command, and then the end of all that the engine did for it. A failing one ends the run with an error."""
    image = image_spec(spec)
    command = as_command(typed, spec, image)
    ended = await work.command(name, command, check=False)
    ran_out = await _clear(work.host, image.api, _traces(image))
    if not ended.succeeded:
        bound_by = "headway apps set APP --memory SIZE, or HEADWAY_BUILD_MEMORY for all"
        await fail(work, name, command, ran_out=ran_out, bound_by=bound_by)
    return ended


async def fail(work: Work, name: str, command: Command, *, ran_out: bool, bound_by: str) -> None:
    """Ends the run with how a command of a build ended. ``ran_out`` says whether a step was out of memory, and
    ``bound_by`` is the setting that bounds it. Raises OutOfMemory, and what a failing command does.
    """
    # It is not started again: this tells how it ended.
    ended = await work.command(name, command, check=False)
    if ran_out and _KILLED in ended.statuses:
        memory = command.limits.memory_bytes
        bound = f" of {memory >> 20} MiB" if memory else ""
        raise OutOfMemory(
            f"{name} used more memory than its bound{bound}. Let it use less, or raise its memory limit ({bound_by})."
        )
    await work.command(name, command)


def as_command(typed: Typed, spec: BuildSpec, image: ImageSpec) -> Command:
    """What is typed, within the bounds of a build."""
    return Command(
        stages=(Stage(argv=typed.argv, account=image.account),),
        env=typed.env,
        stdin=typed.stdin,
        capture=typed.capture,
        limits=spec.limits,
        step_seconds=spec.step_seconds,
        inactivity_seconds=spec.inactivity_seconds,
    )


def told(typed: Typed, advice: str | None = None) -> Typed:
    """The same, with its progress told as a log."""
    program = _progress()
    if advice is not None:
        program = program.replace("my $advice = '';", f"my $advice = {_quoted(advice)};")
    return replace(typed, argv=("perl", "-e", program, "--", *typed.argv))


async def built_image(image: ImageSpec) -> Image:
    """The image that was built. Raises BuildError where there is none."""
    found = await images.inspect(image.api, image.name, image.name, own=image.labels)
    if found is None:
        raise BuildError("The build ended well, and the engine has no image of it. Deploy again.")
    return found


async def undo(host: Host, api: DockerApi, data: Mapping[str, Any]) -> None:
    """Takes back what a build has begun, and made."""
    await _clear(host, api, data)
    await images.let_go(api, data["image"])


def cache_volumes(image: ImageSpec) -> dict[str, str]:
    """The volumes of the application's caches, for a builder whose steps are containers: these are known by them."""
    return {use: f"headway.cache.{image.group}.{use}" for use in ("build", "launch")}


def _traces(image: ImageSpec) -> dict[str, Any]:
    return {
        "image": image.name,
        "group": image.group,
        "configuration": image.cli.configuration,
        "volumes": [*cache_volumes(image).values()],
    }


async def _clear(host: Host, api: DockerApi, data: Mapping[str, Any]) -> bool:
    """Ends what the engine still does for a build and removes its credentials; whether memory ran out there."""
    ran_out = await host.end_group(data["group"])
    await host.remove_tree(data["configuration"])
    while steps := await api.get("/containers/json", all=True, filters={"volume": data["volumes"]}):
        for step in steps:
            await api.delete(f"/containers/{step['Id']}", force=True, v=True)
    return ran_out


@cache
def _progress() -> str:
    program = importlib.resources.files("headway.drivers.builders").joinpath("progress.pl").read_text()
    answers = ", ".join(f"[{_quoted(words)}, {_quoted(meaning)}]" for words, meaning in ANSWERS)
    return program.replace("my @answers = ();", f"my @answers = ({answers});")


def _quoted(text: str) -> str:
    """As Perl has it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
