"""Text from outside is text on every page, part and form, wherever it comes from; `script/prove dashboard_matrix` shows
it in a browser, with each text by itself.
"""

from __future__ import annotations

from collections.abc import Collection

import httpx
import pytest
from sqlalchemy import Text

from headway.infra.db.tables import metadata
from headway.operations import all_pages
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, browser, form_token_of, link_for, signed_in
from tests.integration.web.outside import FREE, OURS, PAYLOADS, asked_with, filled
from tests.integration.web.shown import wrongs
from tests.support.panel.today import today, turn

_TOGETHER = ("event attributes", "a script", "template syntax", "right to left", "terminal escapes", "quotes")
_MARKUP = "<img src=x onerror=alert(1)>"
TEXTS = {
    "all together": "".join(PAYLOADS[each][:60] for each in _TOGETHER),
    "a link that is a script": PAYLOADS["a link that is a script"] + _MARKUP,
    "10,000 characters": _MARKUP + PAYLOADS["10,000 characters"],
}
DAYS = 8  # in which forms are met, with each text in 24; `script/prove dashboard_matrix` meets all in a browser
OK = 200
ANSWERED = {200, 400, 404, 409}  # of forms some are for another kind of thing, or have nothing to do now


def test_each_column_says_whose_words_it_holds() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Text)
    }
    free = {f"{table}.{column}" for table, columns in FREE.items() for column in columns}
    assert found - free - OURS.keys() == set()
    assert free & OURS.keys() == set()
    assert OURS.keys() - found == set()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_text_is_text_wherever_it_is_shown(world: World) -> None:
    """One of the texts each day, on every page and part; on those forms, pages of other kinds of service and pages that
    are looked through with it that have their turn.
    """
    (what,) = turn(TEXTS, len(TEXTS))
    text, wrong = TEXTS[what], dict[str, list[str]]()
    wrong |= {"before a session": found} if (found := await _before_a_session(world, text)) else {}
    async with signed_in(world) as client:
        full = await filled(world, client, text)
        assert full.taken > 100
        addresses = {**full.addresses(), **full.named_by(text)}
        pages = {name for name in addresses if name in all_pages() or name.partition("/-/")[0] in all_pages()}
        turns = set(turn(addresses, DAYS))
        names = sorted(pages | turns)
        print(f"{today()}: {what}, taken by {full.taken} fields; {len(names)} of {len(addresses)} addresses")
        for name in names:
            answer = await client.get(addresses[name])
            wrong |= {name: found} if (found := _wrongs(answer, {OK} if name in pages else ANSWERED)) else {}
            if name in turns & all_pages().keys():
                asked = await client.get(f"{addresses[name]}?{asked_with(text)}")
                wrong |= {f"{name}, looked through": found} if (found := _wrongs(asked, ANSWERED)) else {}
    assert len(names) > 2 * len(all_pages())
    assert wrong == {}


def _wrongs(answer: httpx.Response, expected: Collection[int]) -> list[str]:
    status = answer.status_code
    return sorted({*wrongs(answer.content), *([] if status in expected else [f"status {status}"])})


async def _before_a_session(world: World, text: str) -> list[str]:
    """What is wrong with the answers to whoever types it into what everybody can open."""
    typed = {"name": text, "password": text, "code": text, "next": text}
    async with browser(world) as client, signed_in(world, "member") as member:
        typed["form_token"] = await form_token_of(member)
        answers = [
            await client.get("/sign-in", params={"next": text}),
            await client.post("/sign-in", data=typed, headers=OWN),
            await client.post("/sign-in/code", data=typed, headers=OWN),
            await client.post(await link_for(world, "stranger"), data={**typed, "password": "x"}, headers=OWN),
            await member.post("/theme", data={**typed, "theme": text}, headers=OWN),
            await member.get("/nothing", params={"next": text}),
        ]
    return [each for answer in answers for each in wrongs(answer.content)]
