"""The commands that git is asked with, whole."""

from __future__ import annotations

import shlex

import pytest

from headway.drivers.sources.git_commands import EVERYTHING, SOURCE_REF, Call, Git, GitFolders, discard, own, resolve
from headway.drivers.sources.remote import parse_remote
from headway.infra.hosts.command import Account, Command, Limits, Stage

FOLDERS = GitFolders(mirror="/h/m", known_hosts="/h/known hosts", gitconfig="/h/gitconfig", key_folder="/h/keys")
GIT = Git(folders=FOLDERS, limits=Limits(processes=50), step_seconds=60)
ACCOUNT = Account(uid=901, gid=902)
BUILD = Account(uid=911, gid=912)
MERGED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "git")
ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "XDG_CONFIG_HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/h/gitconfig",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_ALLOW_PROTOCOL": "none",
}


def call(url: str, *, key_file: str | None = None, nameless: bool = False) -> Call:
    remote = parse_remote(url, allow_file=True)
    return Call(remote=remote, account=ACCOUNT, key_file=key_file, nameless=nameless)


def test_fetch() -> None:
    refspec = f"+refs/heads/main:{SOURCE_REF}"
    flags = ("--quiet", "--no-tags", "--force", "--no-recurse-submodules", "--no-write-fetch-head", "--depth=1")
    argv = ("/usr/bin/git", "--git-dir", "/h/m", "fetch", *flags, "--", "https://git.example/r", refspec)
    assert GIT.fetch("/h/m", (refspec,), call("https://git.example/r")) == Command(
        stages=(Stage(argv=(*MERGED, *argv), account=ACCOUNT),),
        env=ENV | {"GIT_ALLOW_PROTOCOL": "https"},
        capture=True,
        limits=Limits(processes=50),
        step_seconds=60,
        inactivity_seconds=86_400,
    )


def test_fetch_of_everything_forgets_what_is_gone() -> None:
    command = GIT.fetch("/h/m", EVERYTHING, call("https://git.example/r"), depth=("--unshallow",))
    argv = command.stages[0].argv
    assert argv[-6:] == ("--prune", "--unshallow", "--", "https://git.example/r", *EVERYTHING)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://git.example/r", "https"),
        ("http://git.example/r", "http:https"),
        ("git://git.example/r", "git"),
        ("ssh://git.example/r", "ssh"),
        ("/srv/r", "file"),
    ],
)
def test_git_may_use_no_other_transport(url: str, allowed: str) -> None:
    assert GIT.list_names(call(url)).env["GIT_ALLOW_PROTOCOL"] == allowed
    assert GIT.list_head(call(url)).env["GIT_ALLOW_PROTOCOL"] == allowed


def test_credentials_are_in_the_environment_alone_and_for_their_site() -> None:
    command = GIT.fetch("/h/m", EVERYTHING, call("https://me:hunter2@git.example:8443/r"))
    assert {name: value for name, value in command.env.items() if name not in ENV} == {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.https://git.example:8443.helper",
        "GIT_CONFIG_VALUE_0": (
            '!f() { printf "username=%s\\npassword=%s\\n" "$HEADWAY_GIT_LOGIN" "$HEADWAY_GIT_PASSWORD"; }; f'
        ),
        "HEADWAY_GIT_LOGIN": "me",
        "HEADWAY_GIT_PASSWORD": "hunter2",
    }
    assert "hunter2" not in " ".join(command.stages[0].argv)
    assert "hunter2" not in repr(command)


def ssh_words(git: Git, asked: Call) -> list[str]:
    return shlex.split(git.list_names(asked).env["GIT_SSH_COMMAND"])


def test_ssh_with_a_key() -> None:
    words = ssh_words(GIT, call("git@git.example:r", key_file="/h/keys/it's"))
    assert words[:5] == ["/usr/bin/ssh", "-F", "/dev/null", "-i", "/h/keys/it's"]
    options = {words[index + 1] for index, word in enumerate(words) if word == "-o"}
    assert {"BatchMode=yes", "StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "ConnectTimeout=15"} <= options
    assert 'UserKnownHostsFile="/h/known hosts"' in options


def test_ssh_without_a_key_offers_none() -> None:
    words = ssh_words(GIT, call("git@git.example:r"))
    assert "-i" not in words
    assert "IdentityFile=none" in words


def test_ssh_of_an_account_without_a_name_is_mapped() -> None:
    words = ssh_words(GIT, call("git@git.example:r", nameless=True))
    assert words[:5] == ["unshare", "--user", "--map-root-user", "--", "/usr/bin/ssh"]


def test_pack_writes_to_a_file_of_the_panel() -> None:
    assert GIT.pack("/h/m", "a" * 40, "/p/x.tar", ACCOUNT) == Command(
        stages=(
            Stage(argv=("/usr/bin/git", "--git-dir", "/h/m", "archive", "--format=tar", "a" * 40), account=ACCOUNT),
            Stage(argv=("dd", "of=/p/x.tar", "bs=1M", "status=none")),
        ),
        env=ENV,
        limits=Limits(processes=50),
        step_seconds=60,
    )


def test_extract_is_a_pipe_of_two_accounts() -> None:
    assert GIT.extract("/h/m", "a" * 40, "/w/x", ACCOUNT, BUILD) == Command(
        stages=(
            Stage(argv=("/usr/bin/git", "--git-dir", "/h/m", "archive", "--format=tar", "a" * 40), account=ACCOUNT),
            Stage(
                argv=(
                    "tar",
                    "--extract",
                    "--file=-",
                    "--no-same-owner",
                    "--no-same-permissions",
                    "--directory=/w/x",
                ),
                account=BUILD,
            ),
        ),
        env=ENV,
        limits=Limits(processes=50),
        step_seconds=60,
    )


def test_init_describe_and_has() -> None:
    git = "/usr/bin/git"
    assert GIT.init("/h/m", ACCOUNT).stages[0].argv == (*MERGED, git, "init", "--quiet", "--bare", "/h/m")
    assert GIT.describe("/h/m", SOURCE_REF, ACCOUNT).stages[0].argv == (
        *(git, "--git-dir", "/h/m", "log", "-1", "--no-show-signature"),
        *("--format=%H%x00%s%x00%an", f"{SOURCE_REF}^{{commit}}", "--"),
    )
    has = (*MERGED, git, "--git-dir", "/h/m", "cat-file", "-e", "abc1234^{commit}")
    assert GIT.has("/h/m", "abc1234", ACCOUNT).stages[0].argv == has


def test_submodules_are_read_by_literal_paths() -> None:
    config = ("--git-dir", "/h/m", "config", "-z", "--blob", "abc1234:.gitmodules", "--list")
    assert GIT.gitmodules("/h/m", "abc1234", None).stages[0].argv == (*MERGED, "/usr/bin/git", *config)
    links = ("--literal-pathspecs", "--git-dir", "/h/m", "ls-tree", "-z", "abc1234", "--", ":(top)x", "y*")
    assert GIT.links("/h/m", "abc1234", (":(top)x", "y*"), None).stages[0].argv == ("/usr/bin/git", *links)


def test_ownership_discarding_and_resolving() -> None:
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
    chown = Stage(argv=("chown", "-R", "-h", "-P", "901:902", "--", "/h/m"))
    assert own("/h/m", ACCOUNT) == Command(stages=(chown,), env=env)
    assert discard("/h/m") == Command(stages=(Stage(argv=("rm", "-r", "-f", "--", "/h/m")),), env=env)
    argv = ("realpath", "--canonicalize-existing", "--zero", "--", "/w", "/w/a/.")
    assert resolve("/w", "/w/a/.", BUILD) == Command(stages=(Stage(argv=argv, account=BUILD),), env=env, capture=True)
