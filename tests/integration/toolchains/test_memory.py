"""What a machine has is looked at again once something of it has changed, and not before."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.drivers.buildplan.toolchains.inventory import Inventory, look
from headway.drivers.buildplan.toolchains.store import Store
from tests.integration.worksite import IS_ROOT, Worksite
from tests.support.toolchains.toolchain_stores import store_of


async def test_a_machine_is_looked_at_again_once_a_version_comes_or_is_closed(site: Worksite) -> None:
    roots = {"PYENV_ROOT": str(site.folder / "pyenv")}
    program = _install(site, "97.1.0")
    store = store_of(site, roots=roots)
    assert _of_pyenv(site, await _remembered(site, store)) == {"97.1.0": True}

    _install(site, "97.2.0")
    await site.begin_again()
    assert _of_pyenv(site, await look(site, store, ["python"])) == {"97.1.0": True, "97.2.0": True}
    assert site.names == ["toolchains"]

    await _remembered(site, store)
    program.chmod(0o700)
    await site.begin_again()
    assert _of_pyenv(site, await look(site, store, ["python"])) == {"97.1.0": not IS_ROOT, "97.2.0": True}
    assert site.names == ["toolchains"]


async def test_what_is_asked_about_other_tools_is_another_question(site: Worksite) -> None:
    store = store_of(site)
    await _remembered(site, store)
    await site.begin_again()
    assert (await look(site, store, ["python", "node"])).kept == ()
    assert site.names == ["toolchains"]


async def _remembered(site: Worksite, store: Store) -> Inventory:
    """What there is, once it is remembered: nothing is while its places were changed a moment ago."""
    for _ in range(40):
        await site.begin_again()
        found = await look(site, store, ["python"])
        if site.names == []:
            return found
        await asyncio.sleep(0.25)
    raise AssertionError("nothing is remembered")


def _install(site: Worksite, version: str) -> Path:
    program = site.folder / "pyenv" / "versions" / version / "bin" / "python3"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def _of_pyenv(site: Worksite, inventory: Inventory) -> dict[str, bool]:
    mine = (each for each in inventory.of("python") if each.prefix.startswith(str(site.folder)))
    return {each.version: each.is_open for each in mine}
