"""What `headway doctor --fix` does: the packages of Debian that a machine lacks are installed, all by one command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.diagnosis import Finding

_INSTALL: Final = ("apt-get", "install")
_QUIETLY: Final = ("-y", "-q", "--no-install-recommends")


def lacking(findings: Iterable[Finding]) -> list[str]:
    """The packages that are missing, each once."""
    return list(dict.fromkeys(package for finding in findings for package in finding.packages))


def line(packages: Sequence[str]) -> str:
    """The command that installs them, as a person types it."""
    return " ".join((*_INSTALL, *packages))


def install(packages: Sequence[str]) -> None:
    """Installs them, as they show on the terminal. Raises InvalidInput where this account or machine cannot."""
    program = shutil.which(_INSTALL[0], path=CLEAN_PATH)
    if program is None:
        raise InvalidInput(f"This machine has no {_INSTALL[0]}, so nothing was installed. Install what is named above.")
    if os.geteuid() != 0:
        raise InvalidInput(f"Only root installs packages, so nothing was. As root: {line(packages)}")
    env = {"PATH": CLEAN_PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    for argv in ((program, "update", "-q"), (program, _INSTALL[1], *_QUIETLY, *packages)):
        if subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, check=False).returncode:
            raise InvalidInput(f"{' '.join(argv[:2])} failed, as it says above. Mend that, then: {line(packages)}")
