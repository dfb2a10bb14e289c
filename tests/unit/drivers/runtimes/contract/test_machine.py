"""What is asked of a machine, by the one that this test is on."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract.machine import OwnMachine, Port, ProgramAway

MACHINE = OwnMachine()


async def test_a_port_that_somebody_has_is_taken() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        mine = Port(number=held.getsockname()[1], address="127.0.0.1")
        other = Port(number=mine.number, address="127.0.0.1", datagrams=True)
        assert await MACHINE.taken([mine, other]) == [mine]
    assert await MACHINE.taken([mine]) == []


async def test_a_folder_is_told_from_a_file_and_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    asked = [tmp_path, tmp_path / "file", tmp_path / "none"]
    assert [await MACHINE.is_folder(str(path)) for path in asked] == [True, False, False]
    assert await MACHINE.group_of(str(tmp_path)) == tmp_path.stat().st_gid
    assert await MACHINE.group_of(str(tmp_path / "none")) is None


async def test_a_program_reads_its_text_and_what_it_says_is_kept() -> None:
    script = "import os, sys; print(sys.stdin.read() + os.environ['V']); print('no', file=sys.stderr); sys.exit(3)"
    ran = await MACHINE.run([sys.executable, "-c", script], {"V": "b"}, "a", 10)
    assert (ran.status, ran.output.splitlines()) == (3, ["ab", "no"]) or ran.output.splitlines() == ["no", "ab"]


async def test_a_program_that_does_not_end_is_ended_and_one_that_is_not_there_is_told_of() -> None:
    with pytest.raises(ProgramAway, match="sleep did not end within"):
        await MACHINE.run(["sleep", "8841"], dict(os.environ), "", 0.1)
    with pytest.raises(ProgramAway, match="There is no program no-such-program"):
        await MACHINE.run(["no-such-program"], {}, "", 1)
