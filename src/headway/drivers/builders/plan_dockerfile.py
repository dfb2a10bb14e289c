"""The Dockerfile of a plan: a stage that builds as the phases say, and an image that starts the processes."""

from __future__ import annotations

import hashlib
import json
import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from headway.drivers.builders.base_images import Base
from headway.drivers.builders.install_cache import groups_of, is_kept
from headway.drivers.buildplan.plan import BuildPlan, Phase
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.kernel.artifacts import Process
from headway.kernel.dataclass import dataclass

ROOT: Final = "/app"
DATA: Final = "/data"
PORT: Final = 3000
SECRET: Final = "headway"  # noqa: S105 - its name
DIGEST: Final = "HEADWAY_VARIABLES"
STARTER: Final = Path(__file__).with_name("image_starter.sh").read_text()

_OWN = "/headway"
_HOME = f"{_OWN}/home"
_USER = 1000
_SITE, _BEFORE = f"{_OWN}/site", "/headway.before"
_SERVED = Path(__file__).with_name("image_site.sh").read_text()
_KEPT = Path(__file__).with_name("image_cache.sh").read_text()
_LOOPBACK, _EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - of a network of its own
_MOUNTS = f"--mount=type=cache,target={_HOME},sharing=locked --mount=type=secret,id={SECRET}"
# Nobody is root in what is started, as natively; what it writes to stays in the volume, or goes with the container.
_ACCOUNT = (
    f"mkdir -p {DATA} {ROOT} && chown {_USER}:{_USER} {DATA} {ROOT} && "
    f"{{ grep -q '^[^:]*:[^:]*:{_USER}:' /etc/passwd || echo 'app:x:{_USER}:{_USER}::{DATA}:/bin/sh' >>/etc/passwd; }}"
)
_PACKAGES = (
    'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" && '
    "rm -rf /var/lib/apt/lists/*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a Dockerfile is written of. ``inner`` is the build path in the repository, ``env`` what every phase has,
    ``run_env`` what the processes have; with ``fresh`` nothing that was kept is used.
    """

    plan: BuildPlan
    base: Base
    phases: Sequence[tuple[str, Phase]]
    inner: str = "."
    env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False

    @property
    def folder(self) -> str:
        """The build path in the image."""
        return posixpath.normpath(posixpath.join(ROOT, self.inner))

    @property
    def path(self) -> str:
        """What comes first on PATH."""
        return ":".join(f"{self.folder}/{part}" for part in self.plan.path)


def dockerfile(recipe: Recipe) -> str:
    """The text; the last stage is the image."""
    return "\n".join([*_system(recipe), *_build(recipe), *_image(recipe), ""])


def site_dockerfile(recipe: Recipe, folders: Sequence[str], *, is_built: bool, is_named: bool) -> str:
    """The text where a site is built: the last stage has no more than what of the folders is to be served in ``files``,
    which that was in ``folder`` (none: no such file), and what was written, as `site.written_since` says it.
    """
    lines = [
        *_begin(recipe, recipe.folder),
        f"out={_SITE} before={_BEFORE} built={'yes' if is_built else ''} named={'yes' if is_named else ''}",
        f"folders={shlex.quote(chr(10).join(folders))}",
        _SERVED,
    ]
    last = ["FROM scratch", f"COPY --from=build {_SITE}/ /", ""]
    return "\n".join([*_system(recipe), *_build(recipe), *_scripted("site", lines), *last])


def _system(recipe: Recipe) -> Iterator[str]:
    """What both stages begin with: languages, package managers and Debian's packages."""
    base, packages = recipe.base, recipe.plan.packages
    yield f"FROM {base.image} AS system"
    yield "USER 0:0"
    for image, place in base.others:
        yield f"COPY --from={image} {place} {place}"
    if any(tool == "go" for tool in base.tools):
        yield 'ENV PATH="/usr/local/go/bin:$PATH"'
    if packages:
        yield from _step("packages", recipe, [("/bin/sh", "-c", _PACKAGES, "headway", *packages)], at="/")
    for tool, argv in base.managers.items():
        yield from _step(tool, recipe, [argv], at="/")


def _build(recipe: Recipe) -> Iterator[str]:
    yield "FROM system AS build"
    yield f"WORKDIR {ROOT}"
    yield from _step("versions", recipe, [_asked(tool) for tool in recipe.base.tools if tool != "npm"], at="/")
    yield f"COPY . {ROOT}"
    if recipe.plan.site is not None:
        yield f'RUN ["touch", "{_BEFORE}"]'
    yield f"ARG {DIGEST}"
    for group in groups_of([*recipe.phases]):
        yield from _phases(group[-1][0], recipe, [phase for _, phase in group], kept=is_kept(group))


def _image(recipe: Recipe) -> Iterator[str]:
    plan, folder = recipe.plan, recipe.folder
    yield "FROM system"
    yield from _file(f"{_OWN}/account", f"#!/bin/sh\n{_ACCOUNT}\n")
    yield f"RUN {json.dumps([f'{_OWN}/account'])}"
    yield f"COPY --from=build --chown={_USER}:{_USER} {ROOT} {ROOT}"
    yield from _file(f"{_OWN}/start", STARTER + _starts(plan.processes, recipe))
    if recipe.path:
        yield f'ENV PATH="{_escaped(recipe.path)}:$PATH"'
    for name, value in {"HOME": DATA, "DATA_DIR": DATA, "LANG": "C.UTF-8", **recipe.run_env}.items():
        if not _is_of_lines(value):  # else the starter has it
            yield f"ENV {name}={_quoted(value)}"
    yield f"WORKDIR {_quoted(folder)}"
    yield f"USER {_USER}:{_USER}"
    if plan.takes_requests:
        yield f"EXPOSE {plan.port or PORT}"
    yield "ENTRYPOINT []"
    yield f"CMD {json.dumps([f'{_OWN}/start'])}"


def reached(plan: BuildPlan) -> BuildPlan:
    """The plan with what it starts listening to whoever reaches the container, where it would to the loopback; what its
    owner says is started as it is said.
    """
    env = {name: _EVERYWHERE if value == _LOOPBACK else value for name, value in plan.env.items()}
    run_env = {name: _EVERYWHERE if value == _LOOPBACK else value for name, value in plan.run_env.items()}
    is_told = any(
        each.name == "processes" or (each.name == "start" and (each.is_set or each.reason.endswith(" says so")))
        for each in plan.choices
    )
    processes = plan.processes
    if not is_told:
        processes = tuple(replace(each, command=each.command.replace(_LOOPBACK, _EVERYWHERE)) for each in processes)
    return replace(plan, env=env, run_env=run_env, processes=processes)


def _phases(name: str, recipe: Recipe, phases: Sequence[Phase], *, kept: bool) -> Iterator[str]:
    """One step of the build for phases that are kept together, or for one that is not."""
    lines = [*_begin(recipe, recipe.folder)]
    body = [line for phase in phases for line in _run(phase, recipe)]
    if kept:
        follows = sorted({each for phase in phases for each in phase.follows})
        makes = sorted({each for phase in phases for each in phase.makes})
        told = hashlib.sha256("\n".join([recipe.base.image, *body]).encode()).hexdigest()
        lines += [
            f"name={shlex.quote(name)} told={told} fresh={'yes' if recipe.fresh else ''}",
            f"kept={_HOME}/installed",
            f"follows={shlex.quote(chr(10).join(follows))}",
            f"makes={shlex.quote(chr(10).join(makes))}",
            f"versions={shlex.quote(chr(10).join(recipe.base.tools))}",
            _KEPT,
            "recall && exit",
            *body,
            "keep || true",
        ]
    else:
        lines += body
    lines += [f"echo {shlex.quote(name)}: $(( $(date +%s) - began )) s"]
    yield from _scripted(name, lines)


def _step(name: str, recipe: Recipe, argvs: Sequence[Sequence[str]], *, at: str) -> Iterator[str]:
    """A step that is no phase of the plan."""
    if argvs:
        yield from _scripted(name, [*_begin(recipe, at), *(shlex.join(argv) + " || exit $?" for argv in argvs)])


def _scripted(name: str, lines: Sequence[str]) -> Iterator[str]:
    """A step as a file that is run: its arguments may be long, and a heading of the log is not."""
    place = f"{_OWN}/phase/{name.replace(' ', '-')}"
    yield from _file(place, "\n".join(["#!/bin/sh", *lines, ""]))
    yield f"RUN {_MOUNTS} {json.dumps([place])}"


def _begin(recipe: Recipe, folder: str) -> Iterator[str]:
    yield "began=$(date +%s)"
    yield from (f"export {name}={shlex.quote(value)}" for name, value in {**recipe.env, "HOME": _HOME}.items())
    path = f" PATH={shlex.quote(recipe.path)}:$PATH; export PATH;" if recipe.path and folder != "/" else ""
    yield f"own() {{ if [ -r /run/secrets/{SECRET} ]; then . /run/secrets/{SECRET}; fi;{path} }}"
    yield "own"
    yield f"cd {shlex.quote(folder)} || exit"


def _run(phase: Phase, recipe: Recipe) -> Iterator[str]:
    """One phase, by itself in a subshell: what it sets and where it goes is no other's. The owner's variables go before
    those of the phase.
    """
    argv = [phase.argv[0].replace("{folder}", recipe.folder), *phase.argv[1:]]
    place = posixpath.normpath(posixpath.join(recipe.folder, phase.folder))
    env = [f"export {name}={shlex.quote(value)}" for name, value in phase.env.items()]
    steps = [f"cd {shlex.quote(place)} || exit", *env, *(["own"] if env else []), f"exec {shlex.join(argv)}"]
    yield f"( {'; '.join(steps)} ) || exit $?"


def _starts(processes: Sequence[Process], recipe: Recipe) -> str:
    """The end of the starter: what is started, as often as it is to run."""
    several = {name: value for name, value in recipe.run_env.items() if _is_of_lines(value)}
    begin = [f"export {name}={shlex.quote(value)}" for name, value in several.items()]
    if recipe.path:  # also where a variable of the owner's is PATH
        begin.append(f"PATH={shlex.quote(recipe.path)}:$PATH")
    times = [(each, number) for each in processes for number in range(1, _scale(each) + 1)]
    if len(times) == 1:
        process = times[0][0]
        lines = [f"only {shlex.quote(process.name)} {shlex.quote(process.command)}"]
    else:
        lines = [f"one {shlex.quote(each.name)} {number} {shlex.quote(each.command)}" for each, number in times]
        lines.append("wait_for_any")
    return "\n".join([*begin, *lines, ""])


def _is_of_lines(value: str) -> bool:
    """Whether no ENV can hold it."""
    return "\n" in value


def _scale(process: Process) -> int:
    """There is one port to listen on."""
    return 1 if process.name == "web" else process.scale


def _asked(tool: str) -> tuple[str, str]:
    """What a tool is asked for its version by."""
    return TOOLS[tool].programs[0], TOOLS[tool].asked


def _file(place: str, text: str) -> Iterator[str]:
    end = f"HEADWAY_{hashlib.sha256(text.encode()).hexdigest()[:16].upper()}"
    yield f'COPY --chmod=0555 <<"{end}" {place}'
    yield text.rstrip("\n")
    yield end


def _quoted(value: str) -> str:
    """A value as a Dockerfile has it, without anything being put in its place."""
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    """The same within the quotes, all of which BuildKit takes off: those of WORKDIR too, after which a path goes on to
    the end of its line.
    """
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
