"""What a package manager's installation and build leave running: nothing, after their end and after a kill."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping

import pytest

from headway.drivers.builders.native import NativeBuilder
from headway.infra.hosts.base import Cause, StopMode
from tests.integration.builders.workspaces import lay_out, spec_of
from tests.integration.worksite import IS_ROOT, CommandFailed, Worksite
from tests.proofs._neighbours import processes_of
from tests.proofs.test_kill import living
from tests.support.applications.provider_ways import BUILD, DAEMONS, HOOK, INSTALL, WAYS
from tests.support.machines.local_hosts import until

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for an account of its own")

NAMES = ("pip", "npm")  # which every machine has, and which fetch nothing for what is asked for here


def files_of(way: str) -> Mapping[str, str]:
    """Without what would be fetched."""
    if way == "pip":
        return {**WAYS[way].files, "requirements.txt": "./hook\n"}
    package = json.loads(WAYS[way].files["package.json"])
    package = {name: value for name, value in package.items() if "ependencies" not in name}
    package["scripts"]["build"] = WAYS["pip"].build
    return {"package.json": json.dumps(package), "app.js": WAYS[way].files["app.js"]}


class Hooks:
    """The folder of the hooks, and the way that uses it."""

    def __init__(self, site: Worksite, way: str) -> None:
        self.site, self.way, self.mark = site, way, f"{os.getpid()}{NAMES.index(way)}"
        self.folder = site.folder / "hooks"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        (self.folder / "hook.sh").write_text(HOOK)

    async def built(self) -> None:
        """The build from its beginning to its end."""
        own = {"WAY": self.way, "HOOKS": str(self.folder), "MARK": self.mark, "REGISTRY_TOKEN": "none"}
        spec = spec_of(self.site, own, build_command=WAYS["pip"].build)
        await NativeBuilder().build(self.site, lay_out(self.site, files_of(self.way)), spec)

    async def waits(self, phase: str) -> None:
        """Until the hook of a phase has left its daemons."""
        here = self.folder / f"{self.way}.{phase}.here"
        await until(lambda: here.exists() and living(f"7{self.mark}") >= DAEMONS, 60)

    def left(self) -> tuple[int, list[int]]:
        """Daemons, and processes of the account."""
        assert self.site.build is not None
        return living(f"7{self.mark}"), processes_of(self.site.build.uid)


async def test_an_installation_and_a_build_end_with_all_that_they_left_running(site: Worksite) -> None:
    hooks = Hooks(site, "npm")
    await hooks.built()
    assert {path.suffixes[0] for path in hooks.folder.glob("*.here")} == {f".{INSTALL}", f".{BUILD}"}
    assert hooks.left()[0] == 0
    await until(lambda: hooks.left() == (0, []), 2)  # the table may show for a moment what runs no more


@pytest.mark.parametrize(("way", "phase"), [("pip", BUILD), ("npm", INSTALL)])
async def test_a_kill_ends_what_an_installation_and_a_build_left_running(site: Worksite, way: str, phase: str) -> None:
    hooks = Hooks(site, way)
    (hooks.folder / f"{way}.{phase}.gate").touch()
    building = asyncio.create_task(hooks.built())
    await hooks.waits(phase)
    assert hooks.left()[0] == DAEMONS, "in a build those of the installation are gone"
    await (await site.anchor()).stop(StopMode.KILL)
    assert hooks.left()[0] == 0
    await until(lambda: hooks.left() == (0, []), 2)  # the table may show for a moment what runs no more
    with pytest.raises(CommandFailed) as raised:
        await building
    assert raised.value.ended.cause is Cause.KILLED
