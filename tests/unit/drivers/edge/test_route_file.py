"""Route files: what Traefik is told, what is read back, and what no file may hold."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.edge.route_file import check_route, load_route, read_route, render_route
from headway.drivers.edge.traefik import Https
from headway.kernel.artifacts import Entrance, Login, Redirect, Route, Upstream, Way
from headway.kernel.errors import InvalidInput

WAYS = (Way(host="shop.localhost"), Way(host="x.example"))
ROUTE = Route(application_id="a1", app_name="shop", release_id="r1", ways=WAYS, upstreams=(Upstream(port=4000),))
API = Way(host="x.example", path="/api", strip=True, inner_path="/v1", entrance=Entrance.HTTPS, issued=False)
HTTPS, MAILED = Https(port=8443), Https(port=443, mail="a@b.c")
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.from_regex(r"[A-Za-z0-9_-]{1,63}", fullmatch=True)
PATH = st.from_regex(r"/|(/[a-z0-9~!$&'()*+,;=:@-]{1,9}){1,3}", fullmatch=True)
UPSTREAMS = st.builds(
    Upstream,
    port=st.integers(1, 65535),
    address=st.sampled_from(["127.0.0.1", "::1", "tasks.web"]),
    scheme=st.sampled_from(["http", "https", "h2c"]),
)
EACH_WAY = st.builds(
    Way,
    host=st.lists(LABEL, min_size=1, max_size=4).map(".".join),
    path=PATH,
    strip=st.booleans(),
    inner_path=PATH,
    entrance=st.sampled_from(Entrance),
    issued=st.booleans(),
    upstreams=st.lists(UPSTREAMS, max_size=2).map(tuple),
)
TEXT = st.text().filter(lambda text: "{{" not in json.dumps(text))

ROUTES = st.builds(
    Route,
    application_id=NAME,
    app_name=NAME,
    release_id=NAME,
    ways=st.lists(EACH_WAY, min_size=1, max_size=4, unique_by=lambda way: (way.host, way.path)).map(tuple),
    upstreams=st.lists(UPSTREAMS, min_size=1, max_size=2).map(tuple),
    redirects=st.lists(st.builds(Redirect, regex=TEXT, replacement=TEXT, permanent=st.booleans()), max_size=2).map(
        tuple
    ),
    logins=st.lists(st.builds(Login, username=NAME, hash=NAME), max_size=2).map(tuple),
    own=st.just({}),
    before=st.lists(UPSTREAMS, max_size=2).map(tuple),
)


def http(route: Route = ROUTE, https: Https | None = None) -> Any:  # noqa: ANN401 - JSON
    """What Traefik reads."""
    record, _, document = render_route(route, secret="s3", https=https).partition("\n")
    assert record.startswith("# ")
    return json.loads(document)["http"]


def test_each_way_leads_to_the_release_and_has_a_way_to_prove_it() -> None:
    told = http()
    assert told["routers"]["shop.x.example"] == {
        "rule": "Host(`x.example`)",
        "priority": 1,
        "service": "shop",
        "entryPoints": ["web"],
    }
    probe = told["routers"]["shop.x.example.probe"]
    assert probe["rule"] == "(Host(`x.example`)) && Header(`X-Headway-Probe`, `s3.probe`)"
    assert (probe["service"], probe["middlewares"], probe["priority"]) == ("shop", ["shop.release"], 1_000_001)
    assert told["services"]["shop"]["loadBalancer"]["servers"] == [{"url": "http://127.0.0.1:4000"}]
    named = told["middlewares"]["shop.release"]["headers"]
    assert named["customResponseHeaders"]["X-Headway-Release"] == "r1"
    assert named["customRequestHeaders"] == {"X-Headway-Probe": ""}


def test_a_path_takes_itself_and_what_is_below_is_cut_off_and_put_elsewhere() -> None:
    told = http(dataclasses.replace(ROUTE, ways=(API,)))
    router = told["routers"]["shop.x.example/api"]
    assert router["rule"] == "Host(`x.example`) && (Path(`/api`) || PathPrefix(`/api/`))"
    assert router["priority"] == 4
    assert router["middlewares"] == ["shop.x.example/api.strip", "shop.x.example/api.inner"]
    assert told["middlewares"]["shop.x.example/api.strip"] == {"stripPrefix": {"prefixes": ["/api"]}}
    assert told["middlewares"]["shop.x.example/api.inner"] == {"addPrefix": {"prefix": "/v1"}}


def test_what_stands_before_a_release_is_passed_by_the_probe_that_goes_through_and_by_it_alone() -> None:
    route = dataclasses.replace(
        ROUTE,
        redirects=(Redirect(regex="^http://a/(.*)", replacement="https://b/${1}", permanent=True),),
        logins=(Login(username="me", hash="$2b$08$x"),),
    )
    told = http(route)
    barriers = ["shop.redirect.1", "shop.login"]
    assert told["routers"]["shop.x.example"]["middlewares"] == barriers
    assert told["routers"]["shop.x.example.probe"]["middlewares"] == ["shop.release"]
    through = told["routers"]["shop.x.example.through"]
    assert (through["middlewares"], through["service"]) == (["shop.release", *barriers], "noop@internal")
    redirect = {"regex": "^http://a/(.*)", "replacement": "https://b/${1}", "permanent": True}
    assert told["middlewares"]["shop.redirect.1"] == {"redirectRegex": redirect}
    assert told["middlewares"]["shop.login"] == {"basicAuth": {"users": ["me:$2b$08$x"], "removeHeader": True}}


@pytest.mark.parametrize(
    ("way", "https", "web", "tls"),
    [
        (Way(host="x.example", entrance=Entrance.HTTPS), MAILED, ["shop.x.example.https"], {"certResolver": "acme"}),
        (Way(host="x.example", entrance=Entrance.HTTPS, issued=False), MAILED, ["shop.x.example.https"], {}),
        (Way(host="x.example", entrance=Entrance.HTTPS), HTTPS, ["shop.x.example.https"], {}),
        (Way(host="x.example", entrance=Entrance.HTTPS), None, None, None),
        (Way(host="x.example"), MAILED, None, {"certResolver": "acme"}),
        (Way(host="x.example", entrance=Entrance.HTTP), MAILED, None, None),
    ],
)
def test_who_comes_over_http_is_sent_on_or_not(
    way: Way, https: Https | None, web: list[str] | None, tls: dict[str, str] | None
) -> None:
    routers = http(dataclasses.replace(ROUTE, ways=(way,)), https)["routers"]
    assert routers["shop.x.example"].get("middlewares") == web
    assert routers.get("shop.x.example.secure", {}).get("tls") == tls


@pytest.mark.parametrize(("port", "named"), [(443, {}), (8443, {"port": "8443"})])
def test_the_port_of_https_is_named_unless_it_is_the_usual_one(port: int, named: dict[str, str]) -> None:
    told = http(dataclasses.replace(ROUTE, ways=(API,)), Https(port=port))
    scheme = told["middlewares"]["shop.x.example/api.https"]["redirectScheme"]
    assert scheme == {"scheme": "https", "permanent": True, **named}


def test_a_way_may_lead_to_servers_of_its_own() -> None:
    far = Way(host="db.example", upstreams=(Upstream(address="::1", port=81, scheme="https"), Upstream(port=82)))
    told = http(dataclasses.replace(ROUTE, ways=(far,), upstreams=()))
    assert told["routers"]["shop.db.example"]["service"] == "shop.db.example"
    servers = told["services"]["shop.db.example"]["loadBalancer"]["servers"]
    assert servers == [{"url": "https://[::1]:81"}, {"url": "http://127.0.0.1:82"}]


def test_words_of_the_users_own_replace_ours_stay_within_its_hosts_and_never_move_its_servers() -> None:
    own: dict[str, dict[str, Any]] = {
        "routers": {"shop.x.example": {"rule": "PathPrefix(`/`)", "service": "shop", "middlewares": ["shop.quick"]}},
        "middlewares": {"shop.quick": {"compress": {}}},
        "services": {"shop": {"loadBalancer": {"passHostHeader": False, "servers": [{"url": "http://else"}]}}},
    }
    told = http(dataclasses.replace(ROUTE, own=own))
    guard = "(Host(`shop.localhost`)) || (Host(`x.example`))"
    assert told["routers"]["shop.x.example"]["rule"] == f"({guard}) && (PathPrefix(`/`))"
    assert told["routers"]["shop.x.example.through"]["middlewares"] == ["shop.release", "shop.quick"]
    assert told["routers"]["shop.shop.localhost"]["rule"] == "Host(`shop.localhost`)"
    balancer = told["services"]["shop"]["loadBalancer"]
    assert balancer == {"servers": [{"url": "http://127.0.0.1:4000"}], "passHostHeader": False}


def test_what_can_be_asked_again_goes_to_the_release_before_where_nobody_answers() -> None:
    told = http(dataclasses.replace(ROUTE, before=(Upstream(port=3999),)))
    again, rest = told["routers"]["shop.x.example.again/"], told["routers"]["shop.x.example"]
    assert again["service"] == "shop.either/"
    assert rest["service"] == "shop.rest/"
    assert "Method(`GET`)" in again["rule"]
    assert rest["rule"].endswith(f"!({again['rule'].partition(' && ')[2]})")
    failover = {"service": "shop", "fallback": "shop.before/", "errors": {"status": ["502", "504"]}}
    assert told["services"]["shop.either/"] == {"failover": failover}
    assert told["routers"]["shop.x.example.probe"]["service"] == "shop", "a proof is of the new one"
    assert "shop.either/" not in http()["services"]


def test_what_was_never_taken_from_the_edge_goes_to_the_release_before_whatever_it_asks_for() -> None:
    told = http(dataclasses.replace(ROUTE, before=(Upstream(port=3999),)))
    rest, balancer = told["routers"]["shop.x.example"], told["services"]["shop.rest/"]["loadBalancer"]
    assert rest["middlewares"] == ["shop.retry/"]
    (new, old) = balancer["servers"]
    assert (new["url"], old["url"]) == ("http://127.0.0.1:4000", "http://127.0.0.1:3999")
    assert new["weight"] > 1000, "it is asked of the new one"
    assert "status" not in told["middlewares"]["shop.retry/"]["retry"], "what has come to it is never repeated"
    assert told["middlewares"]["shop.retry/"]["retry"]["attempts"] > balancer["passiveHealthCheck"]["maxFailedAttempts"]
    assert "retry" not in str(http())


def test_the_revision_changes_with_anything_in_the_file() -> None:
    def revision(route: Route, https: Https | None = None) -> str | None:
        return read_route(render_route(route, secret="s", https=https), "a1").revision

    others = (
        dataclasses.replace(ROUTE, release_id="r2"),
        dataclasses.replace(ROUTE, ways=WAYS[:1]),
        dataclasses.replace(ROUTE, logins=(Login(username="u", hash="h"),)),
        dataclasses.replace(ROUTE, upstreams=(Upstream(port=4001),)),
    )
    assert len({revision(ROUTE), revision(ROUTE, HTTPS), *map(revision, others)}) == 6
    assert revision(ROUTE) == revision(ROUTE)


@settings(deadline=None)
@given(route=ROUTES, https=st.sampled_from([None, HTTPS, MAILED]))
def test_what_is_written_is_read_back(route: Route, https: Https | None) -> None:
    assert read_route(render_route(route, secret="s", https=https), route.application_id).route == route
    assert load_route(dataclasses.asdict(route)) == route


def test_a_file_of_the_first_version_is_read() -> None:
    rule, headers = "Host(`shop.localhost`) || Host(`x.example`)", {"X-Headway-Release": "r1"}
    old = {
        "routers": {"shop": {"service": "shop", "rule": rule, "entryPoints": ["web"]}},
        "middlewares": {"shop.probe": {"headers": {"customResponseHeaders": headers}}},
        "services": {"shop": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:4000"}]}}},
    }
    found = read_route(json.dumps({"http": old}), "a1")
    assert (found.route, found.revision) == (ROUTE, None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "a`) || Host(`b",
        '{{ env "HOME" }}',
        "UPPER.example",
        "-a.example",
        "a-.example",
        "a..b",
        "a.example.",
        "ä.example",
        "a\n",
        "a/b",
        "a:80",
        "*.example",
        "x" * 64,
        ".".join(["x" * 60] * 5),
    ],
)
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        check_route(dataclasses.replace(ROUTE, ways=(*WAYS, Way(host=host))))


@pytest.mark.parametrize(
    "path", ["", "api", "/api/", "//", "/a//b", "/a b", "/a`", "/{{x}}", "/../x", "/./x", "/%2e", "/ä", "/a?b", "/a#b"]
)
@pytest.mark.parametrize("field", ["path", "inner_path"])
def test_what_is_no_plain_path_is_refused(field: str, path: str) -> None:
    way = dataclasses.replace(API, **{field: path})  # type: ignore[arg-type]  # the field is a text
    with pytest.raises(InvalidInput):
        check_route(dataclasses.replace(ROUTE, ways=(way,)))


@pytest.mark.parametrize("field", ["application_id", "app_name", "release_id"])
@pytest.mark.parametrize("text", ["{{x}}", "../x", "a`b", "", "a\nb"])
def test_names_that_are_no_names_are_refused(field: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        check_route(dataclasses.replace(ROUTE, **{field: text}))  # type: ignore[arg-type]  # the field is a text


@pytest.mark.parametrize(
    "wrong",
    [
        dataclasses.replace(ROUTE, ways=()),
        dataclasses.replace(ROUTE, ways=(*WAYS, dataclasses.replace(API, path="/"))),
        dataclasses.replace(ROUTE, upstreams=()),
        dataclasses.replace(ROUTE, upstreams=(Upstream(port=0),)),
        dataclasses.replace(ROUTE, upstreams=(Upstream(port=1, address="a/b"),)),
        dataclasses.replace(ROUTE, upstreams=(Upstream(port=1, scheme="file"),)),
    ],
)
def test_a_route_needs_ways_that_differ_and_servers_that_can_be_reached(wrong: Route) -> None:
    with pytest.raises(InvalidInput):
        check_route(wrong)


def test_what_a_template_could_read_is_refused() -> None:
    redirect = Redirect(regex='{{ env "PATH" }}', replacement="x", permanent=False)
    with pytest.raises(InvalidInput, match="two opening braces"):
        render_route(dataclasses.replace(ROUTE, redirects=(redirect,)), secret="s", https=None)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "nonsense", '{"http": {"services": {}}}', '{{ env "X" }}', "# headway {}\n{}"]
)
def test_what_is_no_route_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_route(text, "a1")
