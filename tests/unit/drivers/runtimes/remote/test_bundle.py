"""What is sent to a server, and what it needs there."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from headway.drivers.runtimes.remote.bundle import bundle

# Begins as what is started there does, and tells which others' modules that loaded.
_LOADS = """\
import json, sys, sysconfig
there = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import headway.attendant
others = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
found = {name.partition(".")[0] for name in set(sys.modules) - there
         if (getattr(sys.modules[name], "__file__", None) or "").startswith(tuple(others))}
print(json.dumps([headway.attendant.__file__, sorted(found)]))
"""


@pytest.mark.slow
def test_it_needs_nothing_of_others_there_but_cryptography(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(bundle().content)) as tar:
        tar.extractall(tmp_path, filter="data")
    argv = [sys.executable, "-I", "-c", _LOADS, str(tmp_path)]
    place, others = json.loads(subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout)
    assert place == str(tmp_path / "headway/attendant.py")
    assert set(others) <= {"bcrypt", "_cffi_backend", "cryptography"}, "bcrypt is what cryptography takes where it is"
