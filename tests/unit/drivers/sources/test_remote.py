"""Which addresses are allowed, what is shown of them, and what a relative one names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.sources.remote import Remote, Transport, join_relative, parse_remote
from headway.kernel.errors import InvalidInput


def parse(url: str, *, allow_file: bool = False) -> Remote:
    return parse_remote(url, allow_file=allow_file)


@pytest.mark.parametrize(
    ("url", "transport", "shown"),
    [
        ("https://git.example/o/r.git", Transport.HTTPS, "https://git.example/o/r.git"),
        ("  HTTPS://Git.Example:8443/o/r  ", Transport.HTTPS, "https://git.example:8443/o/r"),
        ("http://127.0.0.1:3000/o/r.git", Transport.HTTP, "http://127.0.0.1:3000/o/r.git"),
        ("https://git.example/o/r?x=1", Transport.HTTPS, "https://git.example/o/r?x=1"),
        ("git://git.example/r.git", Transport.GIT, "git://git.example/r.git"),
        ("ssh://git@git.example:2222/o/r.git", Transport.SSH, "ssh://git@git.example:2222/o/r.git"),
        ("ssh://[::1]:2222/o/r.git", Transport.SSH, "ssh://[::1]:2222/o/r.git"),
        ("git@git.example:o/r.git", Transport.SSH, "git@git.example:o/r.git"),
        ("git.example:o/r.git", Transport.SSH, "git.example:o/r.git"),
        ("git@git.example:/srv/r.git", Transport.SSH, "ssh://git@git.example/srv/r.git"),
    ],
)
def test_allowed_addresses(url: str, transport: Transport, shown: str) -> None:
    remote = parse(url)
    assert (remote.transport, remote.url) == (transport, shown)
    assert remote.login is None
    assert remote.password is None


@pytest.mark.parametrize("url", ["/srv/r.git", "file:///srv/r.git", "file://localhost/srv/r.git", "FILE:///srv/r.git"])
def test_files_are_for_those_who_may(url: str) -> None:
    assert parse(url, allow_file=True).url == "file:///srv/r.git"
    with pytest.raises(InvalidInput, match="may use the machine"):
        parse(url)


def test_a_folder_with_odd_characters_is_quoted_as_git_reads_it() -> None:
    assert parse("/srv/a b#c%d", allow_file=True).url == "file:///srv/a%20b%23c%25d"
    assert parse("file:///srv/a%20b", allow_file=True).url == "file:///srv/a%20b"


def test_credentials_are_kept_apart() -> None:
    remote = parse("https://us%40er:p%3Ass@git.example:8443/o/r.git")
    assert remote.url == "https://git.example:8443/o/r.git"
    assert remote.site == "https://git.example:8443"
    assert remote.login is not None
    assert remote.password is not None
    assert (remote.login.reveal(), remote.password.reveal()) == ("us@er", "p:ss")
    assert "p:ss" not in repr(remote)
    assert remote.hide("echo p:ss and p%3Ass") == "echo ****** and ******"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "missing"),
        ("   ", "missing"),
        ("-uhttps://x/y", "cannot begin with '-'"),
        ("--upload-pack=touch /tmp/x", "cannot begin with '-'"),
        ("ext::sh -c whoami", "'::' are refused"),
        ("EXT::sh -c whoami", "'::' are refused"),
        ("fd::17/foo", "'::' are refused"),
        ("git::https://x/y", "'::' are refused"),
        ("ftp://git.example/r", "not over 'ftp'"),
        ("ext://sh", "not over 'ext'"),
        ("rsync://git.example/r", "not over 'rsync'"),
        ("https://git.example/o/r\n--upload-pack=x", "control characters"),
        ("https://git.example/o\0r", "control characters"),
        ("https://git.example/\x1b[31mr", "control characters"),
        ("https://git.example", "a path is missing"),
        ("https://git.example/", "a path is missing"),
        ("https:///o/r", "not the name of a host"),
        ("https://-oProxyCommand=x/r", "not the name of a host"),
        ("ssh://-oProxyCommand=touch%20x/r", "not the name of a host"),
        ("ssh://git@-oProxyCommand=x/r", "not the name of a host"),
        ("-oProxyCommand=x:r", "cannot begin with '-'"),
        ("git@-oProxyCommand:r", "not the name of a host"),
        ("ssh://-l@git.example/r", "characters that are not allowed"),
        ("-l@git.example:r", "cannot begin with '-'"),
        ("git@git.example:-r", "cannot begin with '-'"),
        ("ssh://git@git example/r", "not the name of a host"),
        ("https://git.example/o r", "cannot hold spaces"),
        ("https://git.example/o/r#main", "cannot hold '#'"),
        ("https://git.example:99999/r", "cannot be read"),
        ("https://[::1/r", "cannot be read"),
        ("ssh://git:pass@git.example/r", "SSH key, not a password"),
        ("git://user@git.example/r", "takes no user"),
        ("https://u:p%0Aq@git.example/r", "credentials in the address"),
        ("github.com/o/r", "is not the address of a repository"),
        ("../r", "is not the address of a repository"),
        ("~/r", "is not the address of a repository"),
        ("$(touch /tmp/x)", "is not the address of a repository"),
        ("https://git.example/" + "a" * 3000, "longer than"),
    ],
)
def test_refused_addresses(url: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(why)):
        parse(url)


@pytest.mark.parametrize("url", ["file://host/srv/r", "file://relative", "/srv/a\nb", "file:///srv/a%0Ab"])
def test_refused_files(url: str) -> None:
    with pytest.raises(InvalidInput):
        parse(url, allow_file=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2hunter2@git example/r",
        "https://user:hunter2hunter2@git.example:port/r",
        "https://user:hunter2hunter2@git.example",
        "ftp://user:hunter2hunter2@git.example/r",
        "ssh://user:hunter2hunter2@git.example/r",
        "user:hunter2hunter2@git.example/r r",
        "https://user:hunter2hunter2@git.example/r#x",
    ],
)
def test_no_refusal_repeats_a_password(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(url)
    assert "hunter2" not in raised.value.message


@given(st.text(max_size=80))
def test_any_text_is_an_allowed_remote_or_refused(text: str) -> None:
    try:
        remote = parse(text)
    except InvalidInput:
        return
    assert remote.transport is not Transport.FILE
    assert not remote.url.startswith("-")
    assert not remote.host.startswith("-")
    assert "::" not in remote.url.replace("[::", "[")


@pytest.mark.parametrize(
    ("base", "relative", "joined"),
    [
        ("https://git.example/o/r.git", "../s.git", "https://git.example/o/s.git"),
        ("https://git.example/o/r.git", "./s.git", "https://git.example/o/r.git/s.git"),
        ("https://git.example/o/r.git?x", "../../s", "https://git.example/s"),
        ("https://git.example/o/r", "../../../../s", "https://git.example/s"),
        ("ssh://git@git.example:22/o/r", "../s", "ssh://git@git.example:22/o/s"),
        ("git@git.example:o/r", "../s", "git@git.example:o/s"),
        ("git@git.example:o/r", "../../s", "git@git.example:s"),
        ("/srv/r", "../s p", "file:///srv/s%20p"),
    ],
)
def test_relative_addresses(base: str, relative: str, joined: str) -> None:
    assert join_relative(parse(base, allow_file=True), relative).url == joined


@pytest.mark.parametrize(
    ("base", "relative"),
    [
        ("git@git.example:o/r", "../../../s"),
        ("git@git.example:o/r", "../.."),
        ("git@git.example:o/r", "../../-s"),
        ("https://git.example/o/r", "../.."),
        ("https://git.example/o/r", "../s\nx"),
    ],
)
def test_relative_addresses_stay_on_the_site(base: str, relative: str) -> None:
    with pytest.raises(InvalidInput):
        join_relative(parse(base), relative)


def test_relative_addresses_keep_the_credentials_of_their_site() -> None:
    joined = join_relative(parse("https://u:p@git.example/o/r"), "../s")
    assert joined.password is not None
    assert joined.password.reveal() == "p"
