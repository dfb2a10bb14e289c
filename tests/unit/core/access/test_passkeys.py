"""The pure rules of passkeys: where they are good, which counters count on, and what is asked once."""

from __future__ import annotations

import pytest

from headway.core.access.passkeys import Challenges, counts_on, own_host, passkey_host

NAMED = {
    "https://panel.example": "panel.example",
    "https://panel.example:8443": "panel.example",
    "http://localhost:3000": "localhost",
    "https://localhost": "localhost",
}
NONE = (
    *("http://127.0.0.1:3000", "https://192.0.2.7", "https://[::1]:3000", "http://panel.example"),
    *("http://[::1", "", "javascript:alert(1)", "https://", "http://panel.localhost:3000"),
    *("https://panel.example/", "https://panel.example/x", "https://me@panel.example", "https://panel.example#x"),
)


def test_there_are_passkeys_at_names_by_https_and_at_localhost() -> None:
    found = {origin: passkey_host(origin) for origin in (*NAMED, *NONE)}
    assert {origin: host.name for origin, host in found.items() if host is not None} == NAMED
    assert {host.origin for host in found.values() if host is not None} == NAMED.keys()


def test_a_panel_knows_its_own_names_alone() -> None:
    for public_url, known in (
        ("https://panel.example", {"panel.example", "localhost"}),
        ("http://panel.example/below", {"panel.example", "localhost"}),  # behind what has HTTPS
        ("http://192.0.2.7:3000", {"localhost"}),
        (None, {"localhost"}),
    ):
        asked = (*NAMED, "https://other.example", "https://a.panel.example", *NONE)
        found = {host.name for origin in asked if (host := own_host(origin, public_url)) is not None}
        assert found == known, public_url


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_a_counter_goes_up_or_was_never_used(before: int, now: int, *, counts: bool) -> None:
    assert counts_on(before, now) is counts


def test_the_oldest_challenge_goes_where_there_are_too_many() -> None:
    challenges = Challenges(monotonic=lambda: 0.0)
    first = challenges.make("first")
    assert len(first) == 32
    second = challenges.make("second")
    for each in range(4_095):
        challenges.make(str(each))
    assert (challenges.take("first"), challenges.take("second")) == (None, second)
