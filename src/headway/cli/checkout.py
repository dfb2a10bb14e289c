"""What `headway deploy` is pointed at: a repository's address, or a folder here, in a git work tree or not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import slug

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://.+")
_SCP_FORM = re.compile(r"[^/\s:][^/\s:@]*@[^/\s:]+:.+|[^/\s:.]+(?:\.[^/\s:.]+)+:.+")  # git@host:path, host.name:path
_GIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What is to be deployed. ``branch`` None takes the repository's default; ``warning`` is for the user."""

    url: str
    branch: str | None
    build_path: str
    name: str
    warning: str | None = None
    top: Path | None = None

    @property
    def is_folder(self) -> bool:
        """Whether only a panel on this machine can fetch it."""
        return self.url.startswith("file://")

    def committed(self) -> Commit | None:
        """What was committed of a work tree here, to be uploaded; None for a repository elsewhere. Raises InvalidInput
        for a branch that there is not.
        """
        if self.top is None:
            return None
        revision = self.branch or "HEAD"
        found = _git(self.top, "log", "-1", "--format=%H %s", revision, "--")
        if found.returncode:
            raise InvalidInput(f"{self.top} has no branch {revision}.")
        commit_hash, _, subject = found.stdout.rstrip("\n").partition(" ")
        return Commit(top=self.top, hash=commit_hash, subject=subject, build_path=self.build_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that no git work tree holds: it is uploaded as it is."""

    path: Path
    build_path: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a work tree of this machine."""

    top: Path
    hash: str
    subject: str
    build_path: str

    def pack(self, target: BinaryIO) -> int:
        """Writes what was committed to ``target`` as a compressed tar; its size. Raises InvalidInput."""
        # Below one folder: that one is taken away where an archive holds nothing else.
        argv = ["git", "-C", str(self.top), "archive", "--format=tar.gz", "--prefix=files/", self.hash]
        packed = subprocess.run(  # the user's own git, as in their shell
            argv, stdout=target, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
        )
        if packed.returncode:
            raise InvalidInput(f"git could not pack {self.hash[:7]}: {packed.stderr.decode(errors='replace').strip()}")
        return target.seek(0, os.SEEK_END)


def look_at(given: str, branch: str | None, build_path: str | None) -> Checkout | Folder:
    """What an argument stands for. Raises InvalidInput with what to do about it."""
    if _URL.fullmatch(given) or (_SCP_FORM.fullmatch(given) and not Path(given).exists()):
        return Checkout(url=given, branch=branch, build_path=build_path or "/", name=name_of(given))
    folder = Path(given).expanduser()
    if not folder.is_dir():
        what = f"{given} is a file, not a folder" if folder.exists() else f"There is no folder {given}"
        raise InvalidInput(f"{what}. Give a folder, or the address of a repository (https://…).")
    return _look_into(folder.resolve(), branch, build_path)


def name_of(url: str) -> str:
    """The name of an application from its repository's address; "" where nothing of it can be a name."""
    path = urlsplit(url).path if "://" in url else url.rpartition(":")[2]
    return slug(Path(unquote(path).rstrip("/")).name.removesuffix(".git"))


def _look_into(folder: Path, branch: str | None, build_path: str | None) -> Checkout | Folder:
    top = _work_tree(folder)
    if top is None:
        return _as_it_is(folder, branch, build_path)
    if _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        raise InvalidInput(
            f"{top} has no commit yet, and what is deployed is what was committed: "
            f"git -C {top} add . && git -C {top} commit -m 'First version'"
        )
    within = folder if build_path is None else top / build_path.lstrip("/")
    return Checkout(
        url=f"file://{quote(os.fsencode(top))}",
        branch=branch or _current_branch(top),
        build_path="/" + str(within.relative_to(top)).removeprefix("."),
        name=slug(within.name) if within.name else "",
        warning=_uncommitted(within) if branch is None else None,
        top=top,
    )


def _as_it_is(folder: Path, branch: str | None, build_path: str | None) -> Folder:
    if branch is not None:
        raise InvalidInput(f"{folder} is not in a git repository, so it has no branch {branch}: leave out --branch.")
    if folder in {Path.home().resolve(), Path("/")}:
        raise InvalidInput(f"All of {folder} is hardly what is to be deployed: give the folder of the application.")
    return Folder(path=folder, build_path=build_path or "/", name=slug(folder.name))


def _work_tree(folder: Path) -> Path | None:
    """The top of the work tree that a folder is in, None where it is in none."""
    if shutil.which("git") is None and not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return None
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found.returncode == 0:
        return Path(found.stdout.removesuffix("\n"))
    if "dubious ownership" in found.stderr:
        raise InvalidInput(
            f"git does not trust {folder}, because it belongs to another account. If you do: "
            f"git config --global --add safe.directory {folder}"
        )
    if "must be run in a work tree" in found.stderr:
        raise InvalidInput(f"{folder} is a repository without a work tree. Give its address: file://{folder}")
    return None


def _current_branch(top: Path) -> str:
    found = _git(top, "symbolic-ref", "--quiet", "--short", "HEAD")
    if found.returncode:
        raise InvalidInput(f"{top} is not on a branch (detached HEAD). Say which one to deploy: --branch NAME")
    return found.stdout.strip()


def _uncommitted(folder: Path) -> str | None:
    lines = _git(folder, "status", "--porcelain", "--", ".").stdout.splitlines()
    if not lines:
        return None
    what = "1 file has changes that are" if len(lines) == 1 else f"{len(lines)} files have changes that are"
    return f"{what} not committed and will not be deployed."


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git, as in their shell
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise InvalidInput("git is not installed here, and it is what reads the folder.") from error
    except subprocess.TimeoutExpired as error:
        raise InvalidInput(f"git did not answer within {_GIT_SECONDS} seconds in {folder}.") from error
