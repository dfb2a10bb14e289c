"""Certificates of a real authority: who tries to be asked, or shown, in the place of others, and what is cut off."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headway.infra.hosts import procfs
from tests.support.certificates.certificate_authority import REFUSED, Authority, authority, lacks_authority
from tests.support.certificates.certificates import certificate_for
from tests.support.panel.panel import Json, Panel, free_port, git_repository, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(240),
    pytest.mark.skipif(lacks_authority() is not None, reason=str(lacks_authority())),
]

SECONDS = 60
VICTIM, MINE = "victim.example.test", "mine.test"
CHALLENGE = "/.well-known/acme-challenge"
TOLD = """\
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"name": NAME, "path": self.path, "headers": [[*each] for each in self.headers.items()]}
        print("asked", json.dumps(told), flush=True)
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
# What a visitor would like an application, or the edge, to take him for.
FORGED = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "other.test",
    "x-forwarded-for": "203.0.113.9",
    "x-real-ip": "203.0.113.9",
    "x-headway-probe": "forged",
}


class Place:
    """A panel whose edge asks the authority, with a victim's application and an attacker's in two projects."""

    def __init__(self, running: Panel, asked: Authority, secure: int) -> None:
        self.panel = running
        self.asked = asked
        self.secure = secure
        self.ids: dict[str, str] = {}

    def domain(self, name: str, host: str, **more: Json) -> str:
        """A new domain over HTTPS, for which the authority is asked; its id."""
        given = {"https": True, "certificateType": "letsencrypt", **more}
        return str(self.panel.post("domain.create", applicationId=self.ids[name], host=host, **given)["domainId"])

    def issued(self, host: str) -> bool:
        """Whether a browser is shown one of the authority's."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            # Wrapped before it is connected: one that is reset in between would not be closed by anybody.
            with context.wrap_socket(socket.socket(), server_hostname=host) as connection:
                connection.settimeout(5)
                connection.connect(("127.0.0.1", self.secure))
                return self.asked.issued(connection.getpeercert(binary_form=True) or b"")
        except OSError:
            return False

    def ask(self, address: str, *more: str, port: int | None = None) -> tuple[int, str]:
        """What curl, which speaks HTTP/2 too, is answered: the status, and the body or where it is sent on to."""
        host = address.partition("://")[2].partition("/")[0]
        scheme, where = address.partition("://")[0], port or self.secure
        url = f"{scheme}://{host}:{where}/{address.partition('://')[2].partition('/')[2]}"
        argv = ["curl", "-sk", "--noproxy", "*", "--connect-to", f"::127.0.0.1:{where}", "-w", "\n%{http_code}", *more]
        said = subprocess.run([*argv, url], capture_output=True, check=True, timeout=20).stdout.decode()
        body, _, status = said.rpartition("\n")
        return int(status), body

    def asked_of(self, name: str) -> str:
        """What the application was asked, as it says itself."""
        return str(self.panel.get("application.readLogs", applicationId=self.ids[name], tail=2000))

    @property
    def edge(self) -> int:
        """The pid of the edge."""
        pid: int = json.loads((self.panel.data_dir / "edge/daemon.json").read_text())["pid"]
        return pid


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("authority")
    secure = free_port()
    with authority(folder / "authority") as asked:
        env = {
            "HEADWAY_HTTPS_PORT": str(secure),
            "HEADWAY_CERTIFICATE_MAIL": "somebody@mail.example",
            "HEADWAY_CERTIFICATE_AUTHORITY": asked.directory,
            "HEADWAY_CERTIFICATE_ROOTS": str(asked.roots),
        }
        started = Panel(folder / "data", **env)
        started.edge_port = asked.knocks
        try:
            made = Place(started.start(), asked, secure)
            for name in ("victim", "mine"):
                files = {"app.py": TOLD.replace("NAME", repr(name)), "Procfile": "web: python3 app.py\n"}
                url = git_repository(folder / name, {**files, "requirements.txt": ""})
                made.ids[name] = started.application(url, name=name)
                started.done(started.deploy(made.ids[name]))
            made.domain("victim", VICTIM)
            until(lambda: made.issued(VICTIM), SECONDS, what="a certificate is issued")
            yield made
        finally:
            started.clean_up()


def test_what_was_issued_and_what_was_not_is_told_of_the_domain(place: Place) -> None:
    def issued(domain_id: str) -> Json:
        return place.panel.get("domain.one", domainId=domain_id)["issued"]

    found = place.panel.get("domain.byApplicationId", applicationId=place.ids["victim"])
    (victim,) = [each["domainId"] for each in found if each["host"] == VICTIM]
    until(lambda: issued(victim)["goodUntil"], SECONDS, what="it is told until when it is good")
    assert issued(victim)["unknown"] is None
    refused = place.domain("victim", REFUSED)
    try:
        until(lambda: issued(refused)["refusal"], SECONDS, what="what the authority said is told")
        told = issued(refused)
        assert (told["goodUntil"], told["unknown"]) == (None, None)
        assert "rejectedIdentifier" in told["refusal"], told
        assert told["refusedAt"][:19] >= told["askedAt"][:19]  # to the second
    finally:
        place.panel.post("domain.delete", domainId=refused)


def test_who_tries_to_answer_for_others_is_never_asked(place: Place) -> None:
    """Not by a path, a redirect, a password or a file of his own on his own host, nor by the host of another."""
    mine = {"applicationId": place.ids["mine"]}
    place.panel.post("domain.create", **mine, host=MINE, path=CHALLENGE, https=False)
    place.panel.post(
        "redirects.create", **mine, regex="^http://(.*)", replacement="http://elsewhere.test/", permanent=True
    )
    place.panel.post("security.create", **mine, username="me", password="a-password")
    refused = place.panel.client.post("/domain.create", json={**mine, "host": f"{VICTIM}", "path": "x{{"})
    assert refused.status_code == 400
    place.domain("mine", MINE)
    until(lambda: place.issued(MINE), SECONDS, what="a certificate is issued all the same")
    status, body = place.ask(f"http://{MINE}{CHALLENGE}/token", port=place.asked.knocks)
    assert (status, "mine" in body) == (404, False)
    status, body = place.ask(f"http://{VICTIM}{CHALLENGE}/../..{CHALLENGE}/x", "--path-as-is", port=place.asked.knocks)
    assert status in {301, 308, 400, 404}
    assert CHALLENGE not in place.asked_of("mine") + place.asked_of("victim")


def test_no_certificate_is_asked_for_a_name_that_a_rule_says(place: Place) -> None:
    mine = {"applicationId": place.ids["mine"]}
    one = place.panel.get("application.one", **mine)
    name = one["appName"]
    router = {
        "rule": "Host(`bank.example.test`) || HostRegexp(`.*`)",
        "service": name,
        "entryPoints": ["secure"],
        "priority": 999_999,
        "tls": {"certResolver": "acme"},
    }
    text = json.dumps({"http": {"routers": {f"{name}.r": router}}})
    place.panel.post("application.updateTraefikConfig", **mine, traefikConfig=text)
    for tls in ({"certResolver": "other"}, {"certResolver": "acme", "domains": [{"main": "bank.example.test"}]},
                {"certResolver": "acme", "options": "x"}):  # fmt: skip
        wrong = json.dumps({"http": {"routers": {f"{name}.r": {**router, "tls": tls}}}})
        answer = place.panel.client.post("/application.updateTraefikConfig", json={**mine, "traefikConfig": wrong})
        assert answer.status_code == 400, (tls, answer.text)
    place.domain("mine", "later.test")
    until(lambda: place.issued("later.test"), SECONDS, what="a certificate is issued")
    place.panel.post("application.updateTraefikConfig", **mine, traefikConfig="")
    assert not place.issued("bank.example.test")
    assert {VICTIM, "later.test"} <= place.asked.asked()
    assert "bank.example.test" not in place.asked.asked()
    for resolver in ("other", "../acme", "acme@file", "ACME"):
        wish = {**mine, "host": "r.test", "https": True, "certificateType": "custom", "customCertResolver": resolver}
        assert place.panel.client.post("/domain.create", json=wish).status_code == 400, resolver


def test_who_brings_a_certificate_for_a_name_first_does_not_keep_its_owner_from_one(place: Place) -> None:
    key = place.panel.post("organization.create", name="Others")["apiKey"]
    with httpx.Client(base_url=place.panel.client.base_url, headers={"x-api-key": key}, trust_env=False) as stranger:
        for host in ("late.example.test", "also.late.example.test"):
            pem, private = certificate_for("*.late.example.test", host)
            body = {"name": host, "certificateData": pem, "privateKey": private}
            assert stranger.post("/certificates.create", json=body, timeout=30).status_code in {200, 409}
        place.domain("victim", "late.example.test")
        until(lambda: place.issued("late.example.test"), SECONDS, what="its owner's certificate is shown")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_no_header_of_a_visitor_passes_for_one_of_the_edge(place: Place, version: str) -> None:
    forged = [f"-H{name}: {value}" for name, value in FORGED.items()]
    # Told to be of this connection only, the edge's own headers would not arrive.
    dropped = [] if version == "--http2" else [f"-HConnection: close, {', '.join(FORGED)}"]
    status, body = place.ask(f"https://{VICTIM}/x", version, *forged, *dropped)
    told = json.loads(body)
    headers = {name.lower(): value for name, value in told["headers"]}
    assert (status, told["name"]) == (200, "victim")
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"].startswith(VICTIM)
    assert (headers["x-forwarded-for"], headers["x-real-ip"]) == ("127.0.0.1", "127.0.0.1")
    plain, where = place.ask(
        f"http://{VICTIM}/x", *forged, "-w", "\n%{redirect_url}\n%{http_code}", port=place.asked.knocks
    )
    assert plain in {301, 308}, "whoever says that he came over HTTPS is sent on to it all the same"
    assert f"https://{VICTIM}:{place.secure}/x" in where
    secret = (place.panel.data_dir / "edge/probe.secret").read_text()
    assert secret not in place.asked_of("victim") + place.asked_of("mine")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("spelling", [VICTIM, VICTIM.upper(), f"{VICTIM}."])
def test_a_name_in_the_handshake_opens_no_other_hosts_door(place: Place, version: str, spelling: str) -> None:
    victim = {"applicationId": place.ids["victim"]}
    place.panel.post("security.create", **victim, username="me", password="a-password")
    try:
        assert place.ask(f"https://{VICTIM}/x", version)[0] == 401, "by its own name it asks for the password"
        status, body = place.ask(f"https://{MINE}/x", version, f"-HHost: {spelling}")
        assert (status, "victim" in body) in {(401, False), (404, False), (421, False)}
    finally:
        (kept,) = place.panel.get("application.one", **victim)["security"]
        place.panel.post("security.delete", securityId=kept["securityId"])


def _account(kept: Path) -> bool:
    """Whether an account is in the file, which Traefik does not write in one."""
    try:
        return bool(json.loads(kept.read_text())["acme"]["Account"])
    except ValueError:
        return False


@pytest.mark.parametrize("state", ['{"acme": {"Account": {"Em', "\xff\xfe", ""], ids=["half", "no text", "nothing"])
def test_what_was_cut_off_is_set_aside_and_asked_for_again(place: Place, state: str) -> None:
    kept = place.panel.data_dir / "edge/acme.json"
    before, account = place.edge, kept.stat().st_uid
    assert (account, kept.stat().st_mode & 0o777) == (procfs.owner(before), 0o600)
    assert account != 0
    with kept.open("w", encoding="latin-1") as file:
        file.write(state)
    os.kill(before, signal.SIGKILL)
    until(lambda: place.issued(VICTIM), SECONDS, what="there is a certificate again")
    assert place.edge != before
    until(lambda: _account(kept), SECONDS, what="Traefik has written its account")
    assert (kept.stat().st_uid, kept.stat().st_mode & 0o777) == (account, 0o600)
    aside = kept.with_name("acme.json.bad")
    assert aside.exists() is (state != "") or aside.stat().st_mode & 0o077 == 0
    aside.unlink(missing_ok=True)
