"""Who is moved to a group within another one's: the process that was looked at, and nobody who has got its number."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.infra.hosts import cgroups, nested_groups

pytestmark = pytest.mark.root

# In a namespace of its own it says what number the next process has: that of the one which has just ended.
REUSED = """
import os, signal, sys, time
from pathlib import Path
from headway.infra.hosts import nested_groups

def begun():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid

first = begun()

def belongs(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
    assert begun() == pid
    return True

nested_groups.join(Path(sys.argv[1]), first, belongs)
print(os.WTERMSIG(os.waitpid(first, 0)[1]))
"""


@pytest.fixture
def group() -> Iterator[Path]:
    mount = cgroups.unified_of(cgroups.hierarchies())
    if mount is None or not mount.is_whole:
        pytest.skip("no control groups of version 2 can be made here")
    made = mount.folder / f"nested-{os.getpid()}"
    made.mkdir()
    yield made / "within"
    cgroups.remove([made])


def test_who_does_not_belong_there_stays_where_it_is(group: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        with pytest.raises(ProcessLookupError):
            nested_groups.join(group, process.pid, lambda _: False)
        assert not group.exists()
        nested_groups.join(group, process.pid, lambda pid: pid == process.pid)
        assert [each.pid for each in cgroups.members(group)] == [process.pid]
        assert process.poll() is None
        process.kill()


def test_who_got_the_number_meanwhile_is_not_left_there(group: Path) -> None:
    apart = ("unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSED, str(group))
    ran = subprocess.run(apart, capture_output=True, check=False, text=True, timeout=30)
    assert (ran.stdout, ran.returncode) == ("9\n", 0), ran.stderr
