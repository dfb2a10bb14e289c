"""Bitbucket's API in the cloud (developer.atlassian.com, "The Bitbucket Cloud REST API"), asked by an API token, an app
password, or an access token of a workspace or repository.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from headway.drivers.forges.base import (
    Branch,
    CommitState,
    CommitStatus,
    ForgeConnection,
    ForgeRefused,
    GitLogin,
    OpenPull,
    PullComment,
    Repository,
)
from headway.drivers.forges.client import ForgeClient, Json
from headway.drivers.forges.one_comment import keep_one
from headway.drivers.forges.payload import texts
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

_STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "INPROGRESS",
    CommitState.RUNNING: "INPROGRESS",
    CommitState.SUCCESS: "SUCCESSFUL",
    CommitState.FAILURE: "FAILED",
    CommitState.STOPPED: "STOPPED",
}
_LONGEST_KEY = 40


@dataclass(frozen=True, slots=True)
class BitbucketApi:
    """Fits ``ForgeApi``."""

    async def login(self, connection: ForgeConnection) -> GitLogin:
        # A mail address is the user of an API token, which git is to name in another way.
        user = connection.user or "x-token-auth"
        shown = "x-bitbucket-api-token-auth" if "@" in user else user
        return GitLogin(user=Secret(shown), password=connection.token or Secret(""))

    async def repositories(self, connection: ForgeConnection) -> list[Repository]:
        if not connection.group:
            raise ForgeRefused("Name the Bitbucket workspace whose repositories are to be listed.")
        path = f"repositories/{quote(connection.group, safe='')}"
        listed = _client(connection).every(path, "values", pagelen=100)
        return [_repository(each, connection) async for each in listed]

    async def branches(self, connection: ForgeConnection, path: str) -> list[Branch]:
        listed = _client(connection).every(f"repositories/{quote(path)}/refs/branches", "values", pagelen=100)
        return [Branch(name=each["name"], commit_hash=each["target"]["hash"]) async for each in listed]

    async def open_pulls(self, connection: ForgeConnection, path: str) -> list[OpenPull]:
        place = f"repositories/{quote(path)}/pullrequests"
        listed = _client(connection).every(place, "values", state="OPEN", pagelen=50)
        return [OpenPull(number=each["id"], head=each["source"]["commit"]["hash"]) async for each in listed]

    async def whole_head(self, connection: ForgeConnection, path: str, number: int, head: str) -> str:
        # Of a commit its pull requests tell twelve digits; this list, which begins with the newest one, tells all.
        place = f"repositories/{quote(path)}/pullrequests/{number}/commits"
        async for each in _client(connection).every(place, "values", pagelen=10):
            found = str(each["hash"])
            if found.startswith(head):
                return found
            break
        raise ForgeRefused(f"The pull request {number} at Bitbucket has moved on from the commit {head}.")

    async def files_of_pull(self, connection: ForgeConnection, path: str, number: int) -> Sequence[str]:
        place = f"repositories/{quote(path)}/pullrequests/{number}/diffstat"
        listed = _client(connection).every(place, "values", pagelen=100)
        return texts(
            *[side["path"] async for each in listed for side in (each.get("new"), each.get("old")) if side],
        )

    async def set_status(self, connection: ForgeConnection, path: str, status: CommitStatus) -> None:
        await _client(connection).send(
            "POST",
            f"repositories/{quote(path)}/commit/{status.commit_hash}/statuses/build",
            {
                "key": _key(status.context),
                "name": status.context,
                "state": _STATES[status.state],
                "description": status.description,
                "url": status.link or connection.url,
            },
        )

    async def comment(self, connection: ForgeConnection, path: str, comment: PullComment) -> str:
        place, given = f"repositories/{quote(path)}/pullrequests/{comment.number}/comments", {"raw": comment.body}
        return await keep_one(
            _client(connection),
            comment,
            {"content": given},
            all_at=place,
            each_at=place,
            within="values",
            page={"pagelen": 100},
            text=lambda each: None if each.get("deleted") else (each.get("content") or {}).get("raw"),
        )


def _key(context: str) -> str:
    """What Bitbucket tells statuses apart by: of a long context the digest, for any part of it may be another's too."""
    return context if len(context) <= _LONGEST_KEY else hashlib.sha256(context.encode()).hexdigest()[:_LONGEST_KEY]


def _client(connection: ForgeConnection) -> ForgeClient:
    token = connection.token.reveal() if connection.token else ""
    if not connection.user:
        return ForgeClient(connection=connection, headers={"authorization": f"Bearer {token}"})
    basic = base64.b64encode(f"{connection.user}:{token}".encode()).decode()
    return ForgeClient(connection=connection, headers={"authorization": f"Basic {basic}"})


def _repository(value: Json, connection: ForgeConnection) -> Repository:
    path = value["full_name"]
    return Repository(
        repository_id=str(value["uuid"]),
        name=value["slug"],
        path=path,
        owner=path.partition("/")[0],
        url=f"{connection.url.rstrip('/')}/{path}.git",
        default_branch=(value.get("mainbranch") or {}).get("name"),
    )
