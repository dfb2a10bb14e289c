"""The native builder: commands on the host itself, under the build account, in the folder that will be released."""

from __future__ import annotations

import importlib.resources
import io
import posixpath
import re
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Final

from headway.drivers.builders.base import BuildSpec
from headway.drivers.builders.inspection import PATH
from headway.drivers.builders.install_cache import InstallCache, Recalled, groups_of
from headway.drivers.builders.outlook import plan_build
from headway.drivers.builders.shortage import not_installed
from headway.drivers.builders.site import keep_served, newest_change, published, rules_of, written_since
from headway.drivers.buildplan.plan import BuildPlan, Phase
from headway.drivers.buildplan.toolchains.provision import provide
from headway.drivers.buildplan.toolchains.store import Provided
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Bundle, Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

_LINKS = ".headway/bin"
_VENV_PROGRAMS = ".venv/bin"
_PYTHON_WORD = re.compile(r"(?:^|[\s;&|(])python(?=\s)")
# What every build has, as an image too.
ALWAYS: Final[Mapping[str, str]] = {
    "LANG": "C.UTF-8",
    "CI": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONUNBUFFERED": "1",
    "UV_LINK_MODE": "copy",  # files that are links into a cache would be sealed there too
    "npm_config_update_notifier": "false",
    "YARN_NODE_LINKER": "node-modules",
    "YARN_ENABLE_TELEMETRY": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_LACKING = "This machine does not have {}, which this build may need. All of it, as root: apt-get install {}"
_ODD = re.compile(r"[^A-Za-z0-9 _.-]+")


class NativeBuilder:
    """Builds with what the host has: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Bundle:
        """Looks what it is, runs its phases, and gives the bundle at ``workspace.folder``."""
        plan = await plan_build(work, workspace, spec)
        before = await newest_change(work, workspace, spec) if plan.site is not None and plan.is_built else None
        if plan.lines:
            await work.say("\n".join(plan.lines))
        if lacking := await not_installed(work.host, plan.packages):
            await work.say(phrase(_LACKING, ", ".join(lacking), " ".join(lacking)))
        provided = await _provided(work, plan, spec)
        await work.host.make_folder(spec.cache_folder, owner=spec.account)
        path = plan.path
        if says_python(plan, provided) and await work.host.read_file("/usr/bin/python", limit=1) is None:
            await work.command("python-link", link_python(workspace.folder, spec))
            path = (*path, _LINKS)
        surroundings = Surroundings(
            path=path, provided=provided, env={**provided.build_env, **plan.env, **plan.build_env}
        )
        await run_phases(work, workspace, spec, plan, surroundings)
        root = await _static_root(work, workspace, spec, plan, before)
        fallback = plan.site.fallback if plan.site is not None else None
        rules = None if root is None else await rules_of(work, workspace, root, spec, fallback)
        if root is not None and plan.is_built:
            await keep_served(work, workspace, root, spec)
        return Bundle(
            folder=workspace.folder,
            processes=plan.processes,
            release_command=plan.release_command,
            path=path,
            env={**provided.env, **plan.env},
            static_root=root,
            site={} if rules is None else rules.dump(),
            tool_path=provided.path,
            toolchains=provided.names,
            run_env=plan.run_env,
            keep=plan.keep,
            port=plan.port,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan's phases find: folders relative to the build path that come first on PATH, then the toolchains, and
    what it adds to the environment.
    """

    path: tuple[str, ...] = ()
    provided: Provided = field(default_factory=Provided)
    env: Mapping[str, str] = field(default_factory=dict)


async def _provided(work: Work, plan: BuildPlan, spec: BuildSpec) -> Provided:
    """The languages and package managers that the plan needs; the log says at which versions, and from where."""
    if spec.toolchains is None or not plan.needs:
        return Provided()
    provided = await provide(work, plan.needs, spec.toolchains)
    if provided.lines:
        await work.say(f"versions: {'; '.join(provided.lines)}")
    return provided


async def run_phases(
    work: Work, workspace: Workspace, spec: BuildSpec, plan: BuildPlan, surroundings: Surroundings
) -> None:
    """Runs the phases, but for those whose work is kept from a build before."""
    provided = surroundings.provided
    cache = InstallCache(
        work=work,
        workspace=workspace,
        spec=spec,
        run="" if spec.toolchains is None else spec.toolchains.attempt,
        context={"tools": provided.names, "env": surroundings.env, "tools_env": provided.env},
    )
    for group in groups_of([*numbered(plan.phases)]):
        recalled = await cache.recall(group) if provided.names else Recalled()
        if recalled.is_there:
            continue
        for name, phase in group:
            began = time.monotonic()
            await work.command(name, phase_command(phase, workspace.folder, surroundings, spec))
            await work.say(phrase("{}: {} s", name, f"{time.monotonic() - began:.1f}"))
        await cache.keep(group, recalled)


def says_python(plan: BuildPlan, provided: Provided) -> bool:
    """Whether a command line calls Python by a name that Debian has only in a virtual environment."""
    lines = [process.command for process in plan.processes]
    lines += [phase.argv[2] for phase in plan.phases if phase.argv[:2] == ("/bin/sh", "-c")]
    lines += [plan.release_command] if plan.release_command else []
    has_python = _VENV_PROGRAMS in plan.path or any(need.tool == "python" for need in provided.uses)
    return not has_python and any(_PYTHON_WORD.search(line) for line in lines)


def numbered(phases: Sequence[Phase]) -> Iterator[tuple[str, Phase]]:
    """The phases with the names of their commands: of one name there is one command in a run."""
    seen = Counter[str]()
    for phase in phases:
        name = _ODD.sub("-", phase.name)[:60]
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name} {seen[name]}"), phase


def phase_command(phase: Phase, folder: str, surroundings: Surroundings, spec: BuildSpec) -> Command:
    """A phase as a command: in its folder of the build path, under the build account, within the build's bounds.
    Nothing is there to answer a question: its input is empty.
    """
    argv = tuple(part.replace("{folder}", folder) if index == 0 else part for index, part in enumerate(phase.argv))
    return Command(
        stages=(Stage(argv=argv, account=spec.account),),
        env=_environment(folder, surroundings, spec, {**_of_pnpm(phase, spec), **surroundings.env, **phase.env}),
        cwd=posixpath.normpath(posixpath.join(folder, phase.folder)),
        limits=spec.limits,
        step_seconds=spec.step_seconds,
        inactivity_seconds=spec.inactivity_seconds,
    )


def link_python(folder: str, spec: BuildSpec) -> Command:
    """Gives an application that says ``python`` the system's python3 by that name: Debian has it only in a virtual
    environment. Unpacked by tar, which puts folders in the place of links of the same name in the repository.
    """
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in (posixpath.dirname(_LINKS), _LINKS):
            folder_entry = tarfile.TarInfo(name)
            folder_entry.type, folder_entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder_entry)
        link = tarfile.TarInfo(f"{_LINKS}/python")
        link.type = tarfile.SYMTYPE
        link.linkname = "/usr/bin/python3"
        archive.addfile(link)
    stage = Stage(argv=("tar", "--extract", "--file=-", "--no-same-owner"), account=spec.account)
    return Command(stages=(stage,), env={"PATH": PATH, "LC_ALL": "C"}, cwd=folder, stdin=data.getvalue())


def seal(folder: str, *, build: Account | None, run: Account | None) -> Command:
    """Makes a built release read-only to the account that runs it: root's, with the run account's group. It fails for
    what neither the build account has nor was sealed before, and stands being repeated.
    """
    given = ("", "") if build is None or run is None else (str(build.uid), str(run.gid))
    stage = Stage(argv=("perl", "-e", _sealing(), "--", folder, *given))
    return Command(stages=(stage,), env={"PATH": PATH, "LC_ALL": "C"})


@cache
def _sealing() -> str:
    return importlib.resources.files("headway.drivers.builders").joinpath("seal.pl").read_text()


def _environment(folder: str, surroundings: Surroundings, spec: BuildSpec, env: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value.reveal() for name, value in spec.variables.items()}
    first = [*(f"{folder}/{part}" for part in surroundings.path), *surroundings.provided.path]
    return {
        "HOME": spec.cache_folder,
        "SOURCE_COMMIT": spec.commit_hash,
        **ALWAYS,
        **surroundings.provided.env,
        **env,
        **variables,
        "PATH": ":".join([*first, variables.get("PATH") or PATH]),
    }


def _of_pnpm(phase: Phase, spec: BuildSpec) -> dict[str, str]:
    """What it has to be told, for the same reason; npm complains of it, so only where pnpm is named."""
    if not any("pnpm" in part for part in phase.argv):
        return {}
    return {
        "npm_config_package_import_method": "copy",
        "npm_config_store_dir": f"{spec.cache_folder}/.pnpm-store",
    }


async def _static_root(
    work: Work, workspace: Workspace, spec: BuildSpec, plan: BuildPlan, before: str | None
) -> str | None:
    """The folder to serve, relative to the bundle; None where something is run. Raises BuildError."""
    if plan.site is None:
        return None
    written = None if before is None else await written_since(work, workspace, spec, before)
    return await published(work, workspace, plan.site.folders, written, is_named=bool(spec.output_folder))
