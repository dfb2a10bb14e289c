"""Which builder an application is built with, where its settings leave that open; the log says why."""

from __future__ import annotations

from dataclasses import replace

from headway.drivers.builders.base import BuildSpec
from headway.drivers.builders.dockerfile import DOCKERFILE, inside
from headway.drivers.builders.inspection import is_there, read_inside
from headway.drivers.builders.shortage import shortage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.kernel.dataclass import dataclass

AUTO = "auto"
BY_LACK = "railpack"  # what is built where the machine lacks what a native build needs
_UNDECIDED = "nixpacks"  # what the field says where nobody has touched it


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a choice depends on. ``lacking`` is what a native build lacks, where that is looked for; with ``stays`` what
    serves is an image that was made for that.
    """

    has_engine: bool
    has_dockerfile: bool
    has_nixpacks: bool
    lacking: str | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A builder by its name in the table, and why."""

    builder: str
    reason: str


def is_undecided(builder: str | None, build_type: str) -> bool:
    """Whether the settings leave the builder to what is there."""
    return (builder or (AUTO if build_type == _UNDECIDED else build_type)) == AUTO


def choose(builder: str | None, build_type: str, seen: Seen) -> Choice:
    """``builder`` decides where it is set, then ``build_type``, unless that is what it is by itself."""
    wanted = builder or (AUTO if build_type == _UNDECIDED else build_type)
    if wanted == "static" and not seen.has_engine:
        return Choice(builder="native", reason="a static site, and there is no container engine")
    if wanted != AUTO:
        return Choice(builder=wanted, reason="as its settings say")
    if seen.has_engine and seen.has_dockerfile:
        return Choice(builder="dockerfile", reason="there is a Dockerfile, and a container engine")
    if seen.stays:  # also where the engine is away: as processes it would begin with an empty folder
        why = "what serves is an image with its own data, so it stays one until a builder is set (such as native)"
        return Choice(builder=BY_LACK, reason=why)
    if seen.has_engine and seen.has_nixpacks:
        return Choice(builder="nixpacks", reason="there is a container engine, and nixpacks is installed")
    if seen.has_engine and seen.lacking:
        why = f"{seen.lacking}, which a native build needs; there is a container engine, so it becomes an image"
        return Choice(builder=BY_LACK, reason=why)
    if seen.has_dockerfile:
        return Choice(builder="native", reason="there is a Dockerfile, but no container engine that answers")
    lacking = "no Dockerfile, and nixpacks is not installed" if seen.has_engine else "no container engine"
    return Choice(builder="native", reason=f"there is {lacking}")


async def look_around(
    work: Work, workspace: Workspace, spec: BuildSpec, *, whether_lacking: bool = False, stays: bool = False
) -> Seen:
    """Looks at the workspace and its host, and where it is decided by that for what a native build lacks. With
    ``stays`` what serves is an image that was made for that. Raises BuildError for a Dockerfile that leads outside.
    """
    dockerfile = inside(spec.image.dockerfile if spec.image else DOCKERFILE, DOCKERFILE)
    seen = Seen(
        has_engine=spec.image is not None and await spec.image.api.answers(),
        has_dockerfile=await read_inside(work.host, workspace, dockerfile, limit=1) is not None,
        has_nixpacks=await is_there(work.host, "nixpacks"),
        stays=stays,
    )
    if not whether_lacking or choose(AUTO, _UNDECIDED, seen).builder != "native" or not seen.has_engine:
        return seen
    return replace(seen, lacking=await shortage(work, workspace, spec))
