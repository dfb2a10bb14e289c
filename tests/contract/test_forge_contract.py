"""What every forge is asked, and how each tells what goes wrong: against servers on the loopback that were written
after the forges' documentation.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from headway.drivers.forges import client
from headway.drivers.forges.base import (
    CommitState,
    CommitStatus,
    ForgeApi,
    ForgeAway,
    ForgeConnection,
    ForgeName,
    ForgeRefused,
    OpenPull,
    PullComment,
    understood,
)
from headway.drivers.forges.registry import forge_apis
from headway.kernel.secret import Secret
from tests.support.forges.forge_apis import (
    APP_ID,
    INSTALLATION_ID,
    INSTALLATION_TOKEN,
    TOKEN,
    Facts,
    app_key,
    forge_api,
)

PATH = "team/app"
MARK = "<!-- the mark -->"
# How the forges' own words for a state begin.
WORDS = {
    CommitState.PENDING: ("pending", "inprogress"),
    CommitState.RUNNING: ("pending", "inprogress", "running"),
    CommitState.SUCCESS: ("success",),
    CommitState.FAILURE: ("fail",),
    CommitState.STOPPED: ("error", "canceled", "stopped"),
}


@dataclass(frozen=True)
class Asked:
    """A forge with a connection to one that is up."""

    forge: ForgeApi
    connection: ForgeConnection
    facts: Facts


@pytest.fixture(params=list(ForgeName))
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    name: ForgeName = request.param
    with forge_api(name) as api:
        connection = ForgeConnection(
            forge=name,
            provider_id="p",
            url="https://git.example",
            api_url=api.url,
            token=Secret(TOKEN),
            user="me@example.org" if name is ForgeName.BITBUCKET else "",
            group="team" if name is ForgeName.BITBUCKET else "",
        )
        yield Asked(forge_apis()[name], connection, api.facts)


async def test_lists_are_whole_however_many_pages_they_have(asked: Asked) -> None:
    found = await asked.forge.repositories(asked.connection)
    assert [each.path for each in found] == ["team/app", "team/other", "team/third"]
    assert {each.default_branch for each in found} == {"main"}
    branches = await asked.forge.branches(asked.connection, PATH)
    assert {each.name: each.commit_hash for each in branches} == asked.facts.branches


async def test_open_pull_requests_and_their_files_are_told(asked: Asked) -> None:
    asked.facts.pulls.update({7: "a" * 40, 8: "b" * 40, 9: "c" * 40})
    asked.facts.files += ["src/a.py", "docs/b.md", "c"]
    found = await asked.forge.open_pulls(asked.connection, PATH)
    assert found == [OpenPull(number=number, head=head) for number, head in asked.facts.pulls.items()]
    assert await asked.forge.whole_head(asked.connection, PATH, 8, "b" * 40) == "b" * 40
    assert list(await asked.forge.files_of_pull(asked.connection, PATH, 7)) == ["src/a.py", "docs/b.md", "c"]


@pytest.mark.parametrize("state", list(CommitState))
async def test_a_status_stands_beside_its_commit(asked: Asked, state: CommitState) -> None:
    status = CommitStatus(commit_hash="a" * 40, state=state, context="headway", description="d", link="https://x")
    await asked.forge.set_status(asked.connection, PATH, status)
    (told,) = asked.facts.statuses
    assert (told["commit"], told["context"], told["description"]) == ("a" * 40, "headway", "d")
    assert told["state"].lower().startswith(WORDS[state])


async def test_one_comment_is_kept_and_found_again_by_its_mark(asked: Asked) -> None:
    asked.facts.comments.update({1: "mine", 2: "yours", 3: "theirs"})

    async def say(known: str, word: str) -> str:
        comment = PullComment(number=7, mark=MARK, known=known, body=f"{MARK} {word}")
        return await asked.forge.comment(asked.connection, PATH, comment)

    made = await say("", "one")
    again = await say(made, "two")
    forgotten = await say("", "three")
    assert made == again == forgotten
    assert [each for each in asked.facts.comments.values() if MARK in each] == [f"{MARK} three"]
    del asked.facts.comments[int(made)]
    await say(made, "four")
    assert [each for each in asked.facts.comments.values() if MARK in each] == [f"{MARK} four"]
    assert list(asked.facts.comments.values())[:3] == ["mine", "yours", "theirs"]


def _limited() -> tuple[int, dict[str, str], bytes]:
    reset = str(int(time.time()) + 600)
    return 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, b'{"message":"rate limit exceeded"}'


@pytest.mark.parametrize(
    ("failing", "kind", "says"),
    [
        ((401, {}, b'{"message":"Bad credentials"}'), ForgeRefused, "does not accept the credentials"),
        ((403, {}, b'{"message":"Resource not accessible"}'), ForgeRefused, "does not allow this"),
        (_limited(), ForgeAway, "takes no more requests until"),
        ((429, {"retry-after": "30"}, b""), ForgeAway, "takes no more requests until"),
        ((404, {}, b'{"message":"Not Found"}'), ForgeRefused, "knows no such thing"),
        ((500, {}, b"<html>"), ForgeAway, "has an error of its own"),
        ((200, {}, b"<html>"), ForgeAway, "no JSON"),
        ((200, {}, b'{"surprise":[1]}'), ForgeAway, "another form"),
        ((302, {"location": "http://127.0.0.1:1/"}, b"{}"), ForgeRefused, "answered 302"),
    ],
)
async def test_what_goes_wrong_is_one_clear_sentence_without_the_token(
    asked: Asked, failing: tuple[int, dict[str, str], bytes], kind: type[Exception], says: str
) -> None:
    asked.facts.failing = failing
    with pytest.raises(kind) as raised:
        await understood(asked.connection.forge, asked.forge.branches(asked.connection, PATH))
    assert says in str(raised.value)
    assert TOKEN not in str(raised.value)


async def test_a_forge_that_repeats_the_token_does_not_make_it_known(asked: Asked) -> None:
    asked.facts.failing = (401, {}, b'{"message":"bad token ' + TOKEN.encode() + b'\\u001b[2J"}')
    with pytest.raises(ForgeRefused) as raised:
        await asked.forge.branches(asked.connection, PATH)
    assert "bad token ******" in str(raised.value)
    assert "\x1b" not in str(raised.value)


async def test_a_limit_says_until_when(asked: Asked) -> None:
    asked.facts.failing = _limited()
    with pytest.raises(ForgeAway) as raised:
        await asked.forge.branches(asked.connection, PATH)
    assert raised.value.retry_at is not None
    assert 500 < raised.value.retry_at.timestamp() - time.time() < 610


async def test_nobody_there_and_nobody_who_answers_are_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    away = replace(asked.connection, api_url="http://127.0.0.1:1")
    with pytest.raises(ForgeAway, match="does not answer"):
        await asked.forge.branches(away, PATH)
    monkeypatch.setattr(client, "_SECONDS", 0.2)
    asked.facts.silent = True
    with pytest.raises(ForgeAway, match="does not answer"):
        await asked.forge.branches(asked.connection, PATH)


async def test_the_rest_of_a_list_is_fetched_from_the_forge_alone(asked: Asked) -> None:
    there = "http://127.0.0.1:1/rest"
    body = b'{"values":[],"next":"' + there.encode() + b'"}' if asked.connection.forge == "bitbucket" else b"[]"
    asked.facts.failing = (200, {"link": f'<{there}>; rel="next"'}, body)
    with pytest.raises(ForgeRefused, match="another site"):
        await asked.forge.branches(asked.connection, PATH)


async def test_what_goes_deeper_than_anybody_reads_is_no_answer(asked: Asked) -> None:
    asked.facts.failing = (200, {}, b"[" * 100_000)
    with pytest.raises(ForgeAway, match="no JSON"):
        await asked.forge.branches(asked.connection, PATH)


async def test_the_parts_of_a_list_have_a_bound_each_and_together(asked: Asked) -> None:
    path = f"{asked.connection.api_url}/more"
    page = b"[" + b" " * 1_000_000 + b"]"
    if asked.connection.forge == "bitbucket":
        page = b'{"values":[],"next":"' + path.encode() + b'"' + b" " * 1_000_000 + b"}"
    asked.facts.failing = (200, {"link": f'<{path}>; rel="next"'}, page)
    with pytest.raises(ForgeAway, match="more than 20 MiB"):
        await asked.forge.branches(asked.connection, PATH)
    asked.facts.failing = (200, {}, b" " * (2 << 20) + b"[]")
    with pytest.raises(ForgeAway, match="longer than 2 MiB"):
        await asked.forge.branches(asked.connection, PATH)


async def test_a_long_answer_is_read_beside_the_loop(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def noted(content: bytes) -> object:
        threads.append(threading.current_thread().name)
        return json.loads(content)

    monkeypatch.setattr(client, "from_json", noted)
    asked.facts.failing = (500, {}, b'{"message": "no"}' + b" " * 100_000)
    with pytest.raises(ForgeAway):
        await asked.forge.branches(asked.connection, PATH)
    assert threads
    assert threading.main_thread().name not in threads


async def test_an_app_signs_who_it_is_and_gets_a_token_for_an_hour() -> None:
    with forge_api("github") as api:
        connection = _app_connection(api.url, app_key(api.facts))
        github = forge_apis()[ForgeName.GITHUB]
        login = await github.login(connection)
        assert (login.user.reveal(), login.password.reveal()) == ("x-access-token", f"{INSTALLATION_TOKEN}_1")
        assert len(await github.repositories(connection)) == 3
        assert api.facts.made_tokens == 1, "a token is used for as long as it is good"
        with pytest.raises(ForgeRefused, match="no such thing"):
            await github.login(replace(connection, installation_id="1"))


async def test_a_token_of_an_installation_is_for_the_provider_and_the_key_that_it_was_made_for() -> None:
    with forge_api("github") as api:
        first = _app_connection(api.url, app_key(api.facts))
        github = forge_apis()[ForgeName.GITHUB]
        token = (await github.login(first)).password.reveal()
        another_key = Secret(app_key(Facts()))
        for other in (
            replace(first, provider_id="q", private_key=another_key),
            replace(first, private_key=another_key),
        ):
            with pytest.raises(ForgeRefused):
                await github.login(other)
        assert (await github.login(replace(first, provider_id="q"))).password.reveal() != token
        assert (await github.login(first)).password.reveal() == token


def test_a_connection_shows_none_of_its_secrets() -> None:
    connection = ForgeConnection(forge=ForgeName.GITEA, provider_id="p", url="u", api_url="a", token=Secret(TOKEN))
    assert TOKEN not in repr(connection)
    assert ForgeConnection.load(connection.dump()) == connection


def _app_connection(api_url: str, private_key: str) -> ForgeConnection:
    return ForgeConnection(
        forge=ForgeName.GITHUB,
        provider_id="p",
        url="https://git.example",
        api_url=api_url,
        app_id=APP_ID,
        installation_id=INSTALLATION_ID,
        private_key=Secret(private_key),
    )
