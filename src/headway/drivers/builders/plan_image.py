"""The builder of a plan as an image: what a native build follows, as a Dockerfile that BuildKit builds."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from headway.drivers.builders import static_image
from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.base_images import ADVICE, base_of
from headway.drivers.builders.dockerfile import is_inside
from headway.drivers.builders.engine import build_image, export_build, image_spec
from headway.drivers.builders.inspection import PATH, read_inside
from headway.drivers.builders.native import ALWAYS, numbered
from headway.drivers.builders.outlook import plan_build
from headway.drivers.builders.plan_dockerfile import DATA, DIGEST, SECRET, Recipe, dockerfile, reached, site_dockerfile
from headway.drivers.builders.site import published, read_written, rules_of
from headway.drivers.builders.static_image import StaticImageBuilder
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret

NOT_THERE: Final = "{} is not installed on this host: the image is built by Headway's own plan."
_MOST_VARIABLES: Final = 120_000  # bytes; they go to the command line's program in one variable of its environment
# The repository's own file is for its Dockerfile: as natively, all of it is there.
_IGNORED: Final = ".git\n"
_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # what ends a line, and what is no text
_OUT: Final = ".headway-site"


class PlanImageBuilder:
    """Builds an image as detection plans: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """The image of the plan. Raises BuildError."""
        image = image_spec(spec)
        plan = reached(await plan_build(work, workspace, spec))
        if plan.site is not None and not plan.phases:
            return await StaticImageBuilder().build(work, workspace, spec)
        if plan.lines:
            await work.say("\n".join(plan.lines))
        recipe = recipe_of(plan, workspace, spec, image)
        await work.say(phrase("{}", "; ".join(recipe.base.lines)))
        if any(each.name == "web" and each.scale > 1 for each in plan.processes):
            await work.say(
                phrase("web runs once in a container, which has one port; replicas says how many containers there are.")
            )
        described = describe(recipe, workspace, spec)
        if plan.site is not None:
            return await _build_site(work, workspace, spec, recipe, described)
        built = await build_image(work, spec, described, own=recipe.base.images, advice=ADVICE)
        return replace(
            built,
            data_folder=DATA,
            release_command=plan.release_command,
            run_env=plan.run_env,
            keep=tuple(posixpath.join(recipe.folder, each) for each in spec.settings.keep or plan.keep),
        )


def recipe_of(plan: BuildPlan, workspace: Workspace, spec: BuildSpec, image: ImageSpec) -> Recipe:
    """What the Dockerfile is written of. Raises BuildError for a version that no image has, and for a build path that
    no Dockerfile can name.
    """
    if _UNWRITABLE.search(workspace.folder):  # as a link of the repository may lead to
        raise BuildError("The build path is a folder whose name no Dockerfile can have in it. Rename the folder.")
    base = base_of(plan.needs, image.bases, datetime.now(UTC).date())
    tools = {name: value for tool in base.tools for name, value in TOOLS[tool].env.items() if "COREPACK" not in name}
    inner = posixpath.relpath(workspace.folder, workspace.root)
    folder = posixpath.normpath(posixpath.join("/app", inner))
    venv = next((part for part in plan.path if part.split("/")[-2:] == [".venv", "bin"]), None)
    told = {} if venv is None else {"VIRTUAL_ENV": f"{folder}/{venv.removesuffix('/bin')}"}
    return Recipe(
        plan=plan,
        base=base,
        phases=[*numbered(plan.phases)],
        inner=inner,
        env={**ALWAYS, "PIP_ROOT_USER_ACTION": "ignore", **tools, **plan.env, **plan.build_env},
        run_env={**told, **tools, **plan.env},
        fresh=image.fresh or spec.fresh,
    )


def describe(recipe: Recipe, workspace: Workspace, spec: BuildSpec) -> ImageBuild:
    """What is built. The variables are a secret of the build, in no layer; by their digest the cache follows them."""
    variables = {name: value.reveal() for name, value in spec.variables.items()}
    text = _exported({"SOURCE_COMMIT": spec.commit_hash, **variables})
    if len(text.encode()) > _MOST_VARIABLES:
        raise BuildError(
            f"All variables together are longer than {_MOST_VARIABLES} bytes, which a build of an image cannot have."
            " Put what is long into a file, or build without an image (headway apps set APP --builder native)."
        )
    return ImageBuild(
        context=workspace.root,
        dockerfile_text=dockerfile(recipe),
        ignored=_IGNORED,
        tag="",
        arguments={DIGEST: hashlib.sha256(_exported(variables).encode()).hexdigest()},
        secrets={SECRET: Secret(text)},
    )


def _exported(variables: Mapping[str, str]) -> str:
    """As a shell reads them."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


async def _build_site(work: Work, workspace: Workspace, spec: BuildSpec, recipe: Recipe, build: ImageBuild) -> Image:
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
