"""What the doctor installs, and that nobody but root is led to believe that it did."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from headway.infra.hosts.anchor_start import CLEAN_PATH

_PROGRAM = """
import os
from headway.cli.repair import install
from headway.kernel.errors import InvalidInput
if os.geteuid() == 0:
    os.setuid(65534)
try:
    install(["no-such-package", "another"])
except InvalidInput as error:
    print(error.message)
"""


@pytest.mark.skipif(shutil.which("apt-get", path=CLEAN_PATH) is None, reason="this machine has no apt-get")
def test_another_account_is_told_the_command_and_nothing_is_begun() -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    told = "Only root installs packages, so nothing was. As root: apt-get install no-such-package another\n"
    assert (ended.stdout, ended.stderr) == (told, "")
