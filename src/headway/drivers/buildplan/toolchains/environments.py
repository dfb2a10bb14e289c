"""Package managers that are Python projects: each version in a virtual environment of its own, which uv makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.toolchains import entries
from headway.drivers.buildplan.toolchains.inventory import ENV
from headway.drivers.buildplan.toolchains.registries import Registry, Versions, find_registry, list_versions
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.buildplan.toolchains.supply import require_room
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, newest
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work

PROJECTS = frozenset({"poetry", "pipenv", "pdm"})
# What a tool needs at a version that its own project does not ask for, and does not start with otherwise.
BESIDE: Mapping[str, str] = {"pdm": "hishel<2"}
_WHEEL = r"{name}-([^-]+)-[^-]+-none-any\.whl"


async def newest_that_runs(work: Work, store: Store, wish: VersionRequest, python: str) -> str | None:
    """The newest version that is asked for and runs on that Python, None where the index has none. Raises
    RegistryAway.
    """
    tool = wish.need.tool
    registry = await find_registry(work, store, "pypi")
    listed = await list_versions(work, store, registry, tool, wheel=_WHEEL.format(name=tool), needed=wish.exact)
    return newest(TOOLS[tool].form, _fitting(listed, wish, python))


async def make(work: Work, store: Store, tool: str, version: str, *, uv: str, python: str) -> None:
    """An environment with one version of a tool and of all that it needs: the index names their hashes, and only wheels
    with these are installed, so that nothing of them is run here. ``uv`` and ``python`` are programs of the host.
    """
    async with store.turns.of(work.host.host_id, tool, version):
        if await entries.is_there(work, store, tool, version):
            return
        await require_room(work, store)
        registry = await find_registry(work, store, "pypi")
        beside = await entries.begin(work, store, tool, version, owner=store.account)
        home, wanted = f"{beside}/env", f"{beside}/wanted"
        own = f"{home}/bin/python3"
        venv = (uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", python, "--clear", home)
        lock = (uv, "pip", "compile", "-", "--generate-hashes", "--only-binary", ":all:", "--python", own, "-o", wanted)
        put = (
            "pip",
            "install",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--compile-bytecode",
            "--link-mode",
            "copy",
        )
        # Alone, so that on PATH the environment's own Python does not stand before the application's.
        link = ("ln", "-sfnT", f"../env/bin/{tool}", f"{beside}/bin/{tool}")
        steps: Mapping[str, tuple[tuple[str, ...], bytes]] = {
            "make": (venv, b""),
            "lock": ((*lock, "--quiet"), f"{tool}=={version}\n{BESIDE.get(tool, '')}\n".encode()),
            "fetch": ((uv, *put, "--python", own, "-r", wanted, "--quiet"), b""),
            "shelve": (("mkdir", "-p", f"{beside}/bin"), b""),
            "link": (link, b""),
            "clear": (("rm", "-rf", "--", f"{beside}/.cache"), b""),
        }
        for name, (argv, stdin) in steps.items():
            step = _command(store, argv, stdin, _environment(beside, registry))
            ended = await work.command(f"{name} {tool} {version}", step, check=False)
            if not ended.succeeded:
                raise BuildError(
                    f"{TOOLS[tool].label} {version} could not be fetched from {registry.place}; the log has what uv "
                    "says. Let this machine reach it, or name an index that it reaches (HEADWAY_PYPI_INDEX)."
                )
        await entries.finish(work, store, tool, version, argv=("--version",))


def _fitting(listed: Versions, wish: VersionRequest, python: str) -> list[str]:
    """The versions that are asked for and run on a version of Python."""
    found = []
    for version, package in listed.items():
        try:
            runs = SpecifierSet(package.runs_on).contains(python)
        except InvalidSpecifier:
            runs = True
        if runs and wish.holds(version):
            found.append(version)
    return found


def _command(store: Store, argv: tuple[str, ...], stdin: bytes, env: Mapping[str, str]) -> Command:
    limits = replace(store.limits, file_bytes=store.most_bytes)
    stage = Stage(argv=argv, account=store.account)
    return Command(stages=(stage,), env=env, stdin=stdin, limits=limits, step_seconds=store.step_seconds)


def _environment(folder: str, registry: Registry) -> dict[str, str]:
    """What uv is told; it reads no configuration of anybody's."""
    scheme, _, place = registry.url.partition("://")
    opens = "" if registry.login is None else f"{registry.login.reveal()}@"
    env = {
        **ENV,
        "HOME": folder,
        "UV_CACHE_DIR": f"{folder}/.cache",
        "UV_NO_CONFIG": "1",
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_DEFAULT_INDEX": f"{scheme}://{opens}{place}",
        "UV_CONCURRENT_DOWNLOADS": "8",
    }
    if registry.cafile:
        env["SSL_CERT_FILE"] = registry.cafile
    return env | ({"HTTPS_PROXY": registry.proxy, "HTTP_PROXY": registry.proxy} if registry.proxy else {})
