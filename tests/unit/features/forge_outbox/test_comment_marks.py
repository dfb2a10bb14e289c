"""The one comment on a pull request is ours: nobody can write it before us, and what others have written stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headway.features.previews import store
from headway.features.previews.model import Preview
from tests.support.forges.forge_apis import Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services, tell_all

OLD_MARK = "<!-- headway: previews of 7 -->"


@dataclass(frozen=True)
class Told:
    """Previews, and a forge that is told of them."""

    made: ProvidedServices
    api: Api

    @property
    def comments(self) -> dict[int, str]:
        return self.api.facts.comments

    async def preview(self, name: str = "web", number: int = 7, comment_id: str | None = None) -> Preview:
        """One that the forge is told of."""
        preview = await self.made.preview(await self.made.add(name), number, comment_id=comment_id)
        await tell_all(self.made.reports())
        return preview

    async def again(self, preview: Preview, **fields: object) -> None:
        """The preview has changed, and the forge is told of that."""
        changed = {"head": "b" * 40, **fields}
        await self.made.db.run(lambda tx: store.set_fields(tx, preview.preview_id, **changed))
        await tell_all(self.made.reports())

    def mark(self, comment_id: int) -> str:
        """What a comment is found again by."""
        (found,) = re.findall(r"<!--.*?-->", self.comments[comment_id])
        return str(found)


@pytest.fixture
def told(sqlite_database_url: str) -> Iterator[Told]:
    with forge_api("github") as api, provided_services(sqlite_database_url, api) as made:
        yield Told(made, api)


async def test_whoever_has_guessed_a_mark_and_was_first_is_not_followed(told: Told) -> None:
    theirs = f"{OLD_MARK} a word of mine"
    told.comments[1] = theirs
    await told.preview()
    assert told.comments.pop(1) == theirs
    assert [each.count("| web |") for each in told.comments.values()] == [1]


async def test_a_mark_tells_nothing_of_that_of_the_next_pull_request(told: Told) -> None:
    previews = [await told.preview(number=7), await told.preview("shop", 8)]
    marks = [told.mark(int((await found(told.made, each)).comment_id or 0)) for each in previews]
    secrets = [re.fullmatch(r"<!-- headway: previews of \d, ([0-9a-f]{32}) -->", each) for each in marks]
    assert len({each and each[1] for each in secrets}) == 2
    assert None not in secrets


async def test_a_comment_of_before_the_upgrade_is_known_by_its_id_and_stays_the_one(told: Told) -> None:
    told.comments[5] = f"{OLD_MARK} as it was told before"
    preview = await told.preview(comment_id="5")
    assert list(told.comments) == [5]
    assert told.mark(5) != OLD_MARK
    await told.preview("shop")
    assert list(told.comments) == [5], "what one preview of the pull request knows, all of them do"
    assert "| web |" in told.comments[5]
    assert "| shop |" in told.comments[5]
    assert preview.comment_id == "5"


async def test_one_whose_id_was_lost_is_found_by_its_mark(told: Told) -> None:
    preview = await told.preview()
    await told.again(preview, comment_id=None)
    assert len(told.comments) == 1
    assert "`bbbbbbbbbbbb`" in next(iter(told.comments.values()))


async def test_who_writes_the_mark_after_us_is_not_followed_when_ours_is_removed(told: Told) -> None:
    preview = await told.preview()
    ((ours, body),) = told.comments.items()
    told.comments[ours + 1] = body
    del told.comments[ours]
    await told.again(preview)
    assert told.comments[ours + 1] == body
    assert len(told.comments) == 2
    assert (await found(told.made, preview)).comment_id == str(ours + 2)


async def found(made: ProvidedServices, preview: Preview) -> Preview:
    return await made.db.read(lambda tx: store.find(tx, preview.preview_id))
