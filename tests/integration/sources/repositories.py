"""Repositories to fetch from, and the source as an application has it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from headway.drivers.sources.git import GitAccounts, GitSource, GitSpec
from headway.drivers.sources.git_commands import Git, GitFolders
from headway.drivers.sources.ref import Ref, RefKind
from headway.infra.hosts.command import Account
from headway.kernel.secret import Secret
from tests.integration.worksite import Worksite

ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_ALLOW_PROTOCOL": "file",
}


class Repository:
    """A repository with a working tree at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *argv: str) -> str:
        """What git prints."""
        ended = subprocess.run(
            ["git", *argv], cwd=self.path, env=ENV, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        return ended.stdout.strip()

    def commit(self, subject: str, files: Mapping[str, str]) -> str:
        """The hash of a commit that adds the files."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def link(self, name: str, target: str) -> None:
        """Adds a symbolic link, to be committed."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).symlink_to(target)


def source_of(
    site: Worksite,
    url: str,
    ref: Ref | None = None,
    *,
    build_path: str = "/",
    submodules: bool = False,
    allow_file: bool = True,
    ssh_key: str | None = None,
    accounts: GitAccounts | None = None,
    step_seconds: float = 40,
) -> GitSource:
    """The source as an application has it, with its folders in the work site."""
    base = site.folder / "git"
    base.mkdir(mode=0o711, exist_ok=True)
    folders = GitFolders(
        mirror=str(base / "mirror"),
        known_hosts=str(base / "known_hosts"),
        gitconfig=str(base / "gitconfig"),
        key_folder=str(base / "keys"),
    )
    spec = GitSpec(
        url=url,
        ref=ref,
        build_path=build_path,
        submodules=submodules,
        allow_file=allow_file,
        ssh_key=Secret(ssh_key) if ssh_key else None,
    )
    accounts = accounts or GitAccounts(git=site.git, build=site.build)
    return GitSource(spec=spec, accounts=accounts, git=Git(folders=folders, step_seconds=step_seconds))


def release_folder(site: Worksite) -> str:
    """Where a commit is to be laid out."""
    (site.folder / "releases").mkdir(mode=0o711, exist_ok=True)
    return str(site.folder / "releases" / "one")


def branch(name: str) -> Ref:
    return Ref(kind=RefKind.BRANCH, name=name)


def commit(name: str) -> Ref:
    return Ref(kind=RefKind.COMMIT, name=name)


def tag(name: str) -> Ref:
    return Ref(kind=RefKind.TAG, name=name)


def tree(folder: str) -> dict[str, str]:
    """Every file below the folder with its text, and every link with its target."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
    return found


def owner_of(path: Path) -> Account:
    found = os.lstat(path)
    return Account(uid=found.st_uid, gid=found.st_gid)
