"""Programs that are given what others have made: as an account that may read nothing but what it is handed, or as root
with a few of root's rights only.
"""

from __future__ import annotations

import os
from pathlib import Path

from headway.infra.hosts import procfs
from headway.infra.hosts.command import Account, Stage
from headway.infra.hosts.ssh_client import as_account

# The program is opened while root still may: the account need not be let into the folder that it lies in.
_BY_DESCRIPTOR = 'exec 3<"$1" && shift && exec "$@"'
_OPENED = procfs.opened(3)
_WITHIN = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
# What it takes to read, and to write, the files of whatever account. None of them makes a device.
READING = ("dac_read_search", "dac_override")
FILLING = ("chown", "fowner", "fsetid", "dac_override")


def as_other(argv: tuple[str, ...], account: Account | None) -> tuple[str, ...]:
    """The words with which root has an account start a program, wherever that lies; None: it stays as it is."""
    if account is None:
        return argv
    program, *words = argv
    if not program.startswith("/") or is_open_to_all(Path(program)):
        return (*as_account(account), *argv)
    return ("/bin/sh", "-c", _BY_DESCRIPTOR, "sh", program, *as_account(account), _OPENED, *words)


def stage(argv: tuple[str, ...], account: Account | None) -> Stage:
    """The same as a stage of a command."""
    if account is None or not argv[0].startswith("/") or is_open_to_all(Path(argv[0])):
        return Stage(argv=argv, account=account)
    return Stage(argv=as_other(argv, account))


def bounded(argv: tuple[str, ...], capabilities: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words with which root starts a program that has these capabilities only, and never gets another."""
    kept = ",".join(("-all", *(f"+{each}" for each in capabilities)))
    return ("setpriv", f"--bounding-set={kept}", "--inh-caps=-all", "--no-new-privs", "--", *argv)


def reading_all(argv: tuple[str, ...], account: Account) -> tuple[str, ...]:
    """The words with which root starts a program as an account that may read whatever there is, and write only what is
    its own.
    """
    only = "-all,+dac_read_search"
    who = (f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--no-new-privs")
    # access(2), which programs ask before they open, would count none of it for an account that is not root.
    what = ("--securebits=+no_setuid_fixup", f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}")
    return ("setpriv", *who, *what, "--", *argv)


def within(argv: tuple[str, ...], group: Path) -> tuple[str, ...]:
    """The words with which root starts a program in a control group."""
    return ("/bin/sh", "-c", _WITHIN, "sh", str(group), *argv)


def is_open_to_all(path: Path) -> bool:
    """Whether any account gets at a file or folder: past all that it lies in, and may read it or enter it."""
    try:
        real = path.resolve(strict=True)
        return bool(real.stat().st_mode & 0o001) and all(each.stat().st_mode & 0o001 for each in real.parents)
    except OSError:
        return False


def belongs(folder: Path, account: Account) -> bool:
    """Whether a folder with all in it was given to the account, which ``give`` does from within to without."""
    found = folder.lstat()
    return (found.st_uid, found.st_gid) == (account.uid, account.gid)


def give(folder: Path, account: Account) -> None:
    """Gives a folder with all in it to an account, itself last, so that one that was cut off is begun again. Follows no
    link. Raises OSError where the file system knows no owners.
    """
    for above, folders, files, descriptor in os.fwalk(folder, topdown=False, follow_symlinks=False):
        del above
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)
