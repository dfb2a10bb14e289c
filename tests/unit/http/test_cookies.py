"""Cookies of sessions: their names at each place, and which of them count."""

from __future__ import annotations

from headway.http.cookies import cookie_in, flash_name, forget_cookie, session_name, set_cookie
from headway.http.origin import Place, Way

SECURE = Place(way=Way.HTTPS, origin="https://panel.example", port=443, takes_passwords=True)
LOCAL = Place(way=Way.LOOPBACK, origin="http://localhost:3000", port=3000, takes_passwords=True)


def test_each_place_has_a_name_of_its_own() -> None:
    assert (session_name(SECURE), session_name(LOCAL)) == ("__Host-headway", "headway-3000")
    assert len({session_name(SECURE), session_name(LOCAL), flash_name(SECURE), flash_name(LOCAL)}) == 4


def test_no_script_and_no_other_site_has_the_cookie() -> None:
    assert set_cookie(SECURE, "__Host-headway", "t", 60) == (
        b"set-cookie",
        b"__Host-headway=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure",
    )
    assert set_cookie(LOCAL, "headway-3000", "t", 60) == (
        b"set-cookie",
        b"headway-3000=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
    )
    assert b"Max-Age=0;" in forget_cookie(LOCAL, "headway-3000")[1]


def test_a_cookie_counts_where_it_was_sent_once() -> None:
    assert cookie_in({b"cookie": b"a=1; headway-3000=t; b=2"}, "headway-3000") == "t"
    assert cookie_in({b"cookie": b"headway-3000=t; headway-3000=u"}, "headway-3000") is None
    assert cookie_in({b"cookie": b"headway-3000=; a=1"}, "headway-3000") is None
    assert cookie_in({b"cookie": b"xheadway-3000=t"}, "headway-3000") is None
    assert cookie_in({}, "headway-3000") is None
