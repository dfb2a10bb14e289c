"""The API of Gitea and Forgejo (docs.gitea.com, "API Usage"; the server's own /api/swagger), asked by a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from headway.drivers.forges.base import CommitStatus, ForgeConnection, GitLogin, Repository
from headway.drivers.forges.client import ForgeClient
from headway.drivers.forges.github_style import STATES, GitHubStyleApi, repository_of
from headway.kernel.secret import Secret


class GiteaApi(GitHubStyleApi):
    """Fits ``ForgeApi``."""

    page: ClassVar[Mapping[str, int]] = {"limit": 50}  # at most, unless its own setting says otherwise
    commit_word = "id"

    async def login(self, connection: ForgeConnection) -> GitLogin:
        return GitLogin(user=Secret(connection.user or "headway"), password=connection.token or Secret(""))

    async def repositories(self, connection: ForgeConnection) -> list[Repository]:
        client, group = await self.client(connection), connection.group
        path = f"orgs/{quote(group, safe='')}/repos" if group else "user/repos"
        return [repository_of(each) async for each in client.every(path, **self.page)]

    async def set_status(self, connection: ForgeConnection, path: str, status: CommitStatus) -> None:
        client = await self.client(connection)
        await client.send(
            "POST",
            f"repos/{quote(path)}/statuses/{status.commit_hash}",
            {
                "state": STATES[status.state],
                "context": status.context,
                "description": status.description,
                "target_url": status.link or "",
            },
        )

    async def client(self, connection: ForgeConnection) -> ForgeClient:
        token = connection.token.reveal() if connection.token else ""
        return ForgeClient(connection=connection, headers={"authorization": f"token {token}"})
