"""What a compose file has built, as builds of BuildKit's."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.compose_builds import Built, builds_of
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

Json = Any


def service(name: str, build: Json = None, **fields: Json) -> dict[str, Json]:
    made = {"image": f"headway-compose/shop/{name}:new", "labels": {"headway.image": f"team/{name}"}, **fields}
    return made if build is None else {**made, "build": {"context": f"/w/{name}", "dockerfile": "Dockerfile", **build}}


def builds(secrets: Json = None, variables: Json = None, **services: Json) -> list[Built]:
    return builds_of({"services": services, "secrets": secrets or {}}, variables or {})


def test_each_is_built_after_those_that_it_needs_and_may_begin_with_their_images() -> None:
    found = builds(
        api=service("api", {"additional_contexts": {"x": "service:web", "y": "/w/y"}}),
        db=service("db"),
        web=service("web", {}, depends_on={"work": {"condition": "service_started"}}),
        work=service("work", {}, depends_on={"db": {}}),
    )
    assert [each.services for each in found] == [("work",), ("web",), ("api",)]
    image = "docker-image://headway-compose/shop"
    assert found[2].build.contexts == {
        "team/work": f"{image}/work:new",
        "team/web": f"{image}/web:new",
        "x": f"{image}/web:new",
        "y": "/w/y",
    }


def test_services_that_ask_for_the_same_share_one_build() -> None:
    same = {"context": "/w/app", "args": {"A": "1"}}
    (first, other) = builds(a=service("a", same), b=service("b", same), c=service("c", same, platform="linux/arm64"))
    assert (first.services, first.build.tag) == (("a", "b"), "headway-compose/shop/a:new")
    assert first.build.options == ("--tag=headway-compose/shop/b:new",)
    assert (other.services, other.build.options) == (("c",), ("--platform=linux/arm64",))


def test_every_key_of_a_build_becomes_what_the_command_line_calls_it() -> None:
    build = {
        "args": {"A": "$$1", "UNSET": None},
        "cache_from": ["x/y:z"],
        "dockerfile": "sub/Dockerfile",
        "extra_hosts": ["a=192.0.2.1"],
        "labels": {"l": "$$"},
        "network": "none",
        "no_cache": True,
        "platforms": ["linux/arm64"],
        "pull": True,
        "secrets": [{"source": "f", "target": "t"}, {"source": "v"}, {"source": "c"}],
        "shm_size": "67108864",
        "target": "last",
        "ulimits": {"nofile": 100, "nproc": {"soft": 1, "hard": 2}},
    }
    secrets = {"f": {"file": "/w/f"}, "v": {"environment": "V"}, "c": {"content": "kept"}}
    (found,) = builds(secrets=secrets, variables={"V": "value"}, web=service("web", build))
    made = found.build
    assert (made.context, made.dockerfile, made.stage) == ("/w/web", "/w/web/sub/Dockerfile", "last")
    assert (made.arguments, made.labels, made.shown_labels) == ({"A": "$1"}, {}, {"l": "$"})
    assert (made.secret_files, made.secrets) == ({"t": "/w/f"}, {"v": Secret("value"), "c": Secret("kept")})
    assert made.options == (
        *("--no-cache", "--pull", "--network=none", "--shm-size=67108864", "--platform=linux/arm64"),
        *("--cache-from=x/y:z", "--add-host=a=192.0.2.1", "--ulimit=nofile=100:100", "--ulimit=nproc=1:2"),
    )


def test_a_dockerfile_in_the_file_is_handed_over_with_its_signs() -> None:
    (found,) = builds(web=service("web", {"dockerfile_inline": "FROM x\nRUN echo $$HOME"}))
    assert (found.build.dockerfile, found.build.dockerfile_text) == (None, "FROM x\nRUN echo $HOME")


def test_of_several_platforms_it_is_built_for_its_machine() -> None:
    (found,) = builds(web=service("web", {"platforms": ["linux/amd64", "linux/arm64"]}))
    assert found.build.options == ()


@pytest.mark.parametrize(
    ("contexts", "words"),
    [
        ({"x": "service:web"}, "in a circle"),
        ({"x": "service:gone"}, "gone, which is no service"),
        ({"x=/etc": "/w/y"}, "'=' in its name"),
    ],
)
def test_what_cannot_be_built_is_refused(contexts: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        builds(web=service("web", {"additional_contexts": contexts}))


def test_the_images_whose_caches_are_asked_for_are_told_in_either_form() -> None:
    caches = ["x/y:z", "type=registry,ref=127.0.0.1:5000/c"]
    (found,) = builds(web=service("web", {"cache_from": caches}))
    assert found.caches_from == ("x/y:z", "127.0.0.1:5000/c")
