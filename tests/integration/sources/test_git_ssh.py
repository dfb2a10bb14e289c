"""Repositories over ssh: keys that leave no trace, and host keys that are remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.drivers.sources.base import SourceError
from headway.drivers.sources.git import UNDO_KEY, UNDOS
from headway.kernel.errors import InvalidInput
from tests.integration.sources.repositories import Repository, branch, owner_of, source_of
from tests.integration.sources.servers import SshServer, closed_port, make_key, serve_ssh, silent_port
from tests.integration.worksite import Worksite

pytestmark = pytest.mark.root


@pytest.fixture
def server(private: Path) -> Iterator[SshServer]:
    (private / "ssh").mkdir()
    with serve_ssh(private / "ssh") as opened:
        yield opened


def url_of(server: SshServer, repository: Repository) -> str:
    return f"ssh://root@127.0.0.1:{server.port}{repository.path}"


async def test_a_repository_with_a_key(site: Worksite, repository: Repository, server: SshServer) -> None:
    head = repository.git("rev-parse", "HEAD")
    # Pasted by a user: other line ends, and blanks around it.
    key = "\n " + server.key.replace("\n", "\r\n") + "  "
    source = source_of(site, url_of(server, repository), branch("main"), ssh_key=key, allow_file=False)
    assert (await source.fetch(site)).hash == head
    assert site.names == ["git-mapped", "git-init", "git-fetch", "git-commit"]
    assert f"[127.0.0.1]:{server.port}" in (site.folder / "git" / "known_hosts").read_text()


async def test_a_key_is_gone_after_its_use_and_its_undo_takes_it_away_as_well(
    site: Worksite, repository: Repository, server: SshServer
) -> None:
    await source_of(site, url_of(server, repository), branch("main"), ssh_key=server.key).fetch(site)
    keys = site.folder / "git" / "keys"
    assert list(keys.iterdir()) == []
    ((name, data),) = [each for each in site.undos if each[0] == UNDO_KEY]
    Path(data["path"]).write_text("as after a crash")
    await UNDOS[name](site.host, data)
    await UNDOS[name](site.host, data)
    assert list(keys.iterdir()) == []
    assert "release" not in UNDOS


async def test_a_panel_that_is_shut_down_leaves_the_key_to_the_fetch_that_lives_on(
    site: Worksite, server: SshServer
) -> None:
    with silent_port() as port:
        source = source_of(site, f"ssh://git@127.0.0.1:{port}/r", branch("main"), ssh_key=server.key)
        fetching = asyncio.create_task(source.fetch(site))
        await site.started("git-fetch")
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
    (key,) = (site.folder / "git" / "keys").iterdir()
    assert (owner_of(key), oct(key.stat().st_mode)) == (site.git, "0o100600")
    await UNDOS[site.undos[0][0]](site.host, site.undos[0][1])
    assert not key.exists()


async def test_a_key_that_the_host_does_not_know(site: Worksite, repository: Repository, server: SshServer) -> None:
    source = source_of(site, url_of(server, repository), branch("main"), ssh_key=server.strangers_key)
    with pytest.raises(SourceError, match="refuses the SSH key"):
        await source.fetch(site)
    assert list((site.folder / "git" / "keys").iterdir()) == []


async def test_no_key_is_offered_where_none_is_given(site: Worksite, repository: Repository, server: SshServer) -> None:
    with pytest.raises(SourceError, match="refuses the SSH key"):
        await source_of(site, url_of(server, repository), branch("main")).fetch(site)


async def test_a_key_with_a_passphrase(
    site: Worksite, repository: Repository, server: SshServer, private: Path
) -> None:
    key = make_key(private / "locked", passphrase="hunter2hunter2")
    with pytest.raises(InvalidInput, match="passphrase"):
        await source_of(site, url_of(server, repository), branch("main"), ssh_key=key).fetch(site)


async def test_a_key_that_is_cut_off(site: Worksite, repository: Repository, server: SshServer) -> None:
    head, *body, tail = server.key.splitlines()
    key = "\n".join((head, *body[:2], tail))
    with pytest.raises(SourceError, match="SSH key cannot be read"):
        await source_of(site, url_of(server, repository), branch("main"), ssh_key=key).fetch(site)


async def test_a_public_key_is_refused_before_anything_is_asked(site: Worksite, repository: Repository) -> None:
    with pytest.raises(InvalidInput, match="not a private key"):
        await source_of(site, "git@git.example:o/r", ssh_key="ssh-ed25519 AAAA me").fetch(site)
    assert site.names == []


async def test_a_host_key_that_changed(site: Worksite, repository: Repository, server: SshServer) -> None:
    source = source_of(site, url_of(server, repository), branch("main"), ssh_key=server.key)
    await source.fetch(site)
    server.change_host_key()
    await site.begin_again()
    with pytest.raises(SourceError, match=r"host key of 127\.0\.0\.1 has changed .*/known_hosts"):
        await source.fetch(site)


async def test_no_repository_there(site: Worksite, server: SshServer) -> None:
    url = f"ssh://root@127.0.0.1:{server.port}/srv/none.git"
    with pytest.raises(SourceError, match="There is no repository at ssh://"):
        await source_of(site, url, branch("main"), ssh_key=server.key).fetch(site)


async def test_an_unknown_branch(site: Worksite, repository: Repository, server: SshServer) -> None:
    source = source_of(site, url_of(server, repository), branch("nope"), ssh_key=server.key)
    with pytest.raises(SourceError, match=r"no branch 'nope' .* Its branches are: 'main'"):
        await source.fetch(site)


async def test_nobody_listens(site: Worksite, private: Path) -> None:
    key = make_key(private / "key")
    with closed_port() as port, pytest.raises(SourceError, match="does not take connections"):
        await source_of(site, f"ssh://git@127.0.0.1:{port}/r", branch("main"), ssh_key=key).fetch(site)


async def test_no_such_host(site: Worksite, private: Path) -> None:
    key = make_key(private / "key")
    with pytest.raises(SourceError, match="cannot be found by name"):
        await source_of(site, "git@nowhere.invalid:o/r", branch("main"), ssh_key=key).fetch(site)
