"""The builder of a repository's own Dockerfile."""

from __future__ import annotations

import posixpath

from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.engine import build_image, image_spec
from headway.drivers.builders.inspection import PATH, read_inside
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.errors import InvalidInput

DOCKERFILE = "Dockerfile"


class DockerfileBuilder:
    """Builds as a Dockerfile says: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """Builds the Dockerfile's image, or the one of the stage that is wanted. Raises BuildError."""
        image = image_spec(spec)
        build = describe(workspace, image)
        if not await is_inside(work, workspace, spec, build.context):
            raise BuildError(
                "The build context is no folder of the repository. Set the context (dockerContextPath) to a folder "
                "inside it, relative to the build path."
            )
        if await read_inside(work.host, workspace, inside(image.dockerfile, "Dockerfile"), limit=1) is None:
            raise BuildError(
                f"There is no file '{image.dockerfile}' at the build path. Add it, or set the path of the Dockerfile "
                "(dockerfile), which is relative to the build path."
            )
        return await build_image(work, spec, build, below=workspace.root)


async def is_inside(work: Work, workspace: Workspace, spec: BuildSpec, context: str) -> bool:
    """Whether a context lies in the workspace: the command line follows links in the path of it, and only there."""
    if context == workspace.folder:
        return True
    stage = Stage(argv=("realpath", "--zero", "--", workspace.root, f"{context}/."), account=spec.account)
    command = Command(stages=(stage,), env={"PATH": PATH, "LC_ALL": "C"}, capture=True, step_seconds=30)
    ended = await work.command("build-context", command, check=False)
    places = ended.output.decode(errors="surrogateescape").split("\0")
    inner = places[1] if ended.succeeded and len(places) > 1 else None
    return inner is not None and f"{inner}/".startswith(f"{places[0]}/")


def describe(workspace: Workspace, image: ImageSpec) -> ImageBuild:
    """What is built. Raises InvalidInput for paths that lead out."""
    return ImageBuild(
        context=posixpath.normpath(f"{workspace.folder}/{inside(image.context, 'build context')}"),
        dockerfile=f"{workspace.folder}/{inside(image.dockerfile, 'Dockerfile')}",
        tag=image.name,
        stage=image.stage,
        arguments=image.arguments,
        secrets=image.secrets,
    )


def inside(path: str, what: str) -> str:
    """A path relative to the build path, without detours. Raises InvalidInput when it leads out."""
    relative = posixpath.normpath(path.strip().lstrip("/") or ".")
    if relative == ".." or relative.startswith("../") or not relative.isprintable():
        raise InvalidInput(f"The {what} '{path}' leads out of the repository. Give a path inside it.")
    return relative
