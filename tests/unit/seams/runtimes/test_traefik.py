"""Traefik's arguments and route files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.kernel.artifacts import Route
from headway.kernel.errors import InvalidInput
from headway.seams.runtimes.traefik import Https, check_route, checked_folder, command_line, read_route, render_route

ROUTE = Route(application_id="a1", app_name="shop", release_id="r1", hosts=("shop.localhost", "x.example"), port=4000)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


def test_a_route_file_leads_hosts_to_a_port_and_has_a_way_to_prove_it() -> None:
    http = json.loads(render_route(ROUTE, secret="s3", https=None))["http"]
    assert http["routers"]["shop"] == {
        "service": "shop",
        "rule": "Host(`shop.localhost`) || Host(`x.example`)",
        "entryPoints": ["web"],
    }
    probe = http["routers"]["shop.probe"]
    assert probe["rule"] == "(Host(`shop.localhost`) || Host(`x.example`)) && Header(`X-Headway-Probe`, `s3`)"
    assert probe["service"] == "shop"
    assert http["services"]["shop"]["loadBalancer"]["servers"] == [{"url": "http://127.0.0.1:4000"}]
    assert http["middlewares"]["shop.probe"]["headers"]["customResponseHeaders"] == {"X-Headway-Release": "r1"}


@pytest.mark.parametrize(
    ("https", "tls"), [(Https(port=443), {}), (Https(port=443, mail="a@example.org"), {"certResolver": "acme"})]
)
def test_a_second_entrance_has_a_route_of_its_own(https: Https, tls: dict[str, str]) -> None:
    secure = json.loads(render_route(ROUTE, secret="s3", https=https))["http"]["routers"]["shop.secure"]
    assert (secure["entryPoints"], secure["tls"]) == (["secure"], tls)


@settings(deadline=None)
@given(
    hosts=st.lists(st.lists(LABEL, min_size=1, max_size=4).map(".".join), min_size=1, max_size=5),
    port=st.integers(1, 65535),
    name=st.from_regex(r"[A-Za-z0-9_-]{1,63}", fullmatch=True),
    https=st.sampled_from([None, Https(port=443), Https(port=443, mail="a@b.c")]),
)
def test_what_is_written_is_read_back(hosts: list[str], port: int, name: str, https: Https | None) -> None:
    route = Route(application_id=name, app_name=name, release_id=name, hosts=tuple(hosts), port=port)
    assert read_route(render_route(route, secret="s", https=https), name) == route


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
        check_route(dataclasses.replace(ROUTE, hosts=("ok.example", host)))


@pytest.mark.parametrize("field", ["application_id", "app_name", "release_id"])
@pytest.mark.parametrize("text", ["{{x}}", "../x", "a`b", "", "a\nb"])
def test_names_that_are_no_names_are_refused(field: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        check_route(dataclasses.replace(ROUTE, **{field: text}))  # type: ignore[arg-type]  # the field is a text


def test_a_route_needs_a_host_and_a_port() -> None:
    for wrong in (dataclasses.replace(ROUTE, hosts=()), dataclasses.replace(ROUTE, port=0)):
        with pytest.raises(InvalidInput):
            check_route(wrong)


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"http": {"services": {}}}', '{{ env "X" }}'])
def test_what_is_no_route_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_route(text, "a1")


def test_the_command_line_exposes_and_sends_nothing_beside() -> None:
    arguments = command_line(
        Path("/bin/traefik"), Path("/e/routes"), host="127.0.0.1", port=80, https=None, state=Path("/e")
    )
    assert arguments == (
        "/bin/traefik",
        "--entrypoints.web.address=127.0.0.1:80",
        "--entrypoints.web.transport.respondingtimeouts.readtimeout=600s",
        "--providers.file.directory=/e/routes",
        "--providers.file.watch=true",
        "--providers.providersthrottleduration=10ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
    )


def test_certificates_are_asked_for_only_with_a_mail_address() -> None:
    def arguments(https: Https) -> tuple[str, ...]:
        return command_line(Path("t"), Path("/r"), host="::", port=80, https=https, state=Path("/e"))

    assert "--entrypoints.secure.address=[::]:443" in arguments(Https(port=443))
    assert not any("acme" in argument for argument in arguments(Https(port=443)))
    assert "--certificatesresolvers.acme.acme.email=a@b.c" in arguments(Https(port=443, mail="a@b.c"))


@pytest.mark.parametrize("folder", ["relative", "/a{{b", "/a\nb"])
def test_a_folder_that_cannot_be_named_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput):
        checked_folder(Path(folder))
