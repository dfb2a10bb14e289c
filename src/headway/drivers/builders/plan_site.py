"""The site of a plan as an image: what BuildKit builds is brought back, and put into an image with a file server."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Final

from headway.drivers.builders import static_image
from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.base_images import ADVICE
from headway.drivers.builders.dockerfile import is_inside
from headway.drivers.builders.engine import build_image, export_build, image_spec
from headway.drivers.builders.inspection import PATH, read_inside
from headway.drivers.builders.plan_dockerfile import Recipe, site_dockerfile
from headway.drivers.builders.site import published, read_written, rules_of
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.phrase import phrase

_OUT: Final = ".headway-site"


async def build_site(work: Work, workspace: Workspace, spec: BuildSpec, recipe: Recipe, build: ImageBuild) -> Image:
    """The image with what the build leaves to be served. Raises BuildError where that is nothing."""
    site, image = recipe.plan.site, image_spec(spec)
    if site is None:
        raise BuildError("This is no static site: something is to be run here.")
    has_build, is_named = recipe.plan.is_built, bool(spec.output_folder)
    text = site_dockerfile(recipe, site.folders, is_built=has_build, is_named=is_named)
    out = f"{workspace.folder}/{_OUT}"
    # Of what the repository has there; by a command, which is carried out once in the life of the run: a panel that
    # goes on with it finds what the build has written.
    await work.command("site-folder", _removal(out, spec))
    exported = replace(build, dockerfile_text=text)
    await export_build(work, spec, exported, out, own=recipe.base.images, advice=ADVICE)
    chosen = await read_inside(work.host, workspace, f"{_OUT}/folder")
    if chosen is None:
        written = read_written(await read_inside(work.host, workspace, f"{_OUT}/written", limit=1 << 20) or b"")
        await published(work, workspace, site.folders, written if has_build else None, is_named=is_named)
        raise BuildError("The build left no folder to serve. Deploy again.")
    files = posixpath.join(out, "files")
    if not await is_inside(work, workspace, spec, files):  # steps of the build may leave a link in its place
        raise BuildError("What the build leaves to be served is a link that leads out of it. Let it write a folder.")
    await work.say(phrase("Served: {}", chosen[:200].decode(errors="replace").strip()))
    rules = await rules_of(work, workspace, f"{_OUT}/files", spec, site.fallback)
    described = static_image.describe(files, image, image.site_file(rules))
    return await build_image(work, _apart(spec, image), described, name="image")


def _apart(spec: BuildSpec, image: ImageSpec) -> BuildSpec:
    """The spec of the second build, with a folder and a control group of its own: a panel that goes on with it asks how
    the first one ended, and clears after that as the one before did. It begins with no image that a registry has.
    """
    where = replace(image.cli, configuration=f"{image.cli.configuration}-image")
    return replace(spec, image=replace(image, cli=where, group=f"{image.group}-image", login=None))


def _removal(folder: str, spec: BuildSpec) -> Command:
    return Command(
        stages=(Stage(argv=("rm", "-rf", "--", folder), account=spec.account),),
        env={"PATH": PATH, "LC_ALL": "C"},
        limits=spec.limits,
        step_seconds=spec.step_seconds,
    )
