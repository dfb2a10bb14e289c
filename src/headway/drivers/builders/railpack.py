"""The builder that lets railpack write a plan, which BuildKit then builds with railpack's own front end."""

from __future__ import annotations

import hashlib

from headway.drivers.builders.base import BuildSpec, ImageSpec
from headway.drivers.builders.engine import build_image, image_spec
from headway.drivers.builders.inspection import PATH, is_there
from headway.drivers.builders.plan_image import NOT_THERE, PlanImageBuilder
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.phrase import phrase

PROGRAM = "railpack"
_FRONT_END = "ghcr.io/railwayapp/railpack-frontend"


class RailpackBuilder:
    """Builds what railpack finds: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """The image of railpack's plan. Where the host has no railpack, that of Headway's own plan."""
        image = image_spec(spec)
        if not await is_there(work.host, PROGRAM):
            await work.say(phrase(NOT_THERE, PROGRAM))
            return await PlanImageBuilder().build(work, workspace, spec)
        await work.host.make_folder(spec.cache_folder, owner=spec.account)
        plan = f"{spec.cache_folder}/railpack-plan.json"
        await work.command(PROGRAM, plan_command(workspace, spec, plan))
        return await build_image(work, spec, describe(workspace, spec, image, plan))


def plan_command(workspace: Workspace, spec: BuildSpec, plan: str) -> Command:
    """Writes the plan; values of variables stay out of it."""
    names = (part for name in spec.variables for part in ("--env", name))
    own = (("--build-cmd", spec.build_command), ("--start-cmd", spec.start_command))
    lines = (part for option, line in own if line for part in (option, line))
    argv = (PROGRAM, "prepare", workspace.folder, "--plan-out", plan, *names, *lines)
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


def describe(workspace: Workspace, spec: BuildSpec, image: ImageSpec, plan: str) -> ImageBuild:
    """What is built. The variables are secrets of the build; their hash makes the cache follow their values."""
    secrets = {**spec.variables, **image.secrets}
    told = "\0".join(f"{name}={secrets[name].reveal()}" for name in sorted(secrets))
    front_end = f"{_FRONT_END}:v{image.version}" if image.version else _FRONT_END
    return ImageBuild(
        context=workspace.folder,
        dockerfile=plan,
        tag=image.name,
        front_end=front_end,
        arguments={
            **image.arguments,
            "secrets-hash": hashlib.sha256(told.encode()).hexdigest(),
            "cache-key": image.group,  # by which its front end tells the caches of applications apart
        },
        secrets=secrets,
    )
