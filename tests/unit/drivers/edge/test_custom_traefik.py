"""An application's routing in its user's own words: what is taken, and that nothing of others can be named."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.edge.custom_traefik import check_references, read_own, refused_now, write_own
from headway.drivers.edge.route_file import render_route
from headway.drivers.edge.traefik import Https
from headway.kernel.artifacts import Login, Redirect, Route, Upstream, Way
from headway.kernel.errors import Conflict, InvalidInput

ROUTE = Route(
    application_id="a1",
    app_name="shop",
    release_id="r1",
    ways=(Way(host="shop.localhost"), Way(host="x.example", path="/api", strip=True)),
    upstreams=(Upstream(port=4000),),
    redirects=(Redirect(regex="a", replacement="b", permanent=True),),
    logins=(Login(username="me", hash="s3cret"),),
)
ROUTER = {"rule": "PathPrefix(`/x`)", "service": "shop", "entryPoints": ["web"]}
MAILED = Https(port=443, mail="a@b.c")


def said(**sections: Any) -> str:  # noqa: ANN401 - JSON
    """A configuration with these sections."""
    return yaml.safe_dump({"http": sections})


@pytest.mark.parametrize("https", [None, Https(port=443), MAILED])
def test_what_is_read_and_sent_back_changes_nothing(https: Https | None) -> None:
    assert read_own(write_own(ROUTE, https), ROUTE, https) == {}


def test_a_release_before_that_answers_for_a_while_is_not_spoken_of() -> None:
    draining = dataclasses.replace(ROUTE, before=(Upstream(port=3999),))
    told = write_own(draining, None)
    assert told == write_own(ROUTE, None)
    assert read_own(told, draining, None) == {}
    own = {"middlewares": {"shop.slow": {"rateLimit": {"average": 5}}}}
    assert read_own(said(**own), draining, None) == own
    check_references(dataclasses.replace(draining, own=own), None)


@pytest.mark.parametrize("text", ["", "# nothing\n", "http:\n", "http: {}", "http: {routers: {}}", "http: {routers: }"])
def test_nothing_said_is_nothing_of_ones_own(text: str) -> None:
    assert read_own(text, ROUTE, None) == {}


def test_what_is_said_beyond_ours_is_kept_and_told_again() -> None:
    own: dict[str, dict[str, Any]] = {
        "routers": {"shop.admin": {**ROUTER, "priority": 5, "middlewares": ["shop.slow", "shop.login"]}},
        "middlewares": {"shop.slow": {"rateLimit": {"average": 5}}},
        "services": {"shop": {"loadBalancer": {"passHostHeader": False}}},
    }
    assert read_own(said(**own), ROUTE, None) == own
    told = write_own(dataclasses.replace(ROUTE, own=own), None)
    assert read_own(told, ROUTE, None) == own


def test_servers_are_not_the_users_to_choose() -> None:
    balancer = {"passHostHeader": True, "servers": [{"url": "http://169.254.169.254"}]}
    assert read_own(said(services={"shop": {"loadBalancer": balancer}}), ROUTE, None) == {}


def test_neither_passwords_nor_what_proves_the_route_is_told() -> None:
    told = write_own(ROUTE, MAILED)
    for hidden in ("s3cret", "X-Headway", "probe", "through", "shop.release"):
        assert hidden not in told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "no YAML"),
        ("- a", "a map is expected"),
        ("tcp: {}", "tcp: this cannot be set"),
        ("http: {serversTransports: {}}", "serversTransports: this cannot be set"),
        ("http: {routers: [a]}", "http.routers: a map"),
        ("http: &a {routers: *a}", "references"),
        ("a: !!python/object/apply:os.system [x]", "no YAML"),
        ("http: {routers: {shop.a: {rule: '{{ env `PATH` }}'}}}", "two opening braces"),
        ('http: {routers: {shop.a: {rule: "\\x7b\\x7b"}}}', "two opening braces"),
        ("http: {middlewares: {shop.a: {compress: 2020-01-01}}}", "texts, numbers"),
        ("http: {middlewares: {shop.a: {compress: .nan}}}", "texts, numbers"),
        ("[" * 5000, "too deep|no YAML"),
        ("# " + "x" * 70_000, "more than 64 KiB"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_own(text, ROUTE, None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rule": None}, "a text such as"),
        ({"rule": " "}, "a text such as"),
        ({"rule": "PathPrefix(`/`)) || (PathPrefix(`/`)"}, "none has opened"),
        ({"rule": "(PathPrefix(`/`)"}, "not closed"),
        ({"rule": "PathPrefix(`/`) /* `) || Host(` */"}, "cannot be read"),
        ({"rule": "PathPrefix(`/`)\n|| Host(`x`) ; "}, "cannot be read"),
        ({"rule": "Host('x')"}, "cannot be read"),
        ({"service": "other"}, "services of this application"),
        ({"service": "api@internal"}, "services of this application"),
        ({"middlewares": ["other.login"]}, "no middleware"),
        ({"middlewares": ["x@docker"]}, "no middleware"),
        ({"middlewares": "shop.login"}, "a list"),
        ({"entryPoints": ["traefik"]}, "the edge has: web"),
        ({"entryPoints": []}, "the edge has: web"),
        ({"priority": 1_000_000}, "from 0 to 999999"),
        ({"priority": True}, "whole number"),
        ({"tls": {"certResolver": "acme"}}, "no such resolver"),
        ({"tls": {"options": "x"}}, "cannot be set"),
        ({"ruleSyntax": "v2"}, "cannot be set"),
    ],
)
def test_a_router_stays_within_the_application(change: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_own(said(routers={"shop.a": ROUTER | change}), ROUTE, None)


@pytest.mark.parametrize(
    "name", ["other", "shopping", "shop-2", "shop.a@file", "shop.a probe", "shop.a.probe", "shop.a.through"]
)
def test_names_of_others_and_of_our_proofs_are_not_taken(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"names of this application|another one|plain letters"):
        read_own(said(routers={name: ROUTER}), ROUTE, None)


@pytest.mark.parametrize(
    ("middleware", "why"),
    [
        ({}, "exactly one kind"),
        ({"compress": {}, "retry": {}}, "exactly one kind"),
        ({"plugin": {}}, "cannot be set"),
        ({"forwardAuth": {"address": "http://10.0.0.1"}}, "cannot be set"),
        ({"basicAuth": {"usersFile": "/etc/shadow"}}, "no files"),
        ({"digestAuth": {"usersFile": "/etc/shadow"}}, "no files"),
        ({"chain": {"middlewares": ["other.login"]}}, "no middleware"),
        ({"errors": {"service": "other"}}, "services of this application"),
        ({"compress": []}, "a map is expected"),
    ],
)
def test_a_middleware_reads_no_file_and_asks_nobody_else(middleware: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_own(said(middlewares={"shop.m": middleware}), ROUTE, None)


@pytest.mark.parametrize("name", ["shop.login", "shop.redirect.1", "shop.x.example/api.strip", "shop.release"])
def test_our_own_middlewares_are_changed_by_what_they_stand_for(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"Headway (keeps this one|proves)"):
        read_own(said(middlewares={name: {"compress": {}}}), ROUTE, None)


def test_a_password_is_asked_for_on_the_users_own_routers_too() -> None:
    route = dataclasses.replace(ROUTE, own={"routers": {"shop.open": ROUTER}})
    http = json.loads(render_route(route, secret="s", https=None).partition("\n")[2])["http"]
    assert http["routers"]["shop.open"]["middlewares"] == ["shop.login"]


def test_what_an_earlier_version_took_is_named_and_what_holds_is_not() -> None:
    good = {"middlewares": {"shop.m": {"retry": {"attempts": 3}}}, "routers": {"shop.a": ROUTER}}
    assert refused_now(good) is None
    for kept, why in (
        ({"retry": {"attempts": 10**9}}, "from 1 to 10"),
        ({"basicAuth": {"usersfile": "/x"}}, "list the users"),
    ):
        assert why in str(refused_now({"middlewares": {"shop.m": kept}}))


def test_what_the_users_words_name_is_not_taken_away_unseen() -> None:
    own = {"routers": {"shop.a": {**ROUTER, "middlewares": ["shop.redirect.1"]}}}
    check_references(dataclasses.replace(ROUTE, own=own), None)
    with pytest.raises(Conflict, match=r"names shop.redirect.1, which would be gone"):
        check_references(dataclasses.replace(ROUTE, own=own, redirects=()), None)


MATCHERS = st.sampled_from(["PathPrefix(`/a`)", 'Host("x.example")', "Header(`a(`, `)b`)", "Query(`a`,`b`)"])
RULES = st.recursive(
    MATCHERS,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["&&", "||"]), inner),
        inner.map("({})".format),
        inner.map("!{}".format),
    ),
    max_leaves=5,
)
PIECES = st.sampled_from(["(", ")", ")(", ") || (", "`", '"', "'", "/*", "*/", ",", "|", "!", " ", "\\", "\n", "a"])


@given(RULES, st.lists(st.tuples(st.integers(0, 60), PIECES), max_size=2))
def test_no_rule_leaves_its_brackets(rule: str, put_in: list[tuple[int, str]]) -> None:
    for at, piece in put_in:
        rule = f"{rule[:at]}{piece}{rule[at:]}"
    try:
        read_own(said(routers={"shop.a": ROUTER | {"rule": rule}}), ROUTE, None)
    except InvalidInput:
        assert put_in, "a rule as people write it is taken"
        return
    depth, quote = 0, ""
    for character in rule:
        if quote:
            quote = "" if character == quote else quote
        elif character in '`"':
            quote = character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
            assert depth >= 0
    assert (depth, quote) == (0, "")
