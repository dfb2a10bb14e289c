"""What is to be done to build and start a repository, with the reason of every choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from enum import StrEnum
from typing import Any, Final

from headway.kernel.artifacts import Process
from headway.kernel.dataclass import dataclass

BUILD_PATH: Final = "buildPath"
BUILD_PATH_SETTING: Final = "customGitBuildPath"
# By what a question is about, the option that answers it and what that takes.
_OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "provider": ("provider", "NAME"),
    "package": ("package", "NAME"),
    "start": ("start", "LINE"),
    "publish": ("publish", "FOLDER"),
    BUILD_PATH: ("build-path", "FOLDER"),
}
_AS_IT_IS: Final = frozenset({"true", ":"})  # the user's word that what is there is to be served as it is


class Confidence(StrEnum):
    """How sure a plan is: it was said in so many words, it follows from what the files have, or it is a guess."""

    TOLD = "told"
    SEEN = "seen"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A language or a package manager that the plan runs: ``tool`` is its name in the table of toolchains, ``wanted``
    a version or a range as its language writes it ("" for any), ``source`` the file or setting that asks for it;
    ``otherwise`` is what will do where that cannot be had ("" for nothing else).
    """

    tool: str
    wanted: str = ""
    source: str = ""
    otherwise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A named command of a build, in ``folder`` below the build path. ``argv`` names programs as PATH has them. The
    files in ``follows`` and the plan are all that it depends on: while they are equal, what it made before can be
    used again (none: it is run each time), and what it makes is in the folders ``makes``.
    """

    name: str
    argv: tuple[str, ...]
    folder: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()

    @staticmethod
    def of_user(name: str, line: str) -> Phase:
        """A phase that is the user's own command line: one argument to a shell."""
        return Phase(name=name, argv=("/bin/sh", "-c", line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A static site: the first of ``folders`` that has a page is served; ``fallback`` says whether its index.html
    answers what no file does (None: where it is the only page and there is no 404.html).
    """

    folders: tuple[str, ...]
    fallback: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that was decided: ``name`` is the setting that decides otherwise, ``is_set`` that it did."""

    name: str
    value: str
    reason: str
    is_set: bool = False

    @staticmethod
    def of_port(port: int, file: str) -> Choice:
        """The choice of a port that a file has, whatever PORT says."""
        reason = (
            f"{file} listens there and does not read PORT: no release starts beside the one before, and web runs once"
        )
        return Choice(name="port", value=str(port), reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the files leave open: ``name`` is the setting that answers it, ``choices`` are values that it could have,
    ``means`` what each of them comes to, where the values do not tell.
    """

    name: str
    text: str
    choices: tuple[str, ...] = ()
    means: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The command that answers it."""
        name, value = _OPTIONS[self.name]
        return f"headway apps set APP --{name} {value}"

    @property
    def setting(self) -> str:
        """The field of an application that answers it, with its place in ``build`` where it is there."""
        return BUILD_PATH_SETTING if self.name == BUILD_PATH else f"build.{self.name}"

    @property
    def shown_choices(self) -> tuple[str, ...]:
        """The values, each with what it comes to."""
        means = (*self.means, *("" for _ in self.choices))
        return tuple(f"{each} ({why})" if why else each for each, why in zip(self.choices, means, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """``provider`` and ``framework`` say what it was taken for. Either ``processes`` are started or the ``site`` is
    served. ``env`` is there in the build and at run time, ``build_env`` in the build only, ``run_env`` at run time
    only, with values that name what a release is told then (see `kernel.release_facts`); what the user has set goes
    before all. ``path`` are folders below the build path that come first on PATH, ``keep`` those that stay from release
    to release, ``port`` the one that the program listens on whatever PORT says. ``takes_requests`` is false for bots
    and workers. ``packages`` are Debian's that the build needs, ``notes`` are for the user.
    """

    provider: str
    framework: str = ""
    confidence: Confidence = Confidence.SEEN
    needs: tuple[Need, ...] = ()
    phases: tuple[Phase, ...] = ()
    processes: tuple[Process, ...] = ()
    release_command: str | None = None
    site: Site | None = None
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    port: int | None = None
    takes_requests: bool = True
    packages: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_built(self) -> bool:
        """Whether a site is made by the build, so that only what that has written is served."""
        lines = [phase.argv for phase in self.phases if phase.name.startswith("build")]
        return any(argv[:2] != ("/bin/sh", "-c") or argv[2].strip() not in _AS_IT_IS for argv in lines)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was decided and why, as the log tells it."""
        chosen = (f"{each.name}: {each.value} ({each.reason})" for each in self.choices)
        asked = (
            f"Question: {each.text}"
            + (f" Choices: {', '.join(each.shown_choices)}." if each.choices else "")
            + f" Answer: {each.option} ({each.setting})."
            for each in self.questions
        )
        return (*chosen, *self.notes, *asked)

    def dump(self) -> dict[str, Any]:
        """The plan as JSON, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), {}, "", [])}
