"""Stores of toolchains for tests, and what is in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from headway.drivers.buildplan.toolchains.store import UNDO, Sources, Store, Turns, undo
from headway.infra.hosts.command import Account
from headway.kernel.secret import Secret
from tests.integration.worksite import IS_ROOT, Worksite
from tests.support.toolchains.toolchain_registry import ToolchainRegistry

FETCHER = Account(uid=61304, gid=61304) if IS_ROOT else None
NODE = "#!/bin/sh\necho v99.1.0\n"


def store_of(
    site: Worksite,
    registry: ToolchainRegistry | None = None,
    *,
    attempt: str = "one",
    **options: Any,  # noqa: ANN401
) -> Store:
    """The store of a work site, which fetches from the registry; None: from where the machine does."""
    sources = Sources()
    if registry is not None:
        sources = Sources(npm=Secret(registry.url), pypi=Secret(f"{registry.url}/simple"))
    given: dict[str, Any] = {"sources": sources, "turns": Turns(), "account": FETCHER, **options}
    return Store(folder=str(site.folder / "toolchains"), attempt=attempt, **given)


def entries_of(store: Store) -> list[str]:
    """The versions that are in a store."""
    return sorted(str(each.relative_to(store.folder)) for each in Path(store.folder).glob("[!.]*/*"))


def left_of(store: Store) -> list[str]:
    """What lies beside them, lists of versions apart."""
    return sorted(each.name for each in Path(store.folder).glob(".*") if each.name != ".lists")


async def take_back(site: Worksite) -> None:
    """What the engine does where a run fails."""
    for name, data in reversed(site.undos):
        assert name == UNDO
        await undo({site.host.host_id: site.host}.__getitem__, data)


def says(path: str, *argv: str, account: Account | None) -> str:
    """What a program says to an account."""
    who: dict[str, Any] = {}
    if account is not None and os.geteuid() == 0:
        who = {"user": account.uid, "group": account.gid, "extra_groups": []}
    env = {"PATH": f"{path}:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    ended: subprocess.CompletedProcess[str] = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, env=env, cwd="/", check=False, text=True, **who
    )
    return ended.stdout.strip() or ended.stderr.strip()
