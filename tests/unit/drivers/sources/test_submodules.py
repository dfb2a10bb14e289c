"""What is read of a commit's submodules."""

from __future__ import annotations

import pytest

from headway.drivers.sources.base import SourceError
from headway.drivers.sources.remote import parse_remote
from headway.drivers.sources.submodules import Link, Module, _module, parse_gitmodules, parse_links

HASH = "b" * 40


def source(url: str) -> Module:
    return Module(path="", commit_hash="a" * 40, remote=parse_remote(url, allow_file=True), mirror="/h/m")


def test_settings_by_path() -> None:
    text = (
        "submodule.one.path\nlib/one\0submodule.one.url\n../one\0submodule.one.update\n!touch /tmp/x\0"
        "submodule.a.b.path\ntwo\0submodule.a.b.url\nhttps://x/two\0submodule.half.path\nhalf\0core.path\nno\0"
    )
    assert parse_gitmodules(text) == {"lib/one": "../one", "two": "https://x/two"}


def test_only_links_to_commits_are_submodules() -> None:
    text = f"160000 commit {HASH}\tlib/one\x00100644 blob {HASH}\ttwo\x00160000 commit {HASH}\tunknown\x00"
    places = {"lib/one": "../one", "two": "../two"}
    assert parse_links(text, places) == (Link(path="lib/one", url="../one", commit_hash=HASH),)


def test_a_submodule_has_a_mirror_beside_its_source() -> None:
    outer = source("https://git.example/o/r")
    one = _module(outer, outer, Link(path="one", url="../one", commit_hash=HASH))
    again = _module(outer, one, Link(path="two", url="https://git.example/o/one", commit_hash=HASH))
    assert one.remote.url == "https://git.example/o/one"
    assert one.mirror.startswith("/h/m.modules/")
    assert again.path == "one/two"
    assert again.mirror == one.mirror


@pytest.mark.parametrize("path", ["/etc", "../x", "..", "a/../../x", "-x", "a\nb", "."])
def test_paths_that_lead_out(path: str) -> None:
    outer = source("https://git.example/o/r")
    with pytest.raises(SourceError, match="leads out"):
        _module(outer, outer, Link(path=path, url="../one", commit_hash=HASH))


@pytest.mark.parametrize("url", ["ext::sh -c x", "--upload-pack=x", "/root/secret", "file:///root/secret", "ftp://x/y"])
def test_a_repository_from_elsewhere_leads_neither_into_the_machine_nor_over_odd_transports(url: str) -> None:
    outer = source("https://git.example/o/r")
    with pytest.raises(SourceError, match="The submodule 'x'"):
        _module(outer, outer, Link(path="x", url=url, commit_hash=HASH))


def test_a_repository_of_the_machine_may_name_others() -> None:
    outer = source("/srv/r")
    module = _module(outer, outer, Link(path="x", url="/srv/x", commit_hash=HASH))
    assert module.remote.url == "file:///srv/x"


def test_credentials_go_to_submodules_of_the_same_site_only() -> None:
    outer = source("https://u:p@git.example/o/r")
    here = _module(outer, outer, Link(path="x", url="https://git.example/o/x", commit_hash=HASH))
    there = _module(outer, outer, Link(path="x", url="https://evil.example/o/x", commit_hash=HASH))
    other_port = _module(outer, outer, Link(path="x", url="https://git.example:444/o/x", commit_hash=HASH))
    assert here.remote.password == outer.remote.password
    assert there.remote.password is None
    assert other_port.remote.password is None
