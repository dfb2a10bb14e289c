"""The builder that lets nixpacks write the Dockerfile, without a way to the engine, and then builds that."""

from __future__ import annotations

from headway.drivers.builders.base import BuildSpec, ImageSpec
from headway.drivers.builders.engine import build_image, image_spec
from headway.drivers.builders.inspection import PATH, is_there
from headway.drivers.builders.plan_image import NOT_THERE, PlanImageBuilder
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.phrase import phrase

PROGRAM = "nixpacks"


class NixpacksBuilder:
    """Builds what nixpacks finds: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """The image of nixpacks' plan. Where the host has no nixpacks, that of Headway's own plan."""
        image = image_spec(spec)
        if not await is_there(work.host, PROGRAM):
            await work.say(phrase(NOT_THERE, PROGRAM))
            return await PlanImageBuilder().build(work, workspace, spec)
        await work.host.make_folder(spec.cache_folder, owner=spec.account)
        out = f"{spec.cache_folder}/nixpacks"
        await work.command("nixpacks-clear", _clear(spec, out))  # once: what the next one writes is not to be lost
        await work.command(PROGRAM, plan_command(workspace, spec, out))
        return await build_image(work, spec, describe(spec, image, out), below=out)


def _clear(spec: BuildSpec, out: str) -> Command:
    stage = Stage(argv=("rm", "-rf", "--", out), account=spec.account)
    return Command(stages=(stage,), env={"PATH": PATH}, step_seconds=spec.step_seconds)


def plan_command(workspace: Workspace, spec: BuildSpec, out: str) -> Command:
    """Writes the application and its Dockerfile into the folder ``out``. Command lines that are
    variables (``NIXPACKS_…_CMD``) it reads itself.
    """
    own = (("--build-cmd", spec.build_command), ("--start-cmd", spec.start_command))
    lines = ((option, (line or "").strip()) for option, line in own)
    argv = (
        *(PROGRAM, "build", workspace.folder, "--out", out),
        *(part for name in spec.variables for part in ("--env", name)),
        *(part for option, line in lines if line for part in (option, line)),
    )
    return Command(
        stages=(Stage(argv=argv, account=spec.account),),
        env={
            "HOME": spec.cache_folder,
            "LANG": "C.UTF-8",
            **{name: value.reveal() for name, value in spec.variables.items()},
            "PATH": PATH,
        },
        cwd=workspace.folder,
        limits=spec.limits,
        step_seconds=spec.step_seconds,
        inactivity_seconds=spec.inactivity_seconds,
    )


def describe(spec: BuildSpec, image: ImageSpec, out: str) -> ImageBuild:
    """What is built: nixpacks' Dockerfile takes every variable as an argument."""
    variables = {name: value.reveal() for name, value in spec.variables.items()}
    return ImageBuild(
        context=out,
        dockerfile=f"{out}/.nixpacks/Dockerfile",
        tag=image.name,
        arguments={**variables, **image.arguments},
        secrets=image.secrets,
    )
