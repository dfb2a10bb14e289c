"""What every host promises about control groups for what others start on a run's behalf."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headway.infra.hosts import cgroups
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Limits


async def test_ending_a_group_that_is_not_there_is_no_error(host: Host) -> None:
    assert await host.end_group("nobody") is False


@pytest.mark.root
async def test_a_group_ends_with_all_that_is_in_it_and_is_gone(host: Host) -> None:
    group = await host.make_group("guest", Limits(processes=50))
    if group is None:
        pytest.skip("this host has no groups for others")
    sleeper = subprocess.Popen(["setsid", "sleep", "600"])
    for folder in _folders(group):
        (folder / "inner").mkdir()
        (folder / "inner" / "cgroup.procs").write_text(str(sleeper.pid))
    assert await host.end_group("guest") is False
    assert sleeper.wait(5) == -9
    assert _folders(group) == []


def _folders(group: str) -> list[Path]:
    folders = (each.folder / group.lstrip("/") for each in cgroups.hierarchies() if each.is_whole)
    return [folder for folder in folders if folder.is_dir()]
