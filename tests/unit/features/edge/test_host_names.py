"""Host names and paths as people write them."""

from __future__ import annotations

import pytest

from headway.features.edge.host_names import normalised_host, normalised_path
from headway.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("www.example.org", "www.example.org"),
        ("  WWW.Example.ORG. ", "www.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("straße.example", "xn--strae-oqa.example"),
        ("a_b.example", "a_b.example"),
        ("localhost", "localhost"),
        ("x1.2y", "x1.2y"),
    ],
)
def test_a_name_is_kept_as_the_dns_has_it(written: str, host: str) -> None:
    assert normalised_host(written) == host
    assert normalised_host(host) == host


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "no host name"),
        (".", "no host name"),
        ("https://a.example", "is an address"),
        ("a.example/b", "is an address"),
        ("a.example:80", "names a port"),
        ("*.example", "stands for many names"),
        ("{{ x }}", "opening braces"),
        ("10.1.2.3", "IP address"),
        ("10.1.2.3.", "IP address"),
        ("\uff11\uff10.\uff11.\uff12.\uff13", "IP address"),
        ("::1", "IP address"),
        ("[::1]", "IP address"),
        ("1.2.3", "IP address"),
        ("a b.example", "no host name"),
        ("a..b", "no host name"),
        ("-a.example", "no host name"),
        ("xn--zzzz--.example", "no host name"),
        ("a`) || Host(`b", "no host name"),
        ("☃\u202e.example", "no host name"),
        ("x" * 64 + ".example", "no host name"),
        (".".join(["ü" * 30] * 9), "no host name"),
    ],
)
def test_what_is_no_name_is_refused_with_what_it_is(written: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        normalised_host(written)


@pytest.mark.parametrize(
    ("written", "path"),
    [(None, "/"), ("", "/"), ("/", "/"), ("api", "/api"), ("/api/", "/api"), ("/a/b.c", "/a/b.c"), ("/~me", "/~me")],
)
def test_a_path_begins_with_a_slash_and_ends_with_none(written: str | None, path: str) -> None:
    assert normalised_path(written) == path


@pytest.mark.parametrize("written", ["/a//b", "/a/../b", "/a?b", "/ä", "/{{x}}", "/a`", "/" + "x" * 1024])
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        normalised_path(written)
