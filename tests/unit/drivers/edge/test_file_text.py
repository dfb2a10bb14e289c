"""What is written for Traefik is read by its reader of YAML, whatever letters a user has in a text."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.drivers.edge.custom_traefik import read_own
from headway.drivers.edge.route_file import read_route, render_route
from headway.drivers.edge.traefik import render_certificates
from headway.kernel.artifacts import Login, Redirect, Route, Upstream, Way
from headway.kernel.errors import InvalidInput
from tests.unit.drivers.edge.traefik_reader import read, refusal

ROUTE = Route(
    application_id="a1",
    app_name="shop",
    release_id="r1",
    ways=(Way(host="x.example"),),
    upstreams=(Upstream(port=4000),),
)
AWKWARD = st.sampled_from(
    [*"\x00\x07\t\n\r\x1b\x7f\x85\x9f\xa0\xad\u2028\u2029\ue000\ufeff\ufffd\ufffe\uffff\U0001f600\U0001fffe\\\"'#:{} "]
)
TEXT = st.lists(st.one_of(AWKWARD, st.characters(exclude_categories=["Cs"])), max_size=12).map("".join)
TEXTS = TEXT.filter(lambda text: "{{" not in text)


def of(*, login: str = "u", redirect: str = "x", header: str = "x", value: str = "x", path: str = "/") -> Route:
    own = {"middlewares": {"shop.m": {"headers": {"customResponseHeaders": {header: value}}}}}
    return dataclasses.replace(
        ROUTE,
        ways=(Way(host="x.example", path=path),),
        redirects=(Redirect(regex=redirect, replacement=redirect, permanent=False),),
        logins=(Login(username=login, hash="$2b$08$x"),),
        own=own,
    )


def told(route: Route) -> Any:  # noqa: ANN401 - YAML
    return read(render_route(route, secret="s", https=None))["http"]["middlewares"]


def test_the_reader_of_the_tests_refuses_what_traefik_refuses() -> None:
    assert refusal('{"a": "\\ud83d\\ude00"}') == "found invalid Unicode character escape code"
    assert refusal('{"a": "\\\\ud83d"}') is None
    assert refusal('{"a": "\ufeff"}') == "control characters are not allowed"
    assert refusal('{"a": "\x7f"}') == "control characters are not allowed"
    assert refusal(json.dumps({"a" * 1023: 1})) == "did not find expected ',' or '}'"
    assert read('{"a": "\U0001f600\\u2028"}') == {"a": "\U0001f600\u2028"}


def test_a_login_with_an_emoji_is_written_as_the_letter_that_it_is() -> None:
    text = render_route(of(login="me\U0001f600"), secret="s", https=None)
    assert "\\ud83d" not in text.lower()
    assert told(of(login="me\U0001f600"))["shop.login"]["basicAuth"]["users"] == ["me\U0001f600:$2b$08$x"]


@settings(deadline=None)
@given(login=TEXTS, redirect=TEXTS, header=TEXTS, value=TEXTS)
def test_every_text_is_read_by_traefik_as_it_was_said(login: str, redirect: str, header: str, value: str) -> None:
    route = of(login=login, redirect=redirect, header=header, value=value)
    found = told(route)
    assert found["shop.login"]["basicAuth"]["users"] == [f"{login}:$2b$08$x"]
    assert found["shop.redirect.1"]["redirectRegex"]["regex"] == redirect
    assert found["shop.m"]["headers"]["customResponseHeaders"] == {header: value}
    assert read_route(render_route(route, secret="s", https=None), "a1").route == route


@pytest.mark.parametrize("field", ["login", "redirect", "header", "value"])
def test_half_of_a_letter_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput, match="half of a letter"):
        render_route(of(**{field: "a\ud83d"}), secret="s", https=None)


@pytest.mark.parametrize("length", [1, 900, 1000, 1023])
def test_a_path_of_any_length_that_is_taken_is_read(length: int) -> None:
    path = f"/{'a' * length}"
    http = read(render_route(of(path=path), secret="s", https=None))["http"]
    rules = [each["rule"] for each in http["routers"].values()]
    assert len(rules) == 3
    assert all(path in rule for rule in rules)


def test_two_long_paths_have_routers_of_their_own() -> None:
    ways = tuple(Way(host="x.example", path=f"/{'a' * 1020}{last}") for last in "bc")
    http = read(render_route(dataclasses.replace(ROUTE, ways=ways), secret="s", https=None))["http"]
    assert len(http["routers"]) == 6


def test_certificates_below_a_folder_with_any_letter_are_read() -> None:
    folder = Path("/srv/\U0001f600")
    pair = (folder / "a.crt", folder / "a.key")
    assert read(render_certificates(pair, [pair]))["tls"]["certificates"][0]["certFile"] == str(pair[0])


@pytest.mark.parametrize("text", ["\\ud83d", "\\u0007", "\\x7f", "\\ufeff", "\\uffff", "\\u2028"])
def test_letters_that_nobody_sees_are_not_taken_in_a_configuration(text: str) -> None:
    said = f'http: {{middlewares: {{shop.m: {{headers: {{customResponseHeaders: {{X-A: "{text}"}}}}}}}}}}'
    with pytest.raises(InvalidInput, match="nobody sees"):
        read_own(said, ROUTE, None)
