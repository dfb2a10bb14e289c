"""Repositories over http: tokens that stay secret, refusals in words, and no prompt that anybody waits at."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from headway.drivers.sources.base import SourceError
from headway.infra.hosts.base import Cause, StopMode
from tests.integration.sources.repositories import Repository, branch, commit, release_folder, source_of, tree
from tests.integration.sources.servers import closed_port, serve_files, serve_http, silent_port
from tests.integration.worksite import CommandFailed, Worksite

TOKEN = "tok-3n-with-@-and-'quotes\""


def quoted_token() -> str:
    return "tok-3n-with-%40-and-%27quotes%22"


async def test_a_public_repository(site: Worksite, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    with serve_http(repository.path.parent) as server:
        source = source_of(site, f"{server.url}/app/.git", branch("main"), allow_file=False)
        fetched = await source.fetch(site)
    assert (fetched.hash, fetched.subject) == (head, "First")
    assert site.names == ["git-init", "git-fetch", "git-commit"]
    workspace = await source.check_out(site, fetched, release_folder(site))
    assert tree(workspace.root)["app.py"] == "print(1)\n"


async def test_the_default_branch_and_a_commit(site: Worksite, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.commit("Second", {"x": "1"})
    with serve_http(repository.path.parent) as server:
        url = f"{server.url}/app/.git"
        assert (await source_of(site, url).fetch(site)).subject == "Second"
        await site.begin_again()
        assert (await source_of(site, url, commit(head)).fetch(site)).subject == "First"


async def test_a_private_repository_with_a_token(site: Worksite, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    with serve_http(repository.path.parent, login=f"me:{TOKEN}") as server:
        url = f"http://me:{quoted_token()}@127.0.0.1:{server.port}/app/.git"
        source = source_of(site, url, branch("main"))
        assert (await source.fetch(site)).hash == head
    _expect_no_trace(site, await site.log(), TOKEN)
    assert f"Fetched main of {server.url}/app/.git" in site.said


async def test_a_token_in_the_place_of_the_user(site: Worksite, repository: Repository) -> None:
    with serve_http(repository.path.parent, login="only-a-token:") as server:
        url = f"http://only-a-token@127.0.0.1:{server.port}/app/.git"
        assert (await source_of(site, url, branch("main")).fetch(site)).subject == "First"


async def test_a_repository_that_asks_for_a_password_is_not_waited_for(site: Worksite, repository: Repository) -> None:
    with (
        serve_http(repository.path.parent, login="me:x") as server,
        pytest.raises(SourceError, match=r"asks for a password.*token.*SSH key"),
    ):
        await source_of(site, f"{server.url}/app/.git", branch("main")).fetch(site)


async def test_a_wrong_token(site: Worksite, repository: Repository) -> None:
    with serve_http(repository.path.parent, login="me:right") as server:
        url = f"http://me:hunter2hunter2@127.0.0.1:{server.port}/app/.git"
        with pytest.raises(SourceError, match="refuses the user name and token") as raised:
            await source_of(site, url, branch("main")).fetch(site)
    assert "hunter2" not in raised.value.message
    _expect_no_trace(site, await site.log(), "hunter2hunter2")


async def test_a_redirect_to_another_site_does_not_get_the_token(site: Worksite, repository: Repository) -> None:
    with (
        serve_http(repository.path.parent, login="anybody:anything") as elsewhere,
        serve_http(repository.path.parent, login="me:hunter2hunter2", redirect=elsewhere.url) as server,
    ):
        url = f"http://me:hunter2hunter2@127.0.0.1:{server.port}/app/.git"
        with pytest.raises(SourceError):
            await source_of(site, url, branch("main")).fetch(site)
    assert elsewhere.asked
    assert {header for _, header in elsewhere.asked} == {""}


async def test_a_redirect_is_followed(site: Worksite, repository: Repository) -> None:
    with serve_http(repository.path.parent) as there, serve_http(repository.path.parent, redirect=there.url) as server:
        source = source_of(site, f"{server.url}/app/.git", branch("main"))
        assert (await source.fetch(site)).subject == "First"


async def test_no_repository_there(site: Worksite, repository: Repository) -> None:
    with (
        serve_http(repository.path.parent) as server,
        pytest.raises(SourceError, match=r"There is no repository at http://127.*/none\.git"),
    ):
        await source_of(site, f"{server.url}/none.git", branch("main")).fetch(site)


@pytest.mark.parametrize("name", ["timeout", "connection-refused", "not-found", "nope"])
async def test_an_unknown_branch_whatever_its_name(site: Worksite, repository: Repository, name: str) -> None:
    with (
        serve_http(repository.path.parent) as server,
        pytest.raises(SourceError, match=f"There is no branch '{name}' in .* Its branches are: 'main'"),
    ):
        await source_of(site, f"{server.url}/app/.git", branch(name)).fetch(site)


async def test_an_empty_repository(site: Worksite, private: Path) -> None:
    Repository(private / "empty")
    with serve_http(private) as server:
        for ref in (None, branch("main")):
            with pytest.raises(SourceError, match="is empty"):
                await source_of(site, f"{server.url}/empty/.git", ref).fetch(site)
            await site.begin_again()


async def test_nobody_listens(site: Worksite) -> None:
    with closed_port() as port, pytest.raises(SourceError, match="does not take connections"):
        await source_of(site, f"http://127.0.0.1:{port}/r.git", branch("main")).fetch(site)


@pytest.mark.parametrize("scheme", ["http", "git"])
async def test_a_server_that_never_answers_is_given_up_at_the_deadline(site: Worksite, scheme: str) -> None:
    with silent_port() as port, pytest.raises(CommandFailed) as raised:
        await source_of(site, f"{scheme}://127.0.0.1:{port}/r.git", branch("main"), step_seconds=0.5).fetch(site)
    assert raised.value.ended.cause is Cause.STEP_TIMEOUT


async def test_a_kill_ends_a_fetch_as_what_it_is(site: Worksite) -> None:
    with silent_port() as port:
        source = source_of(site, f"http://127.0.0.1:{port}/r.git", branch("main"))
        fetching = asyncio.create_task(source.fetch(site))
        await site.started("git-fetch")
        await (await site.anchor()).stop(StopMode.KILL)
        with pytest.raises(CommandFailed) as raised:
            await fetching
    assert raised.value.ended.cause is Cause.KILLED


async def test_no_such_host(site: Worksite) -> None:
    with pytest.raises(SourceError, match="cannot be found by name"):
        await source_of(site, "https://nowhere.invalid/r.git", branch("main")).fetch(site)


async def test_a_dumb_server_is_fetched_from_in_full(site: Worksite, repository: Repository) -> None:
    """Plain files behind http, as `git update-server-info` prepares them."""
    repository.git("update-server-info")
    head = repository.git("rev-parse", "HEAD")
    with serve_files(repository.path) as url:
        assert (await source_of(site, f"{url}/.git", branch("main")).fetch(site)).hash == head


def _expect_no_trace(site: Worksite, log: str, secret: str) -> None:
    """Neither an argument nor the log nor a file of ours holds the secret."""
    forms = (secret, base64.b64encode(f"me:{secret}".encode()).decode())
    for command in site.commands:
        for stage in command.stages:
            assert not any(form in word for form in forms for word in stage.argv)
    for path in site.folder.rglob("*"):
        if path.is_file() and path.stat().st_size < 1 << 20:
            data = path.read_bytes()
            assert not any(form.encode() in data for form in forms), path
    assert not any(form in log for form in forms)
