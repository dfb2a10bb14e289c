"""Django whose settings write down the hosts that it answers for: settings over them that add its own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from headway.drivers.buildplan.plan import Phase
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DOMAINS, ORIGINS

MODULE: Final = "headway_settings"

_HOSTS, _ORIGINS = "HEADWAY_ALLOWED_HOSTS", "HEADWAY_TRUSTED_ORIGINS"
_TEXT = '''\
"""Made by Headway: the project's settings, which answer for the names that the application has here."""

import os

from {settings} import *  # noqa: F403


def _added(name, variable):
    found = [each for each in os.environ.get(variable, "").split(",") if each]
    return [*globals().get(name, ()), *found]


ALLOWED_HOSTS = _added("ALLOWED_HOSTS", "{hosts}")
CSRF_TRUSTED_ORIGINS = _added("CSRF_TRUSTED_ORIGINS", "{origins}")
'''
_WRITE = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Settings over those of the project: what writes them, and the variables that have them used and tell them."""

    phases: tuple[Phase, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def settings_over(settings: str, folder: str, where: str) -> Over:
    """Those over a module of settings, in the folder of the manage.py; ``where`` is the file that writes the hosts."""
    text = _TEXT.format(settings=settings, hosts=_HOSTS, origins=_ORIGINS)
    argv = ("python3", "-I", "-c", _WRITE, f"{MODULE}.py", text)
    return Over(
        phases=(Phase(name="settings", argv=argv, folder=folder),),
        env={"DJANGO_SETTINGS_MODULE": MODULE},
        run_env={_HOSTS: f"{DOMAINS},localhost,127.0.0.1", _ORIGINS: ORIGINS},
        note=f"ALLOWED_HOSTS is written in {where}: its own host names are added to it by {MODULE}.py, which Headway "
        "makes and DJANGO_SETTINGS_MODULE names.",
    )
