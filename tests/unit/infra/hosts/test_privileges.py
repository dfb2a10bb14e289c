"""Programs that are given what others have made have no more than they are handed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headway.infra.hosts.command import Account
from headway.infra.hosts.privileges import FILLING, READING, as_other, belongs, bounded, give, is_open_to_all

OTHER = Account(uid=1_999_999_990, gid=1_999_999_990)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="accounts are given by root")


def ended(argv: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@needs_root
@pytest.mark.parametrize("capabilities", [FILLING, READING, ()], ids=["filling", "reading", "none"])
def test_no_device_is_made_with_the_rights_that_are_left(tmp_path: Path, capabilities: tuple[str, ...]) -> None:
    made = ended(bounded(("mknod", str(tmp_path / "disk"), "b", "7", "0"), capabilities))
    assert (made.returncode, "not permitted" in made.stderr) == (1, True), made.stderr
    status = ended(bounded(("cat", "/proc/self/status"), capabilities)).stdout
    held = int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)
    assert held.bit_count() <= len(capabilities)
    assert "NoNewPrivs:\t1" in status


@needs_root
def test_a_program_runs_as_the_account_wherever_it_lies(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "sleep"
    program.write_bytes(Path("/bin/cat").resolve().read_bytes())
    program.chmod(0o755)
    assert not is_open_to_all(program)
    for name in (str(program), "/bin/cat", "cat"):
        shown = ended(as_other((name, "/proc/self/status"), OTHER))
        assert f"Uid:\t{OTHER.uid}\t{OTHER.uid}\t{OTHER.uid}\t{OTHER.uid}" in shown.stdout, (name, shown.stderr)
        assert "CapEff:\t0000000000000000" in shown.stdout
        assert "NoNewPrivs:\t1" in shown.stdout
        assert "Groups:\t \n" in shown.stdout
    assert ended(as_other(("cat", str(program)), OTHER)).returncode == 1


@needs_root
def test_a_folder_that_was_given_in_part_is_given_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").touch()
    (folder / "link").symlink_to(tmp_path)
    os.chown(folder / "below" / "file", OTHER.uid, OTHER.gid)
    assert not belongs(folder, OTHER)
    give(folder, OTHER)
    assert belongs(folder, OTHER)
    owners = {each.lstat().st_uid for each in (folder, *folder.rglob("*"))}
    assert (owners, tmp_path.stat().st_uid) == ({OTHER.uid}, 0)


def test_who_is_nobody_else_stays_as_it_is() -> None:
    assert as_other(("cat", "x"), None) == ("cat", "x")
