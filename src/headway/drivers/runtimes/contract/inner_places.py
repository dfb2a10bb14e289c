"""Where something more can run inside a release, or beside its processes: with what it has, and with its bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from headway.drivers.runtimes.launch.launcher import BESIDE, SYSTEM_PATH
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """How what runs in a release's folder gets a layer of its own over it, as the release's processes do. ``root`` is
    the folder of the runtime of processes on that machine, ``home`` the application's data folder, ``bytes`` what may
    be written in the layer, ``keep`` the folders that stay.
    """

    root: str
    release_id: str
    home: str
    bytes: int
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InFolder:
    """In a release's folder, under its account, with its variables. Without a ``layer`` the folder is as it is."""

    folder: str
    account: Account | None
    env: Mapping[str, str] = field(repr=False)
    limits: Limits
    layer: Layered | None = None

    def command(
        self, argv: tuple[str, ...], *, text: bytes = b"", seconds: float | None, silent_seconds: float | None
    ) -> Command:
        """Runs ``argv`` there with ``text`` as its standard input, for so long and silent for so long at most."""
        stage, env = Stage(argv=argv, account=self.account), self.env
        if self.layer is not None:
            # Root makes the layer: no variable of a user is to be in force while it does.
            told = json.dumps(dict(env)).encode()
            stage, env = Stage(argv=self._launched(self.layer, argv, text)), {"PATH": ":".join(SYSTEM_PATH)}
            text = b"%d\n%b%b" % (len(told), told, text)
        return Command(
            stages=(stage,),
            env=env,
            cwd=self.folder,
            stdin=text,
            limits=self.limits,
            step_seconds=seconds,
            inactivity_seconds=silent_seconds,
        )

    def _launched(self, layer: Layered, argv: tuple[str, ...], text: bytes) -> tuple[str, ...]:
        terms = {
            "root": layer.root,
            "release_id": layer.release_id,
            "folder": self.folder,
            "uid": None if self.account is None else self.account.uid,
            "gid": None if self.account is None else self.account.gid,
            "home": layer.home,
            "layer_bytes": layer.bytes,
            "keep": list(layer.keep),
            "input": bool(text),
        }
        return (f"{layer.root}/python", "-I", "-S", f"{layer.root}/launcher.py", BESIDE, json.dumps(terms), *argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class InContainer:
    """In a container that runs. ``pid`` is its first process, as this machine counts."""

    container_id: str
    pid: int | None


Inside = InFolder | InContainer
