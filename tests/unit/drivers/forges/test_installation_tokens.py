"""Tokens of a GitHub app's installations: what is kept of them in memory, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headway.drivers.forges.base import ForgeConnection, ForgeName
from headway.drivers.forges.github.api import GitHubApi
from headway.kernel.secret import Secret
from tests.support.forges.forge_apis import APP_ID, INSTALLATION_ID, Api, app_key, forge_api

Kept = dict[tuple[str, str, str, str, str], tuple[Secret, datetime]]


def of_app(api: Api) -> ForgeConnection:
    return ForgeConnection(
        forge=ForgeName.GITHUB,
        provider_id="p",
        url="https://git.example",
        api_url=api.url,
        app_id=APP_ID,
        installation_id=INSTALLATION_ID,
        private_key=Secret(app_key(api.facts)),
    )


def kept(number: int, until: timedelta) -> Kept:
    """Tokens of so many other providers."""
    whose = [(f"p{each}", "https://api", "1", "1", "digest") for each in range(number)]
    return {each: (Secret("a token"), datetime.now(UTC) + until) for each in whose}


@pytest.mark.parametrize("by_app", [True, False])
async def test_a_token_that_is_spent_is_dropped_whosoever_is_asked_for_next(by_app: bool) -> None:  # noqa: FBT001
    with forge_api("github") as api:
        other = ForgeConnection(forge=ForgeName.GITHUB, provider_id="q", url="u", api_url="a", token=Secret("t"))
        github = GitHubApi(tokens=kept(3, timedelta(minutes=9)))
        await github.login(of_app(api) if by_app else other)
        assert [whose[0] for whose in github.tokens] == (["p"] if by_app else [])


async def test_so_many_tokens_are_kept_and_no_more() -> None:
    with forge_api("github") as api:
        github = GitHubApi(tokens=kept(1_000, timedelta(hours=1)))
        connection = of_app(api)
        first = await github.login(connection)
        assert len(github.tokens) == 1_000
        assert await github.login(connection) == first, "the newest is one of them"


async def test_a_forge_that_calls_its_token_good_for_ever_is_asked_again_within_the_hour() -> None:
    with forge_api("github") as api:
        connection = of_app(api)
        github = GitHubApi()
        until = b'{"token":"t","expires_at":"2999-01-01T00:00:00Z"}'
        api.facts.failing = (201, {}, until)
        await github.login(connection)
        assert [until <= datetime.now(UTC) + timedelta(hours=1) for _, until in github.tokens.values()] == [True]
