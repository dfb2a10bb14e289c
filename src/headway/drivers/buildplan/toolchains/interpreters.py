"""Pythons that no package holds: those of python-build-standalone, which uv knows and checks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from headway.drivers.buildplan.toolchains import entries
from headway.drivers.buildplan.toolchains.inventory import ENV, PYTHON
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.buildplan.toolchains.supply import require_room
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, newest
from headway.infra.hosts.command import Command, Stage, command
from headway.infra.hosts.work import Work

_REACH_SECONDS = 5
_REACH = """
import sys, urllib.parse, socket
for url in sys.argv[1:]:
    parts = urllib.parse.urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 443), {seconds}).close()
    except OSError:
        sys.exit(1)
"""
PLACE = "https://github.com/astral-sh/python-build-standalone/releases/download"


async def newest_known(work: Work, store: Store, wish: VersionRequest, uv: Callable[[], Awaitable[str]]) -> str | None:
    """The newest version that is asked for and that uv could fetch from here; None where there is none, or the place
    where they lie does not answer within some seconds.
    """
    place = _place(store)
    if not await _reaches(work, store, place):
        return None
    asking = command(
        *(await uv(), "python", "list", "--only-downloads", "--all-versions", "--output-format", "json", "--no-config"),
        account=store.account,
        env=_environment("/nonexistent", place),
        capture=True,
        limits=store.limits,
        step_seconds=60,
    )
    ended = await work.command("pythons of uv", asking, check=False)
    if not ended.succeeded:
        return None
    known = [each for each in json.loads(ended.output) if each["implementation"] == "cpython"]
    plain = [each["version"] for each in known if each.get("variant", "default") == "default"]
    return newest(TOOLS["python"].form, filter(wish.holds, plain))


async def make(work: Work, store: Store, version: str, *, uv: str) -> None:
    """Fetches it into the store. Raises BuildError."""
    async with store.turns.of(work.host.host_id, "python", version):
        if await entries.is_there(work, store, "python", version):
            return
        await require_room(work, store)
        beside = await entries.begin(work, store, "python", version, owner=store.account)
        fetch = (uv, "python", "install", version, "--install-dir", beside, "--no-bin", "--no-config", "--quiet")
        await work.command(f"fetch python {version}", _command(store, beside, fetch))
        lift = (PYTHON, "-I", "-c", _LIFT, beside)
        lifted = await work.command(f"lift python {version}", _command(store, beside, lift, capture=True))
        move = (PYTHON, "-I", "-c", entries.RELOCATION, lifted.output.decode(), beside, store.entry("python", version))
        await work.command(f"move python {version}", _command(store, beside, move))
        await entries.finish(work, store, "python", version, argv=("--version",))


def _command(store: Store, folder: str, argv: tuple[str, ...], *, capture: bool = False) -> Command:
    limits = replace(store.limits, file_bytes=store.most_bytes)
    stage, env = Stage(argv=argv, account=store.account), _environment(folder, _place(store))
    return Command(stages=(stage,), env=env, capture=capture, limits=limits, step_seconds=store.step_seconds)


def _place(store: Store) -> str:
    return PLACE if store.sources.pythons is None else store.sources.pythons.reveal()


async def _reaches(work: Work, store: Store, place: str) -> bool:
    trying = command(
        *(PYTHON, "-I", "-c", _REACH.replace("{seconds}", str(_REACH_SECONDS)), place),
        account=store.account,
        env=ENV,
        capture=True,
        step_seconds=2 * _REACH_SECONDS,
    )
    return (await work.command("reach pythons", trying, check=False)).succeeded


def _environment(folder: str, place: str) -> Mapping[str, str]:
    return {
        **ENV,
        "HOME": folder,
        "UV_CACHE_DIR": f"{folder}/.cache",
        "UV_NO_CONFIG": "1",
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_INSTALL_MIRROR": place,
    }


# uv leaves it in a folder of a name of its own.
_LIFT = """
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[1])
made = next(each for each in sorted(folder.glob("cpython-*")) if each.is_dir() and not each.is_symlink())
for each in list(made.iterdir()):
    each.rename(folder / each.name)
for left in [*folder.glob("cpython-*"), *folder.glob(".*")]:
    shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
print(made, end="")
"""
