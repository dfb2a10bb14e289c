"""The copy of a Dockerfile that is built, and what BuildKit is told of its sources."""

from __future__ import annotations

import json
import re

import pytest

from headway.drivers.builders.recipe import Copy, Sources, copied, policy, with_proxies
from headway.infra.docker.cli import ImageBuild
from headway.infra.docker.dockerfiles import front_end_of
from headway.kernel.errors import InvalidInput

EVIL = "evil/frontend:1"
HEAD = "# escape=\\\n# Built by the front end of the engine itself.\n"


def build_of(**fields: object) -> ImageBuild:
    return ImageBuild(context="/w", tag="t", **fields)  # type: ignore[arg-type]


def copy_of(text: str, **fields: object) -> Copy:
    return copied(text, build_of(**fields))


@pytest.mark.parametrize(
    "text",
    [
        f"# syntax={EVIL}\nFROM x\n",
        f"#syntax={EVIL}",
        f"#  SyNtAx = {EVIL} --flag\r\nFROM x\n",
        f"// syntax={EVIL}\n",
        f"//syntax = {EVIL}\n",
        f"\ufeff# syntax={EVIL}\n",
        f"#!/usr/bin/env docker\n# syntax={EVIL}\n",
        f"# escape=`\n# syntax={EVIL}\n",
        f"# check=skip=all\n#\tsyntax={EVIL}\n",
        json.dumps({"syntax": EVIL}),
        "#!/x\n" + json.dumps({"FROM": "scratch", "syntax": EVIL}),
    ],
)
def test_a_front_end_is_seen_wherever_buildkit_sees_it_and_refused(text: str) -> None:
    assert front_end_of(text) == EVIL
    with pytest.raises(InvalidInput, match="wants to be built by the front end 'evil/frontend:1'"):
        copy_of(text)


@pytest.mark.parametrize(
    "name",
    [
        "docker.io/docker/dockerfile.evil:1",
        "127.0.0.1:5000/docker/dockerfile:1",
        "docker/dockerfiles",
        "dockerfile",
        "x",
    ],
)
def test_a_name_that_only_looks_like_dockers_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        copy_of(f"# syntax={name}\n")


@pytest.mark.parametrize(
    "text",
    [
        "FROM x\n# syntax=evil/x\n",
        "\n# syntax=evil/x\n",
        "# a comment\n# syntax=evil/x\n",
        '{"a": 1}',
        '["syntax"]',
        "",
    ],
)
def test_what_buildkit_does_not_take_for_one_is_none(text: str) -> None:
    assert front_end_of(text) is None
    assert front_end_of(copy_of(text).text) is None


@pytest.mark.parametrize("sign", ["# ", "// ", "\ufeff#", "#!/x\n# "])
def test_the_copy_names_none(sign: str) -> None:
    copy = copy_of(f"{sign}syntax=docker/dockerfile:1\nFROM x\n")
    assert copy.front_end == "docker/dockerfile:1"
    assert front_end_of(copy.text) is None
    assert copy.text.startswith(HEAD)


def test_the_sign_of_continuation_stays() -> None:
    assert copy_of("# syntax=docker/dockerfile\n# escape=`\nFROM x\n").text.startswith("# escape=`\n# Built")


def test_what_programs_would_act_on_gets_its_own_name_in_the_file_only() -> None:
    text = """\
ARG TZ
FROM x AS one
ARG FIRST=1 TZ=UTC \\
  # a comment
  DOCKER_HOST="a b"
RUN <<EOF
ARG TZ
EOF
ONBUILD ARG TZ
arg tz
"""
    copy = copy_of(text, arguments={"TZ": "Asia/Tokyo", "FIRST": "2", "DOCKER_HOST": "h", "PATH": "/evil"})
    assert copy.arguments == {
        "FIRST": "2",
        "HEADWAY_ARGUMENT_0": "Asia/Tokyo",
        "HEADWAY_ARGUMENT_1": "h",
        "HEADWAY_ARGUMENT_2": "/evil",
    }
    tz = "ARG HEADWAY_ARGUMENT_0\nARG TZ=${HEADWAY_ARGUMENT_0}\n"
    docker = "ARG HEADWAY_ARGUMENT_1\nARG DOCKER_HOST=${HEADWAY_ARGUMENT_1}\n"
    stays = "RUN <<EOF\nARG TZ\nEOF\nONBUILD ARG TZ\narg tz\n"
    assert copy.text == f"{HEAD}{tz}FROM x AS one\nARG FIRST=1\n{tz}{docker}{stays}"


def test_proxies_go_by_the_file_of_the_command_line() -> None:
    copy = copy_of("FROM x\n", arguments={"HTTPS_PROXY": "http://u:p@h", "no_proxy": "a"})
    assert copy.arguments == {}
    told = json.loads(with_proxies(b'{"auths": {"r": {}}}', copy.proxies))
    assert told == {"auths": {"r": {}}, "proxies": {"default": {"httpsProxy": "http://u:p@h", "noProxy": "a"}}}


@pytest.mark.parametrize(
    ("text", "stage", "made"),
    [
        ("FROM a AS one\nFROM b\nRUN x", None, "FROM a AS one\nFROM b\nRUN x\nLABELS"),
        ("FROM a AS one\nRUN y\nFROM b\n", "ONE", "FROM a AS one\nRUN y\nLABELS\nFROM b\n"),
        ("FROM a\nFROM b\n", "0", "FROM a\nLABELS\nFROM b\n"),
        ("FROM a\nRUN <<E\nFROM b\nE\n", None, "FROM a\nRUN <<E\nFROM b\nE\nLABELS\n"),
        ("FROM a\nRUN x \\", None, "FROM a\nRUN x \\"),
    ],
)
def test_labels_of_the_users_end_the_stage_that_is_built(text: str, stage: str | None, made: str) -> None:
    copy = copy_of(text, shown_labels={"a.b": "v"}, stage=stage)
    assert copy.text == HEAD + made.replace("LABELS", 'ARG HEADWAY_LABEL_0\nLABEL "a.b"=${HEADWAY_LABEL_0}')
    assert copy.arguments == {"HEADWAY_LABEL_0": "v"}


def allowed(sources: Sources, identifier: str) -> bool:
    """As BuildKit decides: of all rules that fit the last one counts."""
    verdict = True
    for rule in json.loads(policy(sources))["rules"]:
        assert rule["selector"]["match_type"] == "REGEX"
        if re.search(rule["selector"]["identifier"], identifier):
            verdict = rule["action"] == "ALLOW"
    return verdict


OWN = "headway-compose/shop/web:new"
RELEASE = "docker.io/headway-0123456789ab/shop:r-1"


@pytest.mark.parametrize(
    ("identifier", "verdict"),
    [
        ("local://context", True),
        ("docker-image://docker.io/library/nginx:latest", True),
        ("docker-image://registry.example.org:5000/x:1", True),
        ("docker-image://10.0.0.5:5000/x:1", True),
        ("docker-image://127.0.0.1:5001/x:1", True),
        ("docker-image://127.0.0.1:5000/x:1", False),
        ("docker-image://localhost:5000/x:1", False),
        ("docker-image://a.localhost/x:1", False),
        ("docker-image://0.0.0.0:80/x:1", False),
        ("docker-image://0x7f000001:80/x:1", False),
        ("docker-image://2130706433:80/x:1", False),
        ("docker-image://169.254.169.254/x:1", False),
        ("docker-image://[::1]:5000/x:1", False),
        (f"docker-image://{RELEASE}", False),
        (f"docker-image://docker.io/{OWN}", True),
        (f"docker-image://docker.io/{OWN}@sha256:{'a' * 64}", True),
        ("docker-image://docker.io/headway-compose/other/web:new", False),
        ("http://127.0.0.1/", False),
        ("https://example.org/", False),
        ("git://github.com/x/y.git", False),
        ("oci-layout://x/y:1", False),
        ("something-new://x", False),
    ],
)
def test_what_the_engine_may_fetch(identifier: str, *, verdict: bool) -> None:
    assert allowed(Sources(own=(OWN,), registries=("127.0.0.1:5001", "")), identifier) is verdict


def test_who_has_the_machine_may_fetch_from_it_but_no_release() -> None:
    assert allowed(Sources(anything=True), "http://127.0.0.1/")
    assert not allowed(Sources(anything=True), f"docker-image://{RELEASE}")
