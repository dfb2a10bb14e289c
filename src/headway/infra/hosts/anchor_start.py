"""Starting an anchor: its process, the handle that it says first, and the go-ahead that it waits for."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from headway.infra.hosts.wire import Field, pack
from headway.kernel.errors import HeadwayError

ANSWER_SECONDS = 20.0
CLEAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PERL_PLACES = ("/usr/bin/perl", "/usr/local/bin/perl", "/bin/perl")


class AnchorFailed(HeadwayError):
    """The anchor's process could not be started, or did not say what it should."""


class Opening:
    """A started process and the two pipes to it; if it is dropped, the anchor ends without having done anything.

    All methods block, but for ``abandon``.
    """

    def __init__(self, program: Path, arguments: tuple[str, ...], config: Mapping[str, Field], errors: Path) -> None:
        listens, self._asks = os.pipe2(os.O_CLOEXEC)
        self._hears, says = os.pipe2(os.O_CLOEXEC)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        marks = {f"HEADWAY_{name}": str(config[key]) for name, key in _MARKS.items() if key in config}
        try:
            self.pid = os.posix_spawn(
                find_perl(),
                ["perl", "-w", str(program), *arguments],
                {"PATH": CLEAN_PATH, "LC_ALL": "C"} | marks,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, listens, 0),
                    (os.POSIX_SPAWN_DUP2, says, 1),
                    (os.POSIX_SPAWN_OPEN, 2, str(errors), flags, 0o600),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD],
            )
        except BaseException:
            self.abandon()
            raise
        finally:
            os.close(listens)
            os.close(says)
        with suppress(BrokenPipeError):
            os.write(self._asks, pack([pack(field for pair in config.items() for field in pair)]))

    def __del__(self) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Closes the pipes; before the go-ahead the anchor then ends by itself."""
        for name in ("_asks", "_hears"):
            held = self.__dict__.pop(name, None)
            if held is not None:
                os.close(held)

    def go(self) -> str:
        """Gives the go-ahead; what the anchor says to it."""
        with suppress(BrokenPipeError):
            os.write(self._asks, b"go\n")
        said = self.line()
        self.abandon()
        return said

    def line(self) -> str:
        """The next line that the anchor says, "" when it ended. Raises AnchorFailed when it says nothing in time."""
        said = self._until(b"\n")
        return said.decode().strip()

    def everything(self) -> str:
        """All that the process says until it ends."""
        return self._until(None).decode()

    def _until(self, end: bytes | None) -> bytes:
        deadline = time.monotonic() + ANSWER_SECONDS
        said = b""
        poll = select.poll()
        poll.register(self._hears, select.POLLIN)
        while end is None or not said.endswith(end):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                msg = "The process that was to hold the run does not answer. Is this machine overloaded?"
                raise AnchorFailed(msg)
            got = os.read(self._hears, 4096)
            if not got:
                break
            said += got
        return said


def find_perl() -> str:
    """The machine's perl. Raises AnchorFailed with the way out when there is none."""
    for place in PERL_PLACES:
        if os.access(place, os.X_OK):
            return place
    msg = "Perl is missing, which holds the runs of deployments; on Debian: apt-get install perl-base."
    raise AnchorFailed(msg)


# By these, in its environment, every process of a run can be told from those of others.
_MARKS: Mapping[str, str] = {"DEPLOYMENT_ID": "deployment", "EPOCH": "epoch"}


def marks(deployment_id: str, epoch: int) -> dict[str, str]:
    """What every process of a run has in its environment."""
    return {"HEADWAY_DEPLOYMENT_ID": deployment_id, "HEADWAY_EPOCH": str(epoch)}
