"""The client against servers that really listen: what they may answer, and what it makes of it."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headway.cli import client as client_module
from headway.cli import lookup
from headway.cli.client import Client, KeyRefused, PanelUnreachable, Refused
from headway.cli.target import Target, find_target
from headway.infra.panel.kept_settings import keep_settings
from headway.kernel.errors import HeadwayError, InvalidInput, NotFound, Unavailable

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def panel(answer: Answer) -> Iterator[Client]:
    """A server that answers every request with ``answer``, and a client of it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815 - as above

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with Client(Target(url=url, key="k" * 64, key_origin="HEADWAY_API_KEY")) as client:
            yield client
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: object, **headers: str) -> Answer:
    return lambda request: write(request, status, json.dumps(body).encode() if body is not None else b"", **headers)


def write(request: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    request.rfile.read(int(request.headers.get("content-length") or 0))
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def test_a_query_carries_its_parameters_and_the_key() -> None:
    seen = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append((request.command, request.path, request.headers["x-api-key"]))
        write(request, 200, b'[{"a":1}]')

    with panel(answer) as client:
        assert client.get("deployment.all", applicationId="a b&c") == [{"a": 1}]
    assert seen == [("GET", "/api/deployment.all?applicationId=a+b%26c", "k" * 64)]


def test_an_answer_without_a_body_is_none() -> None:
    with panel(says(200, None)) as client:
        assert client.post("application.deploy", {"applicationId": "a"}) is None


def test_a_deploy_gives_the_id_from_the_header() -> None:
    with panel(says(200, None, x_deployment_id="d1")) as client:
        assert client.deploy("a", None) == "d1"


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (says(401, {"message": "Unauthorized"}), KeyRefused, "refuses the API key from HEADWAY_API_KEY"),
        (says(404, {"message": "Deployment not found"}), Refused, "^Deployment not found$"),
        (says(404, {"message": "Not found"}), Refused, "does not know deployment.one: it may be older"),
        (
            says(409, {"message": "Deployment is running; kill it first"}),
            Refused,
            "^Deployment is running; kill it first$",
        ),
        (says(503, {"message": "The database is away."}), Unavailable, "cannot do this now: The database is away."),
        (
            says(400, {"message": "Input validation failed", "issues": [{"path": ["tail"], "message": "Too big"}]}),
            Refused,
            r"^Input validation failed \(tail: Too big\)$",
        ),
        (lambda request: write(request, 200, b"<html>"), PanelUnreachable, "is not a Headway panel"),
        (lambda request: write(request, 502, b"Bad gateway"), PanelUnreachable, "is not a Headway panel"),
        (says(500, []), Refused, "answers with HTTP status 500"),
    ],
)
def test_each_refusal_is_a_sentence(answer: Answer, kind: type[HeadwayError], sentence: str) -> None:
    with panel(answer) as client, pytest.raises(kind, match=sentence):
        client.get("deployment.one", deploymentId="d")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = Client(Target(url=f"http://127.0.0.1:{port}", key=None, key_origin=""))
    with client, pytest.raises(PanelUnreachable, match=rf"No panel answers at http://127.0.0.1:{port}\. Start one"):
        client.get("project.all")


def test_a_connection_that_breaks_off() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)

    with panel(answer) as client, pytest.raises(PanelUnreachable, match="broke"):
        client.get("project.all")


def test_a_followed_log_is_taken_up_again_behind_the_last_byte() -> None:
    log = b"0123456789" * 20
    asked: list[int] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        """Gives 30 bytes of the log, in events of 7, and breaks off, until there is no more."""
        start = int(request.headers["last-event-id"])
        asked.append(start)
        request.send_response(200)
        request.send_header("content-type", "text/event-stream")
        request.end_headers()
        request.wfile.write(b': hello\n\nevent: step\ndata: {"name":"build","startedAt":"t","finishedAt":null}\n\n')
        for at in range(start, min(start + 30, len(log)), 7):
            text = log[at : at + 7].decode()
            request.wfile.write(f"id: {at + len(text)}\nevent: log\ndata: {json.dumps(text)}\n\n".encode())
        if start + 30 >= len(log):
            request.wfile.write(b"event: end\ndata: {}\n\n")
        else:
            request.wfile.write(b'id: 999\nevent: log\ndata: "cut o')
        request.close_connection = True

    with panel(answer) as client:
        events = list(client.follow("d"))
    assert "".join(json.loads(event.data) for event in events if event.kind == "log").encode() == log
    assert len(asked) > 3
    assert asked == sorted(asked)


def test_following_waits_for_a_panel_that_is_away() -> None:
    times = iter(range(3))

    def answer(request: BaseHTTPRequestHandler) -> None:
        match next(times):
            case 0:
                write(request, 503, b'{"message":"The database is away."}')
            case 1:
                request.connection.shutdown(socket.SHUT_RDWR)
            case _:
                write(request, 200, b"event: end\ndata: {}\n\n")

    with panel(answer) as client:
        assert [event.kind for event in client.follow("d")] == ["end"]


def test_a_panel_is_waited_for_from_when_it_went_away_however_quiet_it_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience = 0.2
    monkeypatch.setattr(client_module, "_PATIENCE_SECONDS", patience)
    times = iter(range(3))

    def answer(request: BaseHTTPRequestHandler) -> None:
        """A build that prints nothing for longer than anybody is patient, a panel that begins anew, the end."""
        match next(times):
            case 0:
                request.send_response(200)
                request.send_header("content-type", "text/event-stream")
                request.end_headers()
                request.wfile.write(b'event: status\ndata: {"status":"running"}\n\n')
                for _ in range(10):
                    time.sleep(patience / 4)
                    request.wfile.write(b": heartbeat\n\n")
                request.connection.shutdown(socket.SHUT_RDWR)
            case 1:
                request.connection.shutdown(socket.SHUT_RDWR)
            case _:
                write(request, 200, b"event: end\ndata: {}\n\n")

    with panel(answer) as client:
        assert [event.kind for event in client.follow("d")] == ["status", "end"]


def test_a_panel_that_stays_away_is_given_up_after_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_PATIENCE_SECONDS", 0.3)

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)

    with panel(answer) as client:
        begun = time.monotonic()
        with pytest.raises(PanelUnreachable):
            list(client.follow("d"))
    assert time.monotonic() - begun >= 0.3


def test_following_what_does_not_exist_ends_at_once() -> None:
    with panel(says(404, {"message": "Deployment not found"})) as client, pytest.raises(Refused, match="not found"):
        list(client.follow("d"))


def test_the_key_comes_from_the_environment_else_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "owner.key").write_text("from-the-file\n")
    given = find_target({"HEADWAY_API_KEY": "given", "HEADWAY_URL": "https://panel.example.com/"}, (tmp_path,))
    assert (given.url, given.key, given.key_origin) == ("https://panel.example.com", "given", "HEADWAY_API_KEY")
    found = find_target({}, (tmp_path / "none", tmp_path))
    assert (found.url, found.key) == ("http://127.0.0.1:3000", "from-the-file")
    assert found.key_origin == str(tmp_path / "owner.key")


def test_a_panel_of_this_machine_is_found_at_its_port(tmp_path: Path) -> None:
    (tmp_path / "owner.key").write_text("mine")
    keep_settings(tmp_path, {"HEADWAY_PORT": "3100"}, "1")
    assert find_target({}, (tmp_path,)).url == "http://127.0.0.1:3100"
    assert find_target({"HEADWAY_PORT": "3200"}, (tmp_path,)).url == "http://127.0.0.1:3200"
    assert find_target({"HEADWAY_URL": "http://localhost:3300"}, (tmp_path,)).url == "http://localhost:3300"
    # At another port somebody else's program would be shown the key.
    assert find_target({"HEADWAY_API_KEY": "given"}, (tmp_path / "none", tmp_path)).url == "http://127.0.0.1:3100"
    assert find_target({"HEADWAY_API_KEY": "given"}, (tmp_path / "none",)).url == "http://127.0.0.1:3000"
    for name, value in (("HEADWAY_PORT", "three"), ("HEADWAY_URL", "http://localhost:99999")):
        with pytest.raises(InvalidInput, match=name):
            find_target({name: value}, (tmp_path,))


def test_the_key_of_this_machine_is_not_sent_to_another(tmp_path: Path) -> None:
    (tmp_path / "owner.key").write_text("mine")
    assert find_target({"HEADWAY_URL": "https://elsewhere.example.com"}, (tmp_path,)).key is None


def test_without_a_key_it_is_said_where_there_is_one() -> None:
    target = Target(url="http://127.0.0.1:1", key=None, key_origin="HEADWAY_API_KEY is not set")
    with panel(says(401, {"message": "Unauthorized"})) as client:
        bare = Client(Target(url=client.target.url, key=None, key_origin=target.key_origin))
        with bare, pytest.raises(KeyRefused, match=r"HEADWAY_API_KEY is not set.*owner\.key"):
            bare.get("project.all")


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_no_header_can_hold(key: str) -> None:
    with pytest.raises(InvalidInput, match="HEADWAY_API_KEY"):
        find_target({"HEADWAY_API_KEY": key}, ())


def test_proxies_are_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HTTP_PROXY", "http://127.0.0.1:9")
    with panel(says(200, [])) as client:
        assert client.get("project.all") == []


PROJECTS = [
    {
        "name": name,
        "environments": [
            {
                "environmentId": f"{name}-1",
                "name": "production",
                "applications": [{"applicationId": f"{name}-{app}", "name": app} for app in apps],
            }
        ],
    }
    for name, apps in (("shop", ("web", "api")), ("blog", ("web",)))
]


def test_an_application_is_found_by_name_or_id() -> None:
    with panel(says(200, PROJECTS)) as client:
        assert lookup.find_application(client, "api").application_id == "shop-api"
        assert lookup.find_application(client, "blog-web").project == "blog"
        with pytest.raises(InvalidInput, match=r"Several .* web.*shop \(shop-web\), blog \(blog-web\)"):
            lookup.find_application(client, "web")
        with pytest.raises(NotFound, match=r"no application nope\. There are: api, web\."):
            lookup.find_application(client, "nope")


def test_a_deployment_is_found_by_the_beginning_of_its_id() -> None:
    rows = [{"deploymentId": each} for each in ("abc1", "abd2", "xyz3")]
    with panel(says(200, rows)) as client:
        assert lookup.deployment_id(client, "x") == "xyz3"
        assert lookup.deployment_id(client, "n" * 21) == "n" * 21
        with pytest.raises(InvalidInput, match="2 deployments have ids that begin with ab"):
            lookup.deployment_id(client, "ab")
        with pytest.raises(NotFound, match="begins with q"):
            lookup.deployment_id(client, "q")


def test_who_waits_asks_again_until_it_is_there_and_bears_a_panel_that_is_away() -> None:
    waits = {"reached": False, "ended": False, "deployment": {"status": "running"}}
    ended = {"reached": True, "ended": True, "deployment": {"status": "done"}}
    answers = [(200, waits), (503, {"message": "Not now."}), (200, ended)]
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        status, body = answers.pop(0)
        write(request, status, json.dumps(body).encode())

    with panel(answer) as client:
        assert client.wait("id", "ended", 60) == ended
    assert len(asked) == 3
    assert asked[0] == "/api/deployment.wait?deploymentId=id&until=ended&timeout=20.0"


def test_who_waits_is_told_when_the_time_is_up() -> None:
    waits = {"reached": False, "ended": False, "deployment": {"status": "running"}}
    with panel(says(200, waits)) as client:
        assert client.wait("id", "running", 0) == waits


@pytest.mark.parametrize(("by_hand", "said"), [(True, "manual"), (False, None)])
def test_a_person_at_a_terminal_is_told_from_a_program(*, by_hand: bool, said: str | None) -> None:
    seen: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.headers.get("x-headway-trigger"))
        write(request, 200, b"{}")

    with panel(answer) as client, Client(client.target, by_hand=by_hand) as mine:
        mine.get("project.all")
    assert seen == [said]


def test_what_speaks_no_https_is_not_called_untrusted() -> None:
    with panel(says(200, [])) as plain:
        url = plain.target.url.replace("http:", "https:")
        with (
            Client(Target(url=url, key=None, key_origin="nowhere")) as client,
            pytest.raises(PanelUnreachable, match=r"does not speak HTTPS\. Set HEADWAY_URL to http://127\.0\.0\.1:"),
        ):
            client.get("project.all")
