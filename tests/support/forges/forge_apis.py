"""The APIs of the forges on the loopback, written after their documentation: what Headway asks of them, and no more.
One set of facts, told in each forge's words; and the ways in which a forge can fail.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Json = Any
Answer = tuple[int, Json]

TOKEN = "a-token-that-opens-it"
INSTALLATION_TOKEN = "ghs_of_the_installation"
APP_ID, INSTALLATION_ID = "4711", "99"
PER_PAGE = 2  # so that every list has more than one page


@dataclass
class Facts:
    """What the forge has. ``failing`` answers in its place, as ``status``, headers and body."""

    path: str = "team/app"
    branches: dict[str, str] = field(default_factory=lambda: {"main": "1" * 40, "next": "2" * 40, "old": "3" * 40})
    pulls: dict[int, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    clone_url: str = "https://git.example/team/app.git"
    statuses: list[dict[str, str]] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    failing: tuple[int, dict[str, str], bytes] | None = None
    silent: bool = False
    token: str = TOKEN
    public_key: rsa.RSAPublicKey | None = None
    digits: int = 40  # of the commits of pull requests, as Bitbucket lists those
    made_tokens: int = 0


@dataclass(frozen=True)
class Api:
    """A forge's API that is up."""

    url: str
    facts: Facts


@contextmanager
def forge_api(forge: str) -> Iterator[Api]:
    """The API of this forge."""
    facts, released = Facts(), threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge, facts, released)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Api(url=f"http://127.0.0.1:{server.server_address[1]}", facts=facts)
        finally:
            released.set()
            server.shutdown()
            thread.join()


def _handler(forge: str, facts: Facts, released: threading.Event) -> type[BaseHTTPRequestHandler]:
    route = {"github": _github, "gitea": _gitea, "gitlab": _gitlab, "bitbucket": _bitbucket}[forge]

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def _answer(self) -> None:
            facts.asked.append(f"{self.command} {self.path}")
            proof = self.headers.get("authorization", "")
            facts.seen.append(proof)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            if facts.silent:
                released.wait(30)
            elif facts.failing is not None:
                self._send(*facts.failing)
            elif not _is_let_in(forge, facts, parts.path, proof):
                self._send(401, {}, b'{"message":"Bad credentials"}')
            else:
                status, value = route(facts, self.command, parts.path.lstrip("/"), json.loads(body) if body else None)
                place = f"http://{self.headers['host']}{parts.path}"
                headers, value = _paged(value, place, self.path) if self.command == "GET" else ({}, value)
                self._send(status, headers, json.dumps(value).encode())

        do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - names of the standard library

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, content in {"content-type": "application/json", **headers}.items():
                self.send_header(name, content)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _paged(value: Json, place: str, asked: str) -> tuple[dict[str, str], Json]:
    """Lists come in parts; the next one is named in a header, or in the body by Bitbucket."""
    key = next((each for each in ("repositories", "values") if isinstance(value, dict) and each in value), None)
    listed = value[key] if key else value
    if not isinstance(listed, list):
        return {}, value
    page = int(parse_qs(urlsplit(asked).query).get("page", ["1"])[0])
    part, more = listed[(page - 1) * PER_PAGE : page * PER_PAGE], page * PER_PAGE < len(listed)
    next_url = f"{place}?page={page + 1}"
    if key is None:
        return ({"link": f'<{next_url}>; rel="next"'} if more else {}), part
    if key == "values":
        return {}, {key: part, **({"next": next_url} if more else {})}
    return ({"link": f'<{next_url}>; rel="next"'} if more else {}), {**value, key: part}


def app_key(facts: Facts) -> str:
    """A new private key of a GitHub app, whose other half the forge knows from now on."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    facts.public_key = key.public_key()
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
    return key.private_bytes(*kinds, serialization.NoEncryption()).decode()


def _is_let_in(forge: str, facts: Facts, path: str, given: str) -> bool:
    word, _, token = given.partition(" ")
    if forge == "github" and facts.public_key is not None:
        if path.startswith("/app/installations/"):
            return word == "Bearer" and _is_of_app(facts.public_key, token)
        return (word, token) == ("Bearer", f"{INSTALLATION_TOKEN}_{facts.made_tokens}")
    if forge == "bitbucket" and word == "Basic":
        return base64.b64decode(token).decode() == f"me@example.org:{facts.token}"
    return (word, token) == ("token" if forge == "gitea" else "Bearer", facts.token)


def _is_of_app(public_key: rsa.RSAPublicKey, token: str) -> bool:
    head, claims, signature = token.split(".")
    try:
        public_key.verify(_bytes(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    told = json.loads(_bytes(claims))
    return bool(told["iss"] == APP_ID and told["iat"] < time.time() < told["exp"] <= time.time() + 600)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _matches(pattern: str, path: str) -> tuple[str, ...] | None:
    found = re.fullmatch(pattern, path)
    return None if found is None else tuple(unquote(each) for each in found.groups())


def _first(method: str, path: str, table: dict[str, Callable[..., Answer]]) -> Answer:
    for pattern, answer in table.items():
        wanted, _, rest = pattern.partition(" ")
        groups = _matches(rest, path)
        if wanted == method and groups is not None:
            return answer(*groups)
    return 404, {"message": "Not Found"}


def _github(facts: Facts, method: str, path: str, given: Json) -> Answer:
    def token(installation: str) -> Answer:
        if installation != INSTALLATION_ID:
            return 404, {"message": "Not Found"}
        facts.made_tokens += 1
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return 201, {"token": f"{INSTALLATION_TOKEN}_{facts.made_tokens}", "expires_at": until}

    listed = [_as_github(facts, number) for number in range(3)]
    return _first(
        method,
        path,
        {
            r"POST app/installations/(\w+)/access_tokens": token,
            r"GET installation/repositories": lambda: (200, {"total_count": 3, "repositories": listed}),
            r"GET user/repos": lambda: (200, listed),
            **_like_github(facts, given, "sha"),
        },
    )


def _gitea(facts: Facts, method: str, path: str, given: Json) -> Answer:
    listed = [_as_github(facts, number) for number in range(3)]
    return _first(method, path, {r"GET user/repos": lambda: (200, listed), **_like_github(facts, given, "id")})


def _like_github(facts: Facts, given: Json, commit_word: str) -> dict[str, Callable[..., Answer]]:
    """What Gitea has as GitHub has it."""
    pulls = [{"number": number, "head": {"sha": head}} for number, head in facts.pulls.items()]
    branches = [{"name": name, "commit": {commit_word: head}} for name, head in facts.branches.items()]
    files = [{"filename": each} for each in facts.files]

    def status(commit: str) -> Answer:
        facts.statuses.append({"commit": commit, **given})
        return 201, given

    base = rf"repos/{re.escape(facts.path)}"
    return {
        rf"GET {base}/branches": lambda: (200, branches),
        rf"GET {base}/pulls": lambda: (200, pulls),
        rf"GET {base}/pulls/\d+/files": lambda: (200, files),
        rf"POST {base}/statuses/(\w+)": status,
        rf"GET {base}/issues/\d+/comments": lambda: (200, _comments(facts)),
        rf"POST {base}/issues/\d+/comments": lambda: (201, _commented(facts, given["body"])),
        rf"PATCH {base}/issues/comments/(\d+)": lambda number: _changed(facts, number, given["body"]),
    }


def _gitlab(facts: Facts, method: str, path: str, given: Json) -> Answer:
    listed = [
        {
            "id": number,
            "path": name,
            "path_with_namespace": f"team/{name}",
            "namespace": {"full_path": "team"},
            "http_url_to_repo": facts.clone_url,
            "default_branch": "main",
        }
        for number, name in enumerate(("app", "other", "third"))
    ]
    requests = [{"iid": number, "sha": head} for number, head in facts.pulls.items()]
    branches = [{"name": name, "commit": {"id": head}} for name, head in facts.branches.items()]
    files = [{"new_path": each, "old_path": each} for each in facts.files]

    def status(commit: str) -> Answer:
        facts.statuses.append({"commit": commit, **given, "context": given["name"]})
        return 201, given

    base = rf"projects/{re.escape(facts.path.replace('/', '%2F'))}"
    return _first(
        method,
        path,
        {
            r"GET projects": lambda: (200, listed),
            rf"GET {base}/repository/branches": lambda: (200, branches),
            rf"GET {base}/merge_requests": lambda: (200, requests),
            rf"GET {base}/merge_requests/\d+/diffs": lambda: (200, files),
            rf"POST {base}/statuses/(\w+)": status,
            rf"GET {base}/merge_requests/\d+/notes": lambda: (200, _comments(facts)),
            rf"POST {base}/merge_requests/\d+/notes": lambda: (201, _commented(facts, given["body"])),
            rf"PUT {base}/merge_requests/\d+/notes/(\d+)": lambda number: _changed(facts, number, given["body"]),
        },
    )


def _bitbucket(facts: Facts, method: str, path: str, given: Json) -> Answer:
    listed = [
        {"uuid": f"{{{number}}}", "slug": name, "full_name": f"team/{name}", "mainbranch": {"name": "main"}}
        for number, name in enumerate(("app", "other", "third"))
    ]
    pulls = [{"id": each, "source": {"commit": {"hash": head[: facts.digits]}}} for each, head in facts.pulls.items()]
    branches = [{"name": name, "target": {"hash": head}} for name, head in facts.branches.items()]
    files = [{"new": {"path": each}, "old": None} for each in facts.files]
    comments = [{"id": each["id"], "content": {"raw": each["body"]}} for each in _comments(facts)]

    def status(commit: str) -> Answer:
        facts.statuses.append({"commit": commit, **given, "context": given["name"]})
        return 201, given

    base = rf"repositories/{re.escape(facts.path)}"
    return _first(
        method,
        path,
        {
            r"GET repositories/team": lambda: (200, {"values": listed}),
            rf"GET {base}/refs/branches": lambda: (200, {"values": branches}),
            rf"GET {base}/pullrequests": lambda: (200, {"values": pulls}),
            rf"GET {base}/pullrequests/\d+/diffstat": lambda: (200, {"values": files}),
            rf"GET {base}/pullrequests/(\d+)/commits": lambda number: (
                200,
                {"values": [{"hash": head} for head in (facts.pulls[int(number)], "0" * 40)]},
            ),
            rf"POST {base}/commit/(\w+)/statuses/build": status,
            rf"GET {base}/pullrequests/\d+/comments": lambda: (200, {"values": comments}),
            rf"POST {base}/pullrequests/\d+/comments": lambda: (201, _commented(facts, given["content"]["raw"])),
            rf"PUT {base}/pullrequests/\d+/comments/(\d+)": lambda number: _changed(
                facts, number, given["content"]["raw"]
            ),
        },
    )


def _as_github(facts: Facts, number: int) -> Json:
    name = ("app", "other", "third")[number]
    return {
        "id": number,
        "name": name,
        "full_name": f"team/{name}",
        "owner": {"login": "team"},
        "clone_url": facts.clone_url,
        "default_branch": "main",
    }


def _comments(facts: Facts) -> list[Json]:
    return [{"id": number, "body": body} for number, body in facts.comments.items()]


def _commented(facts: Facts, body: str) -> Json:
    number = max(facts.comments, default=100) + 1
    facts.comments[number] = body
    return {"id": number, "body": body}


def _changed(facts: Facts, number: str, body: str) -> Answer:
    if int(number) not in facts.comments:
        return 404, {"message": "Not Found"}
    facts.comments[int(number)] = body
    return 200, {"id": int(number), "body": body}
