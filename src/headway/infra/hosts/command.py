"""What is to be typed on a host, as values: stages of argument lists, never shell text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A numeric user and group under which a process runs; it needs no entry in the machine's user table."""

    uid: int
    gid: int


def led(account: Account | None, group: int | None) -> Account | None:
    """The same account, with another group where one is given."""
    return account if account is None or group is None else replace(account, gid=group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one command and all that it starts; None leaves a bound off. Sizes are bytes. What is ``confined`` is
    what users bring: under an account it asks no more of the kernel than ``call_filter`` lets through.
    """

    memory_bytes: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    oom_score_adj: int = 0
    confined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One program of a pipe: its argument list and the account that it runs as (None: the panel's own)."""

    argv: tuple[str, ...]
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One or more stages joined by pipes; it succeeds only when every stage ends with status 0.

    ``env`` is the whole environment (nothing is inherited) and may hold secrets, as may ``stdin``: neither is ever an
    argument or printed. ``capture`` keeps the last stage's standard output (at most 1 MiB) as the result instead of
    writing it to the log. ``step_seconds`` and ``inactivity_seconds`` are enforced on the host itself.
    """

    stages: tuple[Stage, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = "/"
    stdin: bytes = field(default=b"", repr=False)
    capture: bool = False
    step_seconds: float | None = None
    inactivity_seconds: float | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        texts = [self.cwd, *self.env, *self.env.values(), *(arg for stage in self.stages for arg in stage.argv)]
        if any("\0" in text for text in texts):
            msg = "A command's arguments, folder and environment cannot hold a NUL character."
            raise ValueError(msg)
        if not self.stages or not all(stage.argv for stage in self.stages):
            msg = "A command needs at least one stage, and every stage a program."
            raise ValueError(msg)


def command(*argv: str, account: Account | None = None, **options: object) -> Command:
    """A command of one stage; ``options`` are the other fields of ``Command``."""
    return Command(stages=(Stage(argv=argv, account=account),), **options)  # type: ignore[arg-type]
