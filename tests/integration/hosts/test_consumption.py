"""What is read of a machine and of the groups on it, held against what the kernel's own files say."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headway.drivers.runtimes.process.release_groups import Group, ReleaseGroups
from headway.infra.hosts import cgroups, procfs
from headway.infra.hosts.consumption import GroupReading, read_machine
from headway.kernel.ids import new_id

RELEASE = "r1"
BOUND = 64 << 20
WORK = """
import sys, time
food = bytearray(b"x") * (8 << 20)
end = time.process_time() + 0.5
while time.process_time() < end: pass
print("done", flush=True)
sys.stdin.readline()
"""


@dataclass(frozen=True, kw_only=True)
class Yard:
    """The groups of a release of a panel of the test's own."""

    panel_id: str
    groups: tuple[Group, ...]

    @property
    def folders(self) -> list[Path]:
        return [Path(each.tree) / each.folder for each in self.groups]

    def read(self, release_id: str = RELEASE) -> GroupReading | None:
        """What is told of it."""
        return read_machine(self.panel_id, [release_id], []).groups.get(release_id)

    def counted(self) -> int:
        """What the kernel has counted of its processors, in microseconds."""
        for folder in self.folders:
            if (folder / "cpu.stat").exists():
                return int(dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())["usage_usec"])
            if (folder / "cpuacct.usage").exists():
                return int((folder / "cpuacct.usage").read_text()) // 1_000
        pytest.skip("nothing here counts processors")

    def charged(self) -> int:
        """What the kernel has charged it of the memory."""
        for folder in self.folders:
            for name in ("memory.current", "memory.usage_in_bytes"):
                if (folder / name).exists():
                    return int((folder / name).read_text())
        pytest.skip("nothing here counts memory")


@pytest.fixture
def yard() -> Iterator[Yard]:
    panel_id = new_id()
    groups = ReleaseGroups.of_this_machine(panel_id)
    if groups is None:
        pytest.skip("needs control groups that it may make")
    try:
        planned = groups.plan(RELEASE, memory_bytes=BOUND, process_limit=None)
        for each in planned:
            folder = Path(each.tree) / each.folder
            folder.mkdir(parents=True, exist_ok=True)
            if each.controllers:
                cgroups.share(Path(each.tree), folder)
            for name, value in each.bounds.items():
                if (folder / name).exists():
                    (folder / name).write_text(value)
        yield Yard(panel_id=panel_id, groups=planned)
    finally:
        groups.remove(RELEASE)
        groups.clear()


@pytest.fixture
def process(yard: Yard) -> Iterator[subprocess.Popen[str]]:
    """One that has worked for half a second in the group, and waits."""
    started = start(yard)
    try:
        yield started
    finally:
        end(started)


def start(yard: Yard) -> subprocess.Popen[str]:
    line = f"read go; exec {sys.executable} -c '{WORK}'"
    process = subprocess.Popen(["sh", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    for folder in yard.folders:
        (folder / "cgroup.procs").write_text(str(process.pid))
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.root
def test_what_is_told_of_a_group_is_what_the_kernel_says(yard: Yard, process: subprocess.Popen[str]) -> None:
    before, charged = yard.counted(), yard.charged()
    found = yard.read()
    after = yard.counted()
    assert found is not None
    assert found.cpu > 400_000
    assert before * 0.98 <= found.cpu <= after * 1.02
    assert found.memory == pytest.approx(charged, rel=0.02)
    assert found.memory > 8 << 20
    assert found.memory_bound == BOUND
    assert found.cpu_bound == 0
    assert list(found.roots) == [f"{process.pid} {procfs.start_time(process.pid)}"]


@pytest.mark.root
def test_a_process_that_is_started_again_is_another_root_of_the_same_group(yard: Yard) -> None:
    first = start(yard)
    before = yard.read()
    end(first)
    second = start(yard)
    try:
        after = yard.read()
    finally:
        end(second)
    assert before is not None
    assert after is not None
    assert after.made == before.made
    assert after.cpu > before.cpu
    assert not {*before.roots} & {*after.roots}


@pytest.mark.root
def test_what_is_not_there_is_missing_and_nothing_else(yard: Yard, process: subprocess.Popen[str]) -> None:
    assert process.poll() is None
    found = read_machine(yard.panel_id, [RELEASE, "gone"], ["f" * 64])
    assert [*found.groups] == [RELEASE]
    assert found.cost > 0


@pytest.mark.root
def test_a_group_of_a_container_is_found_wherever_an_engine_makes_it(yard: Yard) -> None:
    plain, scope = "ab" * 32, "cd" * 32
    made = []
    try:
        for folder in yard.folders:
            above = folder.parents[1] / "containers"
            for name in (plain, f"docker-{scope}.scope", f"{plain}/inner-{'e' * 64}"):
                (above / name).mkdir(parents=True)
            made.append(above)
        found = read_machine(yard.panel_id, [], [plain, scope, "e" * 64]).groups
    finally:
        cgroups.remove(made)
    assert {*found} == {plain, scope}


@pytest.mark.root
def test_a_release_that_makes_a_group_is_not_taken_for_a_container(yard: Yard) -> None:
    made = [folder / ("ab" * 32) for folder in yard.folders]
    try:
        for each in made:
            each.mkdir()
        assert read_machine(yard.panel_id, [], ["ab" * 32]).groups == {}
    finally:
        cgroups.remove(made)


def test_a_machine_is_told_as_it_is() -> None:
    first = read_machine("nobody", [], [])
    end_at = time.process_time() + 0.2
    while time.process_time() < end_at:
        pass
    second = read_machine("nobody", [], [])
    assert second.at > first.at
    assert second.boot == first.boot == procfs.boot_id()
    assert second.cpu - first.cpu >= 150_000
    assert second.cpu - first.cpu <= second.cores * (second.at - first.at) * 1_000 + 50_000
    assert 0 < second.memory < second.memory_size
    assert second.memory_size <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 1.001
