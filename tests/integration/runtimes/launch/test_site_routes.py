"""What a site answers, asked of the file server that serves it: files, pages, rules, the fallback."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from headway.drivers.buildplan.site_rules import loaded, read_rules, with_base
from headway.drivers.runtimes.launch.launcher import file_server
from headway.drivers.runtimes.launch.site_routes import site_routes
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.site_rules import SiteRules

FILES = {
    "index.html": "home",
    "about.html": "about",
    "docs/index.html": "docs",
    "docs/guide.html": "guide",
    "assets/app.js": "code",
    "empty/picture.png": "picture",
    "200.html": "shell",
    ".env": "secret",
}
REDIRECTS = """
# moved
/old            /about            302
/blog/:year/*   /news/:splat?y=:year
/docs/guide     /about            301!
/shadow  /about 200
/app/*          /200.html         200
/gone           /about.html       404
/away/*         https://example.com/:splat 301
/api/*          https://example.com/:splat 200
/only           /about  302  Country=ch
/query id=:id   /about
"""
VERCEL = {
    "rewrites": [
        {"source": "/(.*)", "destination": "/index.html"},
        {"source": "/secret", "destination": "/about", "has": [{"type": "cookie", "key": "a"}]},
        {"source": "/x/(?i:y)", "destination": "/about"},
    ],
    "redirects": [
        {"source": "/user/:id(\\d+)", "destination": "/about?user=:id", "permanent": False},
        {"source": "/list/:path*", "destination": "/docs/:path*"},
    ],
}
NETLIFY = """
[[redirects]]
from = "/home"
to = "/"
status = 301
force = true
[[redirects]]
from = "/*"
to = "/index.html"
status = 200
"""


@contextmanager
def served(folder: Path, rules: SiteRules) -> Iterator[httpx.Client]:
    """The site, by the program and the configuration that a release has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    configuration = json.dumps(file_server(str(folder), port, site_routes(str(folder), rules)))
    argv = (str(beside_python("caddy")), "run", "--config", "-")
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdin is not None
        process.stdin.write(configuration)
        process.stdin.close()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            until = time.monotonic() + 20
            while True:
                assert process.poll() is None, "the file server does not take its configuration"
                try:
                    client.get("/")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < until
                    time.sleep(0.02)
            yield client
    finally:
        process.kill()
        process.wait()


def rules(files: dict[str, str], *, fallback: bool | None = None, pages: int = 5) -> SiteRules:
    return read_rules(files, pages=pages, has_not_found=False, fallback=fallback)


def told(client: httpx.Client, path: str, **headers: str) -> tuple[int, str]:
    answer = client.get(path, headers=headers)
    return answer.status_code, answer.headers.get("location") or answer.text


def test_files_and_pages_are_served_and_nothing_hidden(tmp_path: Path) -> None:
    with served(tmp_path, rules({})) as client:
        assert told(client, "/") == (200, "home")
        assert told(client, "/about") == told(client, "/about.html") == (200, "about")
        assert told(client, "/docs/") == (200, "docs")
        assert told(client, "/docs")[0] == 308  # as before: what the page names beside itself is found
        assert told(client, "/docs/guide") == (200, "guide")
        assert [told(client, path)[0] for path in ("/.env", "/%2eenv", "/nowhere", "/empty/", "/../x")] == [404] * 5
        (tmp_path / "404.html").write_text("lost")
        assert told(client, "/nowhere") == (404, "lost")


def test_a_site_in_a_folder_that_begins_with_a_dot_is_served_and_its_hidden_files_are_not(tmp_path: Path) -> None:
    found = rules({"_redirects": "/pick/* /:splat 200\n/env /.env 200\n"})
    with served(tmp_path / "docs" / ".vitepress" / "dist", found) as client:
        assert [told(client, path) for path in ("/", "/docs/guide", "/pick/about")] == [
            (200, "home"),
            (200, "guide"),
            (200, "about"),
        ]
        hidden = ("/.env", "/%2eenv", "/pick/.env", "/env", "/docs/../.env", "/docs//../.env", "/.%2f.env")
        assert [told(client, path) for path in hidden] == [(404, "")] * 7


def test_an_application_in_one_page_answers_deep_links_and_misses_files(tmp_path: Path) -> None:
    assert rules({}, pages=1).fallback
    assert not rules({}, pages=2).fallback
    assert rules({"_redirects": "/old/* https://elsewhere.example/:splat 301\n"}, pages=1).fallback
    assert not rules({"_redirects": "/app/* /index.html 200\n"}, pages=1).fallback
    assert not rules({}, pages=1, fallback=False).fallback
    assert not read_rules({}, pages=1, has_not_found=True, fallback=None).fallback
    with served(tmp_path, rules({}, fallback=True)) as client:
        assert told(client, "/users/7") == (200, "home")
        assert told(client, "/empty/") == (200, "home")
        assert told(client, "/users/john.doe", Accept="text/html,*/*") == (200, "home")
        assert told(client, "/assets/app.js") == (200, "code")
        assert told(client, "/assets/gone.js")[0] == 404
        assert client.post("/users/7").status_code in {404, 405}


def test_the_rules_of_a_site_are_heeded(tmp_path: Path) -> None:
    with served(tmp_path, rules({"_redirects": REDIRECTS})) as client:
        assert told(client, "/old") == (302, "/about")
        assert told(client, "/old/") == (302, "/about")
        assert told(client, "/blog/2020/a/b") == (301, "/news/a/b?y=2020")
        assert told(client, "/docs/guide") == (301, "/about")  # forced
        assert told(client, "/app/deep/link") == (200, "shell")
        assert told(client, "/app") == (200, "shell")
        assert told(client, "/gone") == (404, "about")
        assert told(client, "/away/x") == (301, "https://example.com/x")
        assert [told(client, path)[0] for path in ("/api/x", "/only", "/query")] == [404] * 3


def test_the_files_of_two_hosts_are_heeded(tmp_path: Path) -> None:
    with served(tmp_path / "vercel", rules({"vercel.json": json.dumps(VERCEL)})) as client:
        assert told(client, "/user/7") == (307, "/about?user=7")
        assert told(client, "/user/x") == (200, "home")
        assert told(client, "/list/a/b") == (308, "/docs/a/b")
        assert told(client, "/about") == (200, "about")
    with served(tmp_path / "netlify", rules({"netlify.toml": NETLIFY})) as client:
        assert told(client, "/home") == (301, "/")
        assert told(client, "/deep") == (200, "home")


@pytest.mark.parametrize(
    "text",
    [
        "/a/{env.HOME} /b",
        "/a /b/{file./etc/passwd}",
        "/a(.*)+$ /b",
        "/a //evil 200",
        "/a ftp://x",
        "x y",
        "/only-one",
        "/:a/:a /b",
        "/a /b 999",
        "\x00 /b",
    ],
)
def test_a_rule_that_is_none_is_left_out_and_nothing_else_is(tmp_path: Path, text: str) -> None:
    found = rules({"_redirects": f"{text}\n/fine /about 302\n"})
    assert [rule.target for rule in found.rules][-1] == "/about"
    with served(tmp_path, found) as client:
        assert told(client, "/fine") == (302, "/about")


def test_a_site_that_was_built_for_a_path_is_served_there_and_visitors_are_sent_there(tmp_path: Path) -> None:
    found = SiteRules(fallback=True, base="/shop", rules=rules({"_redirects": "/old /about 302\n"}).rules)
    assert SiteRules.load(found.dump()) == found
    with served(tmp_path, found) as client:
        assert told(client, "/") == told(client, "/shop") == (302, "/shop/")
        assert told(client, "/shop/") == (200, "home")
        assert told(client, "/shop/assets/app.js") == told(client, "/assets/app.js") == (200, "code")
        assert told(client, "/shop/docs") == (308, "/shop/docs/")
        assert told(client, "/shop/docs/guide") == (200, "guide")
        assert told(client, "/shop/users/7") == (200, "home")
        assert told(client, "/shop/old") == (302, "/about")
        hidden = ("/shop/.env", "/shop/%2eenv", "/shop/../.env", "/shop/..%2f.env", "/shop/assets/gone.js", "/shops.js")
        assert [told(client, path)[0] for path in hidden] == [404] * 6
        # Where the edge takes the path off, the page that is asked for is the one below it.
        assert told(client, "/", **{"X-Forwarded-Prefix": "/shop"}) == (200, "home")


def test_a_site_without_such_a_path_has_the_routes_that_it_had(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert site_routes(folder, SiteRules(base="/shop"))[2:] == site_routes(folder, SiteRules())
    assert SiteRules().dump() == {"fallback": False, "rules": ()}


@pytest.mark.parametrize(
    ("page", "files", "redirects", "base"),
    [
        ('<script type="module" src="/shop/assets/a.js"></script>', {"assets/a.js"}, "", "/shop"),
        ("<link rel=stylesheet href=/me/shop/css/a.css>", {"css/a.css"}, "", "/me/shop"),
        ('<script src="/shop/assets/a.js?v=1"></script>', {"assets/a.js"}, "/old /about", "/shop"),
        ('<script src="/assets/a.js"></script>', {"assets/a.js"}, "", ""),
        ('<script src="/shop/assets/a.js"></script>', {"shop/assets/a.js", "assets/a.js"}, "", ""),
        ('<script src="/shop/assets/a.js"></script>', set[str](), "", ""),
        ('<script src="https://cdn.example/shop/a.js"></script><script src="/a.js"></script>', {"a.js"}, "", ""),
        ('<script src="/shop/../a.js"></script>', {"a.js"}, "", ""),
        ('<script src="/shop/assets/a.js"></script>', {"assets/a.js"}, "/shop/* /:splat 200", ""),
        ('<script src="/shop/assets/a.js"></script>', {"assets/a.js"}, "/ /shop/ 301!", ""),
    ],
)
def test_the_path_that_a_site_was_built_for_is_seen_by_what_its_page_loads(
    page: str, files: set[str], redirects: str, base: str
) -> None:
    names = loaded(page)
    assert with_base(rules({"_redirects": redirects}), names, files & set(names)).base == base
