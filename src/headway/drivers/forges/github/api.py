"""GitHub's API (docs.github.com, "REST API"), asked by a token or as an app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from headway.drivers.forges.base import CommitStatus, ForgeConnection, GitLogin, Repository
from headway.drivers.forges.client import ForgeClient
from headway.drivers.forges.github.app import app_token
from headway.drivers.forges.github_style import STATES, GitHubStyleApi, repository_of
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

_VERSION: Mapping[str, str] = {"x-github-api-version": "2022-11-28", "accept": "application/vnd.github+json"}
_SPENT_EARLY = timedelta(minutes=10)
_LONGEST_LIFE = timedelta(hours=1)  # whatever a forge of somebody's own says
_MOST_TOKENS = 1_000
_LONGEST_DESCRIPTION = 140
_Whose = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class GitHubApi(GitHubStyleApi):
    """Fits ``ForgeApi``. ``tokens`` of installations are kept in memory for as long as they are good, each for the
    provider and the private key that it was signed for: whoever knows the two numbers alone has proven nothing.
    """

    page: ClassVar[Mapping[str, int]] = {"per_page": 100}
    commit_word = "sha"
    tokens: dict[_Whose, tuple[Secret, datetime]] = field(default_factory=dict, repr=False)

    async def login(self, connection: ForgeConnection) -> GitLogin:
        return GitLogin(user=Secret("x-access-token"), password=await self._token(connection))

    async def repositories(self, connection: ForgeConnection) -> list[Repository]:
        client = await self.client(connection)
        path, within = ("installation/repositories", "repositories") if connection.app_id else ("user/repos", None)
        return [repository_of(each) async for each in client.every(path, within, per_page=100)]

    async def set_status(self, connection: ForgeConnection, path: str, status: CommitStatus) -> None:
        client = await self.client(connection)
        await client.send(
            "POST",
            f"repos/{quote(path)}/statuses/{status.commit_hash}",
            {
                "state": STATES[status.state],
                "context": status.context,
                "description": status.description[:_LONGEST_DESCRIPTION],
                **({"target_url": status.link} if status.link else {}),
            },
        )

    async def client(self, connection: ForgeConnection) -> ForgeClient:
        return _with(connection, await self._token(connection))

    async def _token(self, connection: ForgeConnection) -> Secret:
        """The token that was given, or one of the app's installation, which is good for an hour."""
        self._forget_spent(datetime.now(UTC))
        if not connection.app_id:
            return connection.token or Secret("")
        key = _whose(connection)
        if (kept := self.tokens.get(key)) is not None:
            return kept[0]
        made = await _with(connection, app_token(connection)).send(
            "POST", f"app/installations/{quote(connection.installation_id, safe='')}/access_tokens", {}
        )
        token, until = Secret(str(made["token"])), datetime.fromisoformat(str(made["expires_at"]))
        self.tokens[key] = (token, min(until, datetime.now(UTC) + _LONGEST_LIFE))
        while len(self.tokens) > _MOST_TOKENS:
            del self.tokens[next(iter(self.tokens))]  # the oldest: it is asked for anew when it is needed
        return token

    def _forget_spent(self, now: datetime) -> None:
        """Drops every token that is good no longer, whosever it is: its provider may never be asked again."""
        for key in [key for key, (_, until) in self.tokens.items() if until - _SPENT_EARLY <= now]:
            del self.tokens[key]


def _whose(connection: ForgeConnection) -> _Whose:
    key = connection.private_key.reveal() if connection.private_key else ""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return (
        connection.provider_id,
        connection.api_url,
        connection.app_id,
        connection.installation_id,
        digest,
    )


def _with(connection: ForgeConnection, token: Secret) -> ForgeClient:
    return ForgeClient(connection=connection, headers={**_VERSION, "authorization": f"Bearer {token.reveal()}"})
