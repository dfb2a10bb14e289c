"""By which address of the panel's own a request came: peers, forwarded headers and host names."""

from __future__ import annotations

from typing import Any

import pytest

from headway.http.origin import Origins, Place, Way, is_asked_from, is_sent_from

HERE, THERE = "127.0.0.1", "192.0.2.7"
PUBLIC, ODD = "https://panel.example", "https://panel.example:8443"
ORIGIN = "http://127.0.0.1:3000"


def scope_of(peer: str | None, method: str = "GET", **headers: str) -> dict[str, Any]:
    """A request of this peer; names of headers with lines for dashes."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": method,
        "client": None if peer is None else (peer, 40_000),
        "headers": sent,
    }


def place(peer: str | None, public: str | None = None, **headers: str) -> Place | None:
    return Origins(public, plain_sign_in=False).place_of(scope_of(peer, **headers))


# peer, HEADWAY_PUBLIC_URL, headers -> way, origin
PLACES: tuple[tuple[str | None, str | None, dict[str, str], tuple[Way, str]], ...] = (
    (HERE, None, {"host": "127.0.0.1:3000"}, (Way.LOOPBACK, ORIGIN)),
    (HERE, None, {"host": "localhost:3001"}, (Way.LOOPBACK, "http://localhost:3001")),
    (HERE, None, {"host": "LOCALHOST:3001"}, (Way.LOOPBACK, "http://localhost:3001")),
    (HERE, None, {"host": "localhost:80"}, (Way.LOOPBACK, "http://localhost")),
    ("::1", None, {"host": "[::1]:3000"}, (Way.LOOPBACK, "http://[::1]:3000")),
    ("::ffff:127.0.0.1", None, {"host": "127.0.0.1:3000"}, (Way.LOOPBACK, ORIGIN)),
    # What a proxy forwarded is not from here, whatever it calls us.
    (HERE, None, {"host": "127.0.0.1:3000", "x_forwarded_for": THERE}, (Way.PLAIN, ORIGIN)),
    (HERE, None, {"host": "127.0.0.1:3000", "forwarded": "for=x"}, (Way.PLAIN, ORIGIN)),
    (HERE, None, {"host": "127.0.0.1:3000", "x_forwarded_proto": "http"}, (Way.PLAIN, ORIGIN)),
    (HERE, None, {"host": "192.0.2.1:3000"}, (Way.PLAIN, "http://192.0.2.1:3000")),
    (HERE, PUBLIC, {"host": "panel.example", "x_forwarded_proto": "https"}, (Way.HTTPS, PUBLIC)),
    (HERE, PUBLIC, {"host": "panel.example", "x_forwarded_proto": "wss"}, (Way.HTTPS, PUBLIC)),
    (HERE, PUBLIC, {"host": "panel.example", "x_forwarded_proto": "ws"}, (Way.PLAIN, "http://panel.example")),
    (HERE, PUBLIC, {"host": "panel.example:443", "x_forwarded_proto": "https"}, (Way.HTTPS, PUBLIC)),
    (HERE, PUBLIC, {"host": "panel.example"}, (Way.HTTPS, PUBLIC)),
    (HERE, PUBLIC, {"host": "panel.example", "x_forwarded_proto": "http"}, (Way.PLAIN, "http://panel.example")),
    (HERE, PUBLIC, {"host": "127.0.0.1:3000", "x_forwarded_proto": "https"}, (Way.HTTPS, PUBLIC)),
    (HERE, PUBLIC, {"host": "127.0.0.1:3000"}, (Way.LOOPBACK, ORIGIN)),
    (HERE, "http://panel.example:3000", {"host": "panel.example:3000"}, (Way.PLAIN, "http://panel.example:3000")),
    # A proxy may leave out the port of the panel's address.
    (HERE, ODD, {"host": "panel.example", "x_forwarded_proto": "https"}, (Way.HTTPS, ODD)),
    (HERE, ODD, {"host": "panel.example"}, (Way.HTTPS, ODD)),
    (HERE, ODD, {"host": "panel.example:8443", "x_forwarded_proto": "https"}, (Way.HTTPS, ODD)),
    (HERE, ODD, {"host": "panel.example", "x_forwarded_proto": "http"}, (Way.PLAIN, "http://panel.example")),
    (HERE, ODD, {"host": "192.0.2.1", "x_forwarded_proto": "https"}, (Way.HTTPS, "https://192.0.2.1")),
    # From another machine nothing that it says makes the way safe.
    (THERE, None, {"host": "192.0.2.1:3000"}, (Way.PLAIN, "http://192.0.2.1:3000")),
    (THERE, PUBLIC, {"host": "panel.example", "x_forwarded_proto": "https"}, (Way.PLAIN, "http://panel.example")),
    (None, None, {"host": "192.0.2.1:3000"}, (Way.PLAIN, "http://192.0.2.1:3000")),
)


def test_each_way_is_told_apart() -> None:
    found = {
        str(row[:3]): None if (at := place(row[0], row[1], **row[2])) is None else (at.way, at.origin) for row in PLACES
    }
    assert found == {str(row[:3]): row[3] for row in PLACES}


def test_a_name_that_is_not_the_panels_is_no_place_of_it() -> None:
    """Whoever has a name lead here reads nothing in the browser of who opens it."""
    names = ("evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "x/y")
    assert [name for name in names if place(HERE, PUBLIC, host=name) is not None] == []
    assert place(HERE, PUBLIC) is None
    assert place(THERE, None, host="localhost:3000") is None
    assert place(THERE, None, host="panel.example") is None


def test_passwords_are_taken_where_nobody_reads_along() -> None:
    taken = dict.fromkeys(Way, False)
    for peer, public, headers, (way, _) in PLACES:
        found = place(peer, public, **headers)
        assert found is not None
        taken[way] = found.takes_passwords
    assert taken == {Way.HTTPS: True, Way.LOOPBACK: True, Way.PLAIN: False}
    allowed = Origins(None, plain_sign_in=True).place_of(scope_of(THERE, host="192.0.2.1:3000"))
    assert allowed is not None
    assert (allowed.way, allowed.takes_passwords) == (Way.PLAIN, True)


# Origin, Sec-Fetch-Site
FOREIGN: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "no origin"),
    ({"origin": "null"}, "null"),
    ({"origin": "http://evil.example"}, "another host"),
    ({"origin": "http://127.0.0.1:8080"}, "another port"),
    ({"origin": "https://127.0.0.1:3000"}, "another scheme"),
    ({"origin": "http://a.127.0.0.1:3000"}, "a sub domain"),
    ({"origin": ORIGIN + "/"}, "more than an origin"),
    ({"origin": ORIGIN, "sec_fetch_site": "cross-site"}, "cross-site"),
    ({"origin": ORIGIN, "sec_fetch_site": "same-site"}, "same-site"),
    ({"origin": ORIGIN, "sec_fetch_site": "none"}, "typed"),
)


@pytest.mark.parametrize("kind", ["POST", "PUT", "DELETE", "websocket"])
def test_what_changes_something_is_sent_by_a_page_of_ours(kind: str) -> None:
    own = place(HERE, host="127.0.0.1:3000")
    assert own is not None

    def is_asked(headers: dict[str, str]) -> bool:
        scope = scope_of(HERE, kind, host="127.0.0.1:3000", **headers)
        return is_asked_from(own, {**scope, "type": "websocket" if kind == "websocket" else "http"})

    assert [why for headers, why in FOREIGN if is_asked(headers)] == []
    assert is_asked({"origin": ORIGIN})
    assert is_asked({"origin": ORIGIN, "sec_fetch_site": "same-origin"})


def test_a_form_is_sent_by_a_page_of_ours() -> None:
    own = place(HERE, host="127.0.0.1:3000")
    assert own is not None

    def is_sent(headers: dict[str, str]) -> bool:
        return is_sent_from(own, dict(scope_of(HERE, **headers)["headers"]))

    assert [why for headers, why in FOREIGN if is_sent(headers)] == []
    assert is_sent({"origin": ORIGIN})


def test_what_reads_is_asked_by_a_page_of_ours() -> None:
    own = place(HERE, host="127.0.0.1:3000")
    assert own is not None

    def is_asked(headers: dict[str, str]) -> bool:
        return is_asked_from(own, scope_of(HERE, host="127.0.0.1:3000", **headers))

    assert is_asked({"sec_fetch_site": "same-origin"})
    assert is_asked({"sec_fetch_site": "same-origin", "origin": ORIGIN})
    assert is_asked({"x_headway_page": "1"})
    refused: tuple[dict[str, str], ...] = (
        {},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site", "x_headway_page": "1"},
        {"sec_fetch_site": "same-origin", "origin": "http://evil.example"},
        {"x_headway_page": "1", "origin": "null"},
    )
    assert [headers for headers in refused if is_asked(headers)] == []


def test_a_visitor_is_who_a_proxy_of_this_machine_names() -> None:
    assert visitor(HERE, f"203.0.113.9, {THERE}") == THERE
    assert visitor(THERE, "203.0.113.9") == THERE
    assert visitor(HERE, "no address") == HERE
    assert visitor(HERE) == HERE


def test_of_two_lines_that_name_a_visitor_the_one_counts_that_the_nearest_proxy_added() -> None:
    given = scope_of(HERE)
    given["headers"] = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", THERE.encode())]
    assert Origins(None, plain_sign_in=False).visitor_of(given) == THERE


def visitor(peer: str, forwarded_for: str | None = None, proxies: str | None = None) -> str:
    headers = {} if forwarded_for is None else {"x_forwarded_for": forwarded_for}
    return Origins(None, plain_sign_in=False, proxies=proxies).visitor_of(scope_of(peer, **headers))


def test_a_proxy_elsewhere_is_believed_where_it_is_named_and_no_other() -> None:
    origins = Origins(PUBLIC, plain_sign_in=False, proxies="10.0.0.5,fd00::/8")

    def way(peer: str, **headers: str) -> tuple[Way, str] | None:
        found = origins.place_of(scope_of(peer, **headers))
        return None if found is None else (found.way, found.origin)

    https = {"host": "panel.example", "x_forwarded_proto": "https"}
    assert [way(peer, **https) for peer in ("10.0.0.5", "::ffff:10.0.0.5", "fd00::7")] == [(Way.HTTPS, PUBLIC)] * 3
    assert way("10.0.0.5", host="10.0.0.2:3000", x_forwarded_proto="https") == (Way.HTTPS, PUBLIC)
    assert way("10.0.0.5", host="panel.example", x_forwarded_proto="http") == (Way.PLAIN, "http://panel.example")
    assert [way(peer, **https) for peer in ("10.0.0.6", "fe80::1", "")] == [(Way.PLAIN, "http://panel.example")] * 3
    # It is not this machine: what it calls localhost is its own.
    assert way("10.0.0.5", host="localhost:3000") is None
    assert way("10.0.0.5", host="127.0.0.1:3000") == (Way.PLAIN, ORIGIN)


def test_a_visitor_is_the_first_that_no_proxy_of_ours_is() -> None:
    proxies = "10.0.0.0/24"
    assert visitor("10.0.0.5", "203.0.113.9", proxies) == "203.0.113.9"
    assert visitor("10.0.0.5", "198.51.100.1, 203.0.113.9, 10.0.0.6", proxies) == "203.0.113.9"
    assert visitor(HERE, "203.0.113.9, 10.0.0.6", proxies) == "203.0.113.9"
    assert visitor("10.0.1.5", "203.0.113.9", proxies) == "10.0.1.5"
