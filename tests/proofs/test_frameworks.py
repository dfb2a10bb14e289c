"""Small applications of frameworks, as create tools and guides begin them, are right at the first try.

Their own page, a deep link, and what is not there; of a worker what it prints. Needs the registries of npm and PyPI;
one of them takes a minute or two:

    script/prove frameworks -k "next or nuxt or sanic"
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.support.panel.panel import Panel, git_repository, panel, until

pytestmark = pytest.mark.timeout(900)

FOLDER = Path(__file__).parents[1] / "cases" / "frameworks"
TABLE = [case for file in sorted(FOLDER.glob("*.yml")) for case in yaml.safe_load(file.read_text())]
BUILD_SECONDS = 800
# A program that could not write where it wanted to says so by one of these.
REFUSED = re.compile(r"EROFS|EACCES|EPERM|read-only file system")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    given = {name: os.environ[name] for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS") if name in os.environ}
    with panel(tmp_path_factory.mktemp("panel") / "data", **given) as started:
        started.client.timeout = httpx.Timeout(300)  # a deletion has a hundred thousand files of packages to remove
        yield started


@pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in TABLE])
def test_an_application_is_built_and_answers_at_the_first_try(
    running: Panel, tmp_path: Path, case: Mapping[str, Any]
) -> None:
    name = case["name"]
    files = {file: text for file, text in case["files"].items() if text is not None}
    application_id = running.application(git_repository(tmp_path / "repository", files), name)
    began = time.monotonic()
    try:
        running.done(running.deploy(application_id), BUILD_SECONDS)
        print(f"{name}: {time.monotonic() - began:.0f} s")
        if "printed" in case:
            _prints(running, application_id, case["printed"])
        for path, text in {**({"/": case["page"]} if "page" in case else {}), **case.get("deep", {})}.items():
            _shows(running, name, path, text)
        for path, status in case.get("absent", {}).items():
            assert running.visit(name, path).status_code == status, path
        if "fresh" in case:
            _is_made_again(running, name, case["fresh"])
        printed = running.get("application.readLogs", applicationId=application_id, tail=1000)
        assert not REFUSED.search(str(printed)), printed
    finally:
        running.post("application.delete", applicationId=application_id)


def _prints(running: Panel, application_id: str, text: str) -> None:
    def printed() -> bool:
        return text in str(running.get("application.readLogs", applicationId=application_id, tail=1000))

    until(printed, 20, what=f"{text!r} in the log")


def _shows(running: Panel, name: str, path: str, text: str) -> None:
    def shown() -> bool:
        answer = running.visit(name, path)
        if answer.is_redirect:  # a page in a folder is where the slash is
            answer = running.visit(name, urlsplit(answer.headers["location"]).path)
        return text in answer.text

    until(shown, 10, what=f"{text!r} at {path} of {name}")


def _is_made_again(running: Panel, name: str, path: str) -> None:
    """A page that is kept and made anew after a second is another one in the end."""
    first = running.visit(name, path).text
    until(lambda: running.visit(name, path).text != first, 20, what=f"{path} is made anew")
