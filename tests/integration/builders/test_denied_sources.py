"""Whether a build was not let fetch something: known to every panel of the run, and of that build alone."""

from __future__ import annotations

from headway.drivers.builders.recipe import Sources, let_fetch, was_denied
from headway.infra.docker.cli import DENIED
from headway.infra.hosts.command import Command, Stage
from tests.integration.worksite import Worksite


async def test_it_is_known_when_the_file_that_told_it_is_gone(site: Worksite) -> None:
    folder = f"{site.folder}/configuration"
    await site.host.make_folder(folder)
    denied = _failing(f"touch {folder}/{DENIED}")
    assert await was_denied(site, "build", denied, folder)
    await site.host.remove_tree(folder)  # as at the end of the build that was let fetch it
    assert await was_denied(site, "build", denied, folder), "the next panel asks again"


async def test_the_next_build_is_judged_by_what_it_met_itself(site: Worksite) -> None:
    folder, noted = f"{site.folder}/configuration", list[str]()
    await site.host.make_folder(folder)

    async def note() -> None:
        noted.append("fetches")

    assert await was_denied(site, "build web", _failing(f"touch {folder}/{DENIED}"), folder)
    await let_fetch(site, Sources(), folder, note, owner=None)
    assert not await was_denied(site, "build worker", _failing("true"), folder)
    assert noted == ["fetches"]


def _failing(words: str) -> Command:
    return Command(stages=(Stage(argv=("sh", "-c", f"{words}; exit 1")),))
