"""What git is asked, as commands: nothing here runs anything."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import field

from headway.drivers.sources.commits import FORMAT
from headway.drivers.sources.remote import Remote, Transport
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.infra.hosts.privileges import bounded, reading_all
from headway.kernel.dataclass import dataclass

SOURCE_REF = "refs/headway/source"
EVERYTHING = ("+refs/heads/*:refs/headway/heads/*", "+refs/tags/*:refs/headway/tags/*")

# Begins the names of packs that git is writing; it does not remove those that it could not finish.
UNFINISHED = "tmp_"

# For the mirror: a deployed tree is the whole tree, whatever its .gitattributes keep out of release tarballs.
_ATTRIBUTES = "* -export-ignore -export-subst\n"

# Read by every git, also by the one that serves a repository of this machine, which no variable would reach. The empty
# helper ends the list of credential helpers; maintenance in the background would be killed with the command. Packs stay
# packs, however small: what is left of a fetch that did not come to its end is then one file that shows what it is.
GITCONFIG = b"""\
[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
\tfsmonitor = false
[credential]
\thelper =
[protocol]
\tversion = 2
[fetch]
\tunpackLimit = 1
[http]
\tfollowRedirects = initial
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60
[gc]
\tautoDetach = false
[maintenance]
\tautoDetach = false
[init]
\tdefaultBranch = main
[tar]
\tumask = 0022
"""

# Git prints what went wrong on standard error and a capture keeps standard output. The text is fixed; git and its
# arguments are this shell's own arguments and are never read by it.
_MERGED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "git")

# The variables are read by the helper's shell, so the secret is in its environment and nowhere else.
_CREDENTIAL_HELPER = '!f() { printf "username=%s\\npassword=%s\\n" "$HEADWAY_GIT_LOGIN" "$HEADWAY_GIT_PASSWORD"; }; f'

_PATH = "/usr/local/bin:/usr/bin:/bin"
_NOWHERE = "/nonexistent"
_SILENCE_SECONDS = 86_400.0

# A site that answers http may send us on to https, never the other way.
_SSH_PORT = 22
# What it takes of root's rights to use a mirror, a key and a file of host keys that are another account's.
_FILES = ("dac_override",)
_ALLOWED: Mapping[Transport, str] = {Transport.HTTP: "http:https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFolders:
    """Where git keeps things on the host: the application's ``mirror`` (others' beside it for submodules), the file of
    host keys that it has seen so far (``known_before``: that of all applications, which was until each had one), git's
    own configuration, and the folder in which a key lies while it is used.
    """

    mirror: str
    known_hosts: str
    gitconfig: str
    key_folder: str
    known_before: str | None = None

    @property
    def own(self) -> tuple[str, ...]:
        """What is of this application only."""
        return (self.mirror, f"{self.mirror}.modules", self.known_hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Builds the commands: ``program`` is git on the host, ``limits`` and ``step_seconds`` bound each command."""

    folders: GitFolders
    program: str = "/usr/bin/git"
    ssh: str = "/usr/bin/ssh"
    unshare: str = "unshare"
    limits: Limits = field(default_factory=Limits)
    step_seconds: float | None = None

    def init(self, mirror: str, account: Account | None) -> Command:
        """Makes the mirror, or leaves an existing one as it is."""
        return self._here(("init", "--quiet", "--bare", mirror), account, merged=True)

    def fetch(
        self, mirror: str, refspecs: tuple[str, ...], call: Call, *, depth: tuple[str, ...] = ("--depth=1",)
    ) -> Command:
        """Brings refs from the remote into the mirror; what git says is captured."""
        flags = ("--quiet", "--no-tags", "--force", "--no-recurse-submodules", "--no-write-fetch-head")
        prune = ("--prune",) if refspecs == EVERYTHING else ()
        argv = ("--git-dir", mirror, "fetch", *flags, *prune, *depth, "--", call.remote.url, *refspecs)
        return self._there(argv, call)

    def list_head(self, call: Call) -> Command:
        """Asks for the branch that the remote calls its default."""
        return self._there(("ls-remote", "--symref", "--", call.remote.url, "HEAD"), call)

    def list_names(self, call: Call) -> Command:
        """Asks for all branches and tags of the remote."""
        return self._there(("ls-remote", "--heads", "--tags", "--refs", "--", call.remote.url), call)

    def try_mapped(self, account: Account) -> Command:
        """Succeeds where the account, which the machine has no name for, may have a user namespace to run ssh in."""
        stage = Stage(argv=(*_MERGED, *self._mapped, "true"), account=account)
        return Command(stages=(stage,), env=self._env(), capture=True, limits=self.limits)

    def describe(self, mirror: str, revision: str, account: Account | None) -> Command:
        """Prints hash, subject and author of a commit."""
        argv = ("--git-dir", mirror, "log", "-1", "--no-show-signature", FORMAT, f"{revision}^{{commit}}", "--")
        return self._here(argv, account)

    def has(self, mirror: str, commit_hash: str, account: Account | None) -> Command:
        """Succeeds when the mirror holds the commit."""
        return self._here(("--git-dir", mirror, "cat-file", "-e", f"{commit_hash}^{{commit}}"), account, merged=True)

    def read_whole(self, mirror: str, commit_hash: str, account: Account | None) -> Command:
        """Succeeds when all of the commit can be read out of the mirror."""
        argv = ("--git-dir", mirror, "archive", "--format=tar", "--output=/dev/null", commit_hash)
        return self._here(argv, account, merged=True)

    def extract(
        self, mirror: str, commit_hash: str, folder: str, account: Account | None, owner: Account | None
    ) -> Command:
        """Lays a commit out in a folder: git as one account reads the mirror, tar as another writes the files."""
        unpack = ("tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions", f"--directory={folder}")
        return self._archived(mirror, commit_hash, account, Stage(argv=unpack, account=owner))

    def pack(self, mirror: str, commit_hash: str, path: str, account: Account | None) -> Command:
        """Writes a commit as a tar to a file of the panel's: git as the account that reads the mirror."""
        write = Stage(argv=("dd", f"of={path}", "bs=1M", "status=none"))
        return self._archived(mirror, commit_hash, account, write)

    def gitmodules(self, mirror: str, commit_hash: str, account: Account | None) -> Command:
        """Prints the settings in a commit's .gitmodules, each ended by NUL."""
        argv = ("--git-dir", mirror, "config", "-z", "--blob", f"{commit_hash}:.gitmodules", "--list")
        return self._here(argv, account, merged=True)

    def links(self, mirror: str, commit_hash: str, paths: tuple[str, ...], account: Account | None) -> Command:
        """Prints the tree entries at the paths, each ended by NUL."""
        argv = ("--literal-pathspecs", "--git-dir", mirror, "ls-tree", "-z", commit_hash, "--", *paths)
        return self._here(argv, account)

    def _archived(self, mirror: str, commit_hash: str, account: Account | None, then: Stage) -> Command:
        argv = (self.program, "--git-dir", mirror, "archive", "--format=tar", commit_hash)
        return Command(
            stages=(Stage(argv=argv, account=account), then),
            env=self._env(),
            limits=self.limits,
            step_seconds=self.step_seconds,
        )

    def _here(self, argv: tuple[str, ...], account: Account | None, *, merged: bool = False) -> Command:
        line = (*(_MERGED if merged else ()), self.program, *argv)
        return Command(
            stages=(Stage(argv=line, account=account),),
            env=self._env(),
            capture=True,
            limits=self.limits,
            step_seconds=self.step_seconds,
        )

    def _there(self, argv: tuple[str, ...], call: Call) -> Command:
        # A large fetch says nothing for long; what ends a dead connection are git's and ssh's own limits.
        line = (*_MERGED, self.program, *argv)
        stage = Stage(argv=line, account=call.account)
        if call.account is not None and call.as_panel:
            stage = Stage(argv=bounded(line, _FILES))
        elif call.account is not None and call.remote.transport is Transport.FILE:
            stage = Stage(argv=reading_all(line, call.account))
        return Command(
            stages=(stage,),
            env=self._env() | self._env_of_call(call),
            capture=True,
            limits=self.limits,
            step_seconds=self.step_seconds,
            inactivity_seconds=_SILENCE_SECONDS,
        )

    def _env(self) -> dict[str, str]:
        return {
            "PATH": _PATH,
            "HOME": _NOWHERE,
            "XDG_CONFIG_HOME": _NOWHERE,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": self.folders.gitconfig,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_ALLOW_PROTOCOL": "none",
        }

    def _env_of_call(self, call: Call) -> dict[str, str]:
        transport = call.remote.transport
        env = {"GIT_ALLOW_PROTOCOL": _ALLOWED.get(transport, str(transport))}
        if transport is Transport.SSH:
            env |= {"GIT_SSH_COMMAND": shlex.join(self._ssh_argv(call)), "GIT_SSH_VARIANT": "ssh"}
        return env | _settings(call.remote)

    @property
    def _mapped(self) -> tuple[str, ...]:
        # ssh does not run under a number that the machine's user table does not know. In a user namespace of its own it
        # takes itself for root, which every machine knows, and has no more rights than before.
        return (self.unshare, "--user", "--map-root-user", "--")

    def _ssh_argv(self, call: Call) -> tuple[str, ...]:
        options: tuple[str, ...] = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            f'UserKnownHostsFile="{self.folders.known_hosts}"',
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=accept-new",
            "UpdateHostKeys=no",
            "HashKnownHosts=no",
            "ConnectTimeout=15",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=4",
            "ForwardAgent=no",
            "ClearAllForwardings=yes",
            "LogLevel=ERROR",
        )
        mapped = self._mapped if call.nameless and not call.as_panel else ()
        identity = ("-i", call.key_file) if call.key_file else ("-o", "IdentityFile=none")
        if call.remote.pinned:
            known_as = call.remote.host if call.remote.port == _SSH_PORT else f"[{call.remote.host}]:{call.remote.port}"
            options += (f"HostName={call.remote.pinned}", f"HostKeyAlias={known_as}")
        return (*mapped, self.ssh, "-F", "/dev/null", *identity, *(part for o in options for part in ("-o", o)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One conversation with a remote: as whom, with which key; ``nameless`` when the account has no entry in the
    machine's user table, ``as_panel`` when ssh does not start under it at all and root has to stand in.
    """

    remote: Remote
    account: Account | None = None
    key_file: str | None = None
    nameless: bool = False
    as_panel: bool = False


def attributes(account: Account | None) -> bytes:
    """What is written into a mirror when all of it is there and belongs to this account."""
    return (_ATTRIBUTES if account is None else f"# {account.uid}\n{_ATTRIBUTES}").encode()


def own(mirror: str, account: Account) -> Command:
    """Gives a mirror to an account, following no link."""
    argv = ("chown", "-R", "-h", "-P", f"{account.uid}:{account.gid}", "--", mirror)
    return Command(stages=(Stage(argv=argv),), env={"PATH": _PATH, "LC_ALL": "C"})


def clear(mirror: str, account: Account | None) -> Command:
    """Removes the packs that a fetch has begun in a mirror and not finished, as its owner."""
    argv = ("find", f"{mirror}/objects/pack", "-maxdepth", "1", "-type", "f", "-name", f"{UNFINISHED}*", "-delete")
    return Command(stages=(Stage(argv=argv, account=account),), env={"PATH": _PATH, "LC_ALL": "C"})


def discard(mirror: str) -> Command:
    """Removes a mirror."""
    return Command(stages=(Stage(argv=("rm", "-r", "-f", "--", mirror)),), env={"PATH": _PATH, "LC_ALL": "C"})


def resolve(workspace: str, folder: str, account: Account | None) -> Command:
    """Prints where the workspace and a folder in it really are, each ended by NUL, seen as the build account."""
    stage = Stage(argv=("realpath", "--canonicalize-existing", "--zero", "--", workspace, folder), account=account)
    return Command(stages=(stage,), env={"PATH": _PATH, "LC_ALL": "C"}, capture=True)


def _settings(remote: Remote) -> dict[str, str]:
    """What git is told through the environment: credentials, for this site alone, so that a redirect elsewhere does not
    get them; and of a remote that is pinned where its host is, and that no redirect counts.
    """
    given, env = dict[str, str](), dict[str, str]()
    if remote.login or remote.password:
        given[f"credential.{remote.site}.helper"] = _CREDENTIAL_HELPER
        env["HEADWAY_GIT_LOGIN"] = remote.login.reveal() if remote.login else ""
        env["HEADWAY_GIT_PASSWORD"] = remote.password.reveal() if remote.password else ""
    if remote.pinned and remote.transport in {Transport.HTTP, Transport.HTTPS}:
        given["http.curloptResolve"] = f"{remote.host}:{remote.port}:{remote.pinned}"
        given["http.followRedirects"] = "false"
    if given:
        env["GIT_CONFIG_COUNT"] = str(len(given))
    for at, (name, value) in enumerate(given.items()):
        env |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
    return env
