"""The builder contract: making what a runtime can release from a workspace."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import ClassVar, Protocol

from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.toolchains.store import Store
from headway.infra.docker.api import DockerApi
from headway.infra.docker.cli import Docker, Typed
from headway.infra.hosts.command import Account, Limits
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError, InvalidInput
from headway.kernel.secret import Secret
from headway.kernel.site_rules import SiteRules

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_COMMAND = 16_384
_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")


class BuildError(HeadwayError):
    """The workspace cannot be built as it is; the sentence says what to add or change."""

    code: ClassVar[Code] = Code.BAD_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """What a builder of images is told beside. ``name`` is what the image is to be called and ``labels`` what it
    carries; ``group`` names the control group of the build's steps, which may be ``ruled``, and a builder whose steps
    are containers has them begin ``within`` another, where that is given. ``dockerfile`` and
    ``context`` are relative to the build path; ``fresh`` does without what is cached. ``account`` may speak to the
    engine, and reads no more of the workspace than a build could; ``login`` is typed first, for base images that are
    not for everybody, from the ``registries`` that it opens; with ``may_fetch`` the engine fetches whatever a
    Dockerfile says. Of one that may do so where it needs it, ``fetches`` notes that it does, before it does.
    ``version`` is the one of the builder's own parts, where it has any. ``bases`` are the images that plans are built
    on, by language. ``file_server`` is the folder with the program that serves a site in its image, ``site_file`` what
    that is told.
    """

    api: DockerApi
    cli: Docker
    name: str
    group: str
    ruled: bool = False
    within: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    login: Typed | None = field(default=None, repr=False)
    dockerfile: str = "Dockerfile"
    context: str = "."
    stage: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    fresh: bool = False
    registries: tuple[str, ...] = ()
    may_fetch: bool = False
    fetches: Callable[[], Awaitable[None]] | None = None
    version: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    file_server: str = ""
    site_file: Callable[[SiteRules], str] = field(default=lambda _: "{}", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """How an application is built. ``settings`` are the owner's own, ``variables`` the environment that a build sees;
    ``cache_folder`` outlives builds and is the build account's home; ``scale`` says how often its process types run.
    ``limits``, ``step_seconds`` and ``inactivity_seconds`` bound every phase; ``image`` is for those who build images,
    ``toolchains`` is where languages are kept that a plan needs (None: only what PATH has is used); ``fresh`` installs
    anew whatever was kept. Raises InvalidInput for what no shell and no environment can hold.
    """

    cache_folder: str
    settings: BuildSettings = field(default_factory=BuildSettings)
    variables: Mapping[str, Secret] = field(default_factory=dict)
    account: Account | None = None
    limits: Limits = field(default_factory=Limits)
    step_seconds: float | None = None
    inactivity_seconds: float | None = None
    scale: Mapping[str, int] = field(default_factory=dict)
    commit_hash: str = ""
    image: ImageSpec | None = None
    toolchains: Store | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        for label in ("install", "build", "start", "release"):
            line = getattr(self.settings, label)
            if line is not None and ("\0" in line or len(line) > _LONGEST_COMMAND):
                raise InvalidInput(
                    f"The {label} command holds a NUL character or is longer than {_LONGEST_COMMAND} characters."
                )
        image = self.image
        further = {} if image is None else {**{n: Secret(v) for n, v in image.arguments.items()}, **image.secrets}
        if image is not None and image.version and not _VERSION.fullmatch(image.version):
            raise InvalidInput(f"{image.version[:100]!r} is no version of a builder: give one such as 24 or 0.15.4.")
        for name, value in [*self.variables.items(), *further.items()]:
            if not _NAME.fullmatch(name):
                raise InvalidInput(
                    "The name of a variable consists of letters, digits and '_', and begins with no digit."
                )
            if "\0" in value.reveal():
                raise InvalidInput(f"The value of the variable {name} holds a NUL character.")

    @property
    def build_command(self) -> str | None:
        """What builds it, where that is set."""
        return self.settings.build

    @property
    def start_command(self) -> str | None:
        """What starts it, where that is set."""
        return self.settings.start

    @property
    def output_folder(self) -> str | None:
        """What a static site publishes, relative to the build path, where that is set."""
        return self.settings.publish

    def line(self, own: str | None, variable: str) -> str | None:
        """A command line of the user's: the ``own`` setting, else the one in a variable, else None."""
        inherited = self.variables.get(variable)
        text = (own or "").strip() or (inherited.reveal().strip() if inherited else "")
        return text or None


class Builder(Protocol):
    """A way of building."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Artifact:
        """Builds the workspace under the build account, in its place. Raises BuildError when it is not clear how, or
        what was asked for is not there after the build; a phase that fails ends the run with its own error.
        """
        ...
