"""Runs are named so that a name can be no other path, and read even when half of it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.infra.hosts.base import Exit
from headway.infra.hosts.run_folder import RunFolder, check_id, run_name, split_run_name
from headway.infra.hosts.wire import pack
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id


@given(st.integers(0, 10**17))
def test_a_name_is_read_again(epoch: int) -> None:
    deployment_id = new_id()
    assert split_run_name(run_name(deployment_id, epoch)) == (deployment_id, epoch)


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a.b", "a\n", "a\0", "x" * 65, "ä"])
def test_what_could_be_another_path_is_no_id(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_id(text)


@pytest.mark.parametrize("name", ["abc", "abc.", ".1", "abc.x", "abc.1.2", "a b.1", "anchor"])
def test_other_folders_are_no_runs(name: str) -> None:
    assert split_run_name(name) is None


def test_what_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "missing")
    assert (folder.read(0, 10), folder.size(), folder.exits(), folder.identity(), folder.cgroups()) == (
        b"",
        0,
        {},
        None,
        [],
    )
    assert (folder.never_started, folder.has_started, folder.complaints()) == (False, True, "")
    folder.remove()


def test_a_record_that_a_power_cut_emptied_is_no_end(tmp_path: Path) -> None:
    exits = tmp_path / "exits"
    exits.mkdir()
    (exits / "whole%2Fname.exit").write_bytes(pack(["", "3", ""]))
    (exits / "empty.exit").touch()
    (exits / "half.exit").write_bytes(pack(["", "3", ""])[:-2])
    assert RunFolder(tmp_path).exits() == {"whole/name": Exit(statuses=(3,))}


def test_only_whole_paths_are_groups(tmp_path: Path) -> None:
    (tmp_path / "cgroups").write_text("\nrelative\n/sys/fs/cgroup/x\n")
    assert RunFolder(tmp_path).cgroups() == [Path("/sys/fs/cgroup/x")]
