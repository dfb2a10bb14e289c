"""What OpenSSH's client is told."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from headway.infra.hosts.command import Account
from headway.infra.hosts.ssh_client import Way, argv_of, client_files, far_words
from headway.infra.hosts.ssh_target import SshTarget
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

TARGET = SshTarget(
    name="eu", address="192.0.2.1", port=2222, username="root", private_key=Secret("KEY"), host_key="ssh-ed25519 AAAA"
)


def _config(folder: str, **ways: Way) -> dict[str, dict[str, str]]:
    """The configuration's entries, each with its values."""
    entries: dict[str, dict[str, str]] = {}
    for line in client_files(folder, ways)["config"].decode().splitlines():
        key, _, value = line.strip().partition(" ")
        if key == "Host":
            entries[value] = {}
        else:
            entries[[*entries][-1]][key] = value
    return entries


def test_a_way_has_the_key_and_the_host_key_of_its_server_and_nobody_else_is_asked() -> None:
    files = client_files("/f", {"build": Way(target=TARGET)})
    assert (files["key.build"], files["known_hosts"]) == (b"KEY", b"build ssh-ed25519 AAAA\n")
    entries = _config("/f", build=Way(target=TARGET))
    assert [*entries] == ["build", "*"]
    own = {"HostName": "192.0.2.1", "Port": "2222", "User": "root", "HostKeyAlias": "build", "Compression": "no"}
    assert entries["build"] == {name: f'"{value}"' for name, value in {**own, "IdentityFile": "/f/key.build"}.items()}
    strict = {"StrictHostKeyChecking": '"yes"', "IdentityAgent": '"none"', "BatchMode": '"yes"'}
    assert strict.items() <= entries["*"].items()
    assert argv_of("/f", "build", "words") == ("/usr/bin/ssh", "-F", "/f/config", "build", "words")


def test_a_way_leads_through_all_servers_that_are_before_it() -> None:
    first = replace(TARGET, name="door", address="192.0.2.9")
    between = replace(TARGET, name="hall", address="192.0.2.8", jump=first)
    entries = _config("/f", release=Way(target=replace(TARGET, jump=between), compressed=True))
    assert [*entries] == ["release", "release-jump", "release-jump-jump", "*"]
    assert entries["release"]["ProxyJump"] == '"release-jump"'
    assert (entries["release"]["Compression"], entries["release-jump"]["Compression"]) == ('"yes"', '"no"')
    assert entries["release-jump-jump"]["HostName"] == '"192.0.2.9"'


def test_a_folder_may_be_called_as_it_likes_but_for_what_the_file_cannot_hold() -> None:
    entries = _config("/my data/50%", build=Way(target=TARGET))
    assert entries["build"]["IdentityFile"] == '"/my data/50%%/key.build"'
    with pytest.raises(InvalidInput, match="cannot be told to ssh"):
        client_files('/a"b', {"build": Way(target=TARGET)})
    with pytest.raises(InvalidInput, match="no host key"):
        client_files("/f", {"build": Way(target=replace(TARGET, host_key=None))})


def test_the_words_are_root_or_another_account_with_a_clean_environment_and_a_mark() -> None:
    words = far_words(TARGET, ("tar", "--directory=/a b", "."), mark="M=1", account=Account(uid=7, gid=8))
    assert shlex.split(words)[:4] == ["env", "-i", "--ignore-signal=PIPE", "M=1"]
    as_other = ["setpriv", "--reuid=7", "--regid=8", "--clear-groups", "--no-new-privs", "--"]
    assert shlex.split(words)[7:] == [*as_other, "tar", "--directory=/a b", "."]
    by_sudo = far_words(replace(TARGET, username="deploy"), ("true",), mark="M=1")
    assert shlex.split(by_sudo)[:4] == ["sudo", "-n", "env", "-i"]
