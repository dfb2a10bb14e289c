"""What the kernel keeps applications from while several processes of one panel see to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from headway.drivers.runtimes.gates import bpf, instructions
from headway.drivers.runtimes.gates.panel_gates import Gates, gates_of
from headway.drivers.runtimes.gates.places import trees_of
from headway.drivers.runtimes.gates.table_content import Ports, number
from headway.drivers.runtimes.process.border import Border
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.records import Records
from headway.drivers.runtimes.process.release_groups import ReleaseGroups

pytestmark = pytest.mark.root
PANEL_ID = f"border-{os.getpid()}"
ACCOUNTS = range(1_990_000_100, 1_990_000_110)
PANELS, CONTAINERS, BUILDS = 21_900, 21_901, ACCOUNTS.start


@pytest.fixture
def groups() -> Iterator[Path]:
    """Where all that the panel starts is judged."""
    made = ReleaseGroups.of_this_machine(PANEL_ID)
    places = trees_of(PANEL_ID)
    if made is None or not places:
        pytest.skip("no control groups of version 2 can be made here")
    yield places[0]
    gates = gates_of(PANEL_ID, ACCOUNTS, Ports())
    assert gates is not None
    gates.clear()
    made.clear()


def process(folder: Path) -> tuple[Gates, Border]:
    """What a process of the panel sees to its border by."""
    gates = gates_of(PANEL_ID, ACCOUNTS, Ports(closed=[PANELS]))
    assert gates is not None
    layout = Layout(root=folder)
    return gates, Border(layout=layout, records=Records(layout), gates=gates)


def closed(groups: Path) -> set[int]:
    """The ports that the kernel keeps every application from."""
    (program,) = bpf.attached(groups, instructions.CONNECT_4)
    tables = bpf.tables_of(program)
    with closing(tables["hw_owners"]) as owners:
        found = owners.content()
    return {port for port in (PANELS, CONTAINERS) if number(port) in found}


def is_ruled(groups: Path) -> bool:
    """Whether what builds reaches only what it is to."""
    (program,) = bpf.attached(groups, instructions.CONNECT_4)
    with closing(bpf.tables_of(program)["hw_accounts"]) as accounts:
        return accounts.value(number(BUILDS)) is not None


def test_a_process_that_starts_what_ended_leaves_what_stands(groups: Path, tmp_path: Path) -> None:
    gates, border = process(tmp_path)
    border.keep()
    border.close([CONTAINERS])
    gates.build(BUILDS, [])
    assert (closed(groups), is_ruled(groups)) == ({PANELS, CONTAINERS}, True)
    unit, its_border = process(tmp_path)
    its_border.stand()
    unit.prepare()
    assert (closed(groups), is_ruled(groups)) == ({PANELS, CONTAINERS}, True)


def test_what_another_process_made_of_it_is_made_good_by_the_next_look(groups: Path, tmp_path: Path) -> None:
    gates, border = process(tmp_path)
    border.close([CONTAINERS])
    gates.build(BUILDS, [])
    process(tmp_path / "of another")[1].keep()
    assert (closed(groups), is_ruled(groups)) == ({PANELS}, False)
    border.watch()
    assert (closed(groups), is_ruled(groups)) == ({PANELS, CONTAINERS}, True)


def test_the_ports_of_containers_are_closed_by_whatever_starts_applications_first(groups: Path, tmp_path: Path) -> None:
    process(tmp_path)[1].close([CONTAINERS])
    for kind in (instructions.CONNECT_4, instructions.CONNECT_6):
        for program in bpf.attached(groups, kind):
            bpf.detach(groups, kind, program)
    process(tmp_path)[1].stand()  # as after a reboot
    assert closed(groups) == {PANELS, CONTAINERS}
    process(tmp_path)[1].close([])
    assert closed(groups) == {PANELS}


def test_deploys_that_close_ports_at_once_close_those_of_the_last(groups: Path, tmp_path: Path) -> None:
    _, border = process(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        for closing in [pool.submit(border.close, [CONTAINERS, *range(number % 7)]) for number in range(60)]:
            closing.result()
    assert closed(groups) == {PANELS, CONTAINERS}
