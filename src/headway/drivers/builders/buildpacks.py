"""The builders of Cloud Native Buildpacks, through the command line of their project, pack."""

from __future__ import annotations

import importlib.resources
from functools import cache

from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.engine import built_image, cache_volumes, image_spec, prepare, run_build
from headway.drivers.builders.inspection import is_there
from headway.infra.docker.cli import Typed
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.dataclass import dataclass

PROGRAM = "pack"
INSTALLING = (
    "See https://buildpacks.io/docs/for-platform-operators/how-to/integrate-ci/pack for how, or set builder to "
    "dockerfile or native."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildpacksBuilder:
    """Builds with the buildpacks of a builder image, ``image``, whose tag is the version that is asked for: see
    `Builder`.
    """

    image: str
    version: str

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """The image that pack makes. Raises BuildError where the host has no pack."""
        image = image_spec(spec)
        await _require(work, PROGRAM, INSTALLING)
        await prepare(work, spec)
        await run_build(work, spec, PROGRAM, self.typed(workspace, spec, image))
        return await built_image(image)

    def typed(self, workspace: Workspace, spec: BuildSpec, image: ImageSpec) -> Typed:
        """What is typed. The cache is a volume of the application's, by which the build's containers are known."""
        caches = (f"type={use};format=volume;name={volume}" for use, volume in cache_volumes(image).items())
        argv = (
            *(PROGRAM, "build", image.name, "--path", workspace.folder),
            *("--builder", f"{self.image}:{image.version or self.version}"),
            *("--pull-policy", "if-not-present", "--trust-builder", "--no-color"),
            *(part for cache in caches for part in ("--cache", cache)),
            *(("--clear-cache",) if image.fresh else ()),
            *(part for name in spec.variables for part in ("--env", name)),
        )
        argv = (*_door(image), *argv)
        return Typed(argv=argv, env=image.cli.with_engine({n: v.reveal() for n, v in spec.variables.items()}))


def _door(image: ImageSpec) -> tuple[str, ...]:
    """What leads it to the engine so that its containers are judged by the kernel; nothing where they are not."""
    if image.within is None:
        return ()
    places = (image.cli.host.removeprefix("unix://"), f"{image.cli.configuration}/door", image.within)
    return ("perl", "-e", _program(), "--", *places, "--")


@cache
def _program() -> str:
    return importlib.resources.files("headway.drivers.builders").joinpath("door.pl").read_text()


async def _require(work: Work, program: str, installing: str) -> None:
    """Raises BuildError where the host does not have the program; ``installing`` says what to do about it."""
    if not await is_there(work.host, program):
        raise BuildError(f"The program {program} is not installed on this host (in /usr/local/bin). {installing}")
