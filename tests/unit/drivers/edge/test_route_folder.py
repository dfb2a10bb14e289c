"""One file among the routes that cannot be read keeps no other route from being read, nor from being moved."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_file import RECORD, render_route
from headway.kernel.artifacts import Route, Upstream, Way


def route(application_id: str) -> Route:
    ways = (Way(host=f"{application_id}.example"),)
    upstreams = (Upstream(port=4000),)
    return Route(
        application_id=application_id, app_name=application_id, release_id="r1", ways=ways, upstreams=upstreams
    )


def written(application_id: str) -> str:
    return render_route(route(application_id), secret="s", https=None)


OF_OTHER_TYPES = {"revision": "1", "route": {**asdict(route("bad")), "release_id": 7}}
KINDS: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_text(written("bad")[:200]),
    "empty": lambda path: path.write_text(""),
    "a template": lambda path: path.write_text('{{ env "PATH" }}'),
    "no text": lambda path: path.write_bytes(b"# headway \xff\xfe"),
    "of other types": lambda path: path.write_text(f"{RECORD}{json.dumps(OF_OTHER_TYPES)}\n{{}}"),
    "without an end": lambda path: path.write_text(f"{RECORD}{'[' * 100_000}"),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "another's": lambda path: path.write_text(written("well")),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_route_is_set_aside_and_told_once_and_all_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    routes = tmp_path / "routes"
    routes.mkdir()
    (routes / "well.yml").write_text(written("well"))
    KINDS[kind](routes / "bad.yml")
    edge = Edge(tmp_path, host="127.0.0.1", port=9)
    for _ in range(2):
        assert await edge.routes() == {"well": route("well")}
        assert await edge.route("bad") is None
    assert sorted(each.name for each in routes.iterdir()) == ["well.yml"], "it would keep Traefik from all others"
    assert (tmp_path / "bad.yml.bad").exists() or (tmp_path / "bad.yml.bad").is_symlink()
    assert caplog.text.count("cannot be read and was set aside") == 1


async def test_a_panel_that_has_too_much_open_takes_no_file_for_damaged(tmp_path: Path) -> None:
    routes = tmp_path / "routes"
    routes.mkdir()
    (routes / "well.yml").write_text(written("well"))
    edge = Edge(tmp_path, host="127.0.0.1", port=9)
    assert await edge.route("well") == route("well")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            await edge.route("well")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert await edge.routes() == {"well": route("well")}
