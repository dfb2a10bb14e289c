"""The native builder: commands on the host itself, under the build account, in the folder that will be released."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Mapping

from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Bundle, Workspace
from headway.seams.builders import detect
from headway.seams.builders.base import BuildSpec
from headway.seams.builders.listing import PATH, read_listing
from headway.seams.builders.plan import Phase, Plan
from headway.seams.builders.site import keep_served, newest_change, published, rules_of, written_since

_LINKS = ".headway/bin"


class NativeBuilder:
    """Builds with what the host has: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Bundle:
        """Looks what it is, runs its phases, and gives the bundle at ``workspace.folder``."""
        plan = detect.detect(await read_listing(work, workspace, spec), spec)
        before = await newest_change(work, workspace, spec) if plan.static_folders and plan.is_built else None
        for reason in plan.reasons:
            await work.say(reason)
        await work.host.make_folder(spec.cache_folder, owner=spec.account)
        path = plan.path
        if plan.needs_python_link and await work.host.read_file("/usr/bin/python", limit=1) is None:
            await work.command("python-link", link_python(workspace.folder, spec))
            path = (*path, _LINKS)
        for phase in plan.phases:
            await work.command(phase.name, phase_command(phase, workspace.folder, path, spec, plan.env))
        root = await _static_root(work, workspace, spec, plan, before)
        rules = None if root is None else await rules_of(work, workspace, root, spec, spec.fallback)
        if root is not None and plan.is_built:
            await keep_served(work, workspace, root, spec)
        return Bundle(
            folder=workspace.folder,
            processes=plan.processes,
            release_command=plan.release_command,
            path=path,
            env=plan.env,
            static_root=root,
            site={} if rules is None else rules.dump(),
        )


def phase_command(
    phase: Phase, folder: str, path: tuple[str, ...], spec: BuildSpec, env: Mapping[str, str] | None = None
) -> Command:
    """A phase as a command: at the build path, under the build account, within the build's bounds; ``env`` is what the
    plan adds to its environment. Nothing is there to answer a question: its input is empty.
    """
    argv = tuple(part.replace("{folder}", folder) if index == 0 else part for index, part in enumerate(phase.argv))
    return Command(
        stages=(Stage(argv=argv, account=spec.account),),
        env=_environment(folder, path, spec, {**_of_pnpm(phase, spec), **(env or {})}),
        cwd=folder,
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
    """Makes a built release read-only to the account that runs it: root's, with the run account's group.

    The build account itself opens the modes, so that nothing but its own files changes; then what it owns is root's.
    ``xargs`` is given nothing to add and waits for the end of its input, which is the end of the first stage.
    """
    modes = Stage(argv=("chmod", "-R", "u+rwX,u-s,g-s,g+rX,o-rwx,go-w", "--", folder), account=build)
    stages: tuple[Stage, ...] = (modes,)
    if build is not None and run is not None:
        give = ("chown", "-R", "-h", "-P", f"--from={build.uid}", f"0:{run.gid}", "--", folder)
        stages = (modes, Stage(argv=("xargs", *give)))
    return Command(stages=stages, env={"PATH": PATH, "LC_ALL": "C"})


def _environment(folder: str, path: tuple[str, ...], spec: BuildSpec, env: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value.reveal() for name, value in spec.variables.items()}
    first = [f"{folder}/{part}" for part in path]
    return {
        "HOME": spec.cache_folder,
        "LANG": "C.UTF-8",
        "CI": "1",
        "SOURCE_COMMIT": spec.commit_hash,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUNBUFFERED": "1",
        "UV_LINK_MODE": "copy",  # files that are links into a cache would be sealed there too
        "npm_config_update_notifier": "false",
        "YARN_NODE_LINKER": "node-modules",
        "YARN_ENABLE_TELEMETRY": "0",
        "GIT_TERMINAL_PROMPT": "0",
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


async def _static_root(work: Work, workspace: Workspace, spec: BuildSpec, plan: Plan, before: str | None) -> str | None:
    """The folder to serve, relative to the bundle; None where something is run. Raises BuildError."""
    if not plan.static_folders:
        return None
    written = None if before is None else await written_since(work, workspace, spec, before)
    return await published(work, workspace, plan.static_folders, written, is_named=bool(spec.output_folder))
