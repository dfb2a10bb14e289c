"""Bitbucket in the cloud (developer.atlassian.com, "The Bitbucket Cloud REST API"): by an API token, an app password,
or an access token of a workspace or repository.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from headway.drivers.forges.base import (
    Branch,
    CommitState,
    CommitStatus,
    Connection,
    ForgeRefused,
    Login,
    NotThere,
    OpenPull,
    Repository,
)
from headway.drivers.forges.client import ForgeClient, Json
from headway.drivers.forges.one_comment import keep_one
from headway.kernel.secret import Secret

_WRITERS = frozenset({"admin", "write"})
_STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "INPROGRESS",
    CommitState.RUNNING: "INPROGRESS",
    CommitState.SUCCESS: "SUCCESSFUL",
    CommitState.FAILURE: "FAILED",
}
_LONGEST_KEY = 40


@dataclass(frozen=True, slots=True)
class Bitbucket:
    """Fits ``base.Forge``."""

    async def login(self, connection: Connection) -> Login:
        # A mail address is the user of an API token, which git is to name in another way.
        user = connection.user or "x-token-auth"
        shown = "x-bitbucket-api-token-auth" if "@" in user else user
        return Login(user=Secret(shown), password=connection.token or Secret(""))

    def clone_url(self, connection: Connection, path: str) -> str:
        return f"{connection.url.rstrip('/')}/{quote(path)}.git"

    async def repositories(self, connection: Connection) -> list[Repository]:
        if not connection.group:
            raise ForgeRefused("Name the Bitbucket workspace whose repositories are to be listed.")
        found = list[Repository]()
        async for page in _asking(connection).pages(f"repositories/{quote(connection.group, safe='')}", pagelen=100):
            found += [_repository(each, connection) for each in page["values"]]
        return found

    async def branches(self, connection: Connection, path: str) -> list[Branch]:
        found = []
        async for page in _asking(connection).pages(f"repositories/{quote(path)}/refs/branches", pagelen=100):
            found += [Branch(name=each["name"], commit_hash=each["target"]["hash"]) for each in page["values"]]
        return found

    async def open_pulls(self, connection: Connection, path: str) -> list[OpenPull]:
        found = []
        pages = _asking(connection).pages(f"repositories/{quote(path)}/pullrequests", state="OPEN", pagelen=50)
        async for page in pages:
            found += [OpenPull(number=each["id"], head=each["source"]["commit"]["hash"]) for each in page["values"]]
        return found

    async def files_of_pull(self, connection: Connection, path: str, number: int) -> Sequence[str]:
        found = list[str]()
        pages = _asking(connection).pages(f"repositories/{quote(path)}/pullrequests/{number}/diffstat", pagelen=100)
        async for page in pages:
            found += [side["path"] for each in page["values"] for side in (each.get("new"), each.get("old")) if side]
        return tuple(dict.fromkeys(found))

    async def may_write(self, connection: Connection, path: str, user: str) -> bool:
        workspace, _, slug = path.partition("/")
        listed = f"workspaces/{quote(workspace, safe='')}/permissions/repositories/{quote(slug, safe='')}"
        try:
            async for page in _asking(connection).pages(listed, pagelen=100):
                for each in page["values"]:
                    if user in {each["user"].get(name) for name in ("nickname", "account_id", "uuid")}:
                        return each.get("permission") in _WRITERS
        except NotThere:
            return False
        return False

    async def set_status(self, connection: Connection, path: str, status: CommitStatus) -> None:
        await _asking(connection).post(
            f"repositories/{quote(path)}/commit/{status.commit_hash}/statuses/build",
            {
                "key": status.context[-_LONGEST_KEY:],
                "name": status.context,
                "state": _STATES[status.state],
                "description": status.description,
                "url": status.link or connection.url,
            },
        )

    async def comment(self, connection: Connection, path: str, number: int, *, mark: str, known: str, body: str) -> str:
        asking, given = _asking(connection), {"content": {"raw": body}}
        place = f"repositories/{quote(path)}/pullrequests/{number}/comments"

        async def comments() -> AsyncIterator[tuple[str, str]]:
            async for page in asking.pages(place, pagelen=100):
                for each in page["values"]:
                    if not each.get("deleted"):
                        yield str(each["id"]), str((each.get("content") or {}).get("raw") or "")

        return await keep_one(
            known=known,
            mark=mark,
            comments=comments,
            change=lambda comment_id: asking.put(f"{place}/{comment_id}", given),
            make=lambda: asking.post(place, given),
        )


def _asking(connection: Connection) -> ForgeClient:
    token = connection.token.reveal() if connection.token else ""
    if not connection.user:
        return ForgeClient(connection=connection, headers={"authorization": f"Bearer {token}"})
    basic = base64.b64encode(f"{connection.user}:{token}".encode()).decode()
    return ForgeClient(connection=connection, headers={"authorization": f"Basic {basic}"})


def _repository(value: Json, connection: Connection) -> Repository:
    path = value["full_name"]
    return Repository(
        repository_id=str(value["uuid"]),
        name=value["slug"],
        path=path,
        owner=path.partition("/")[0],
        url=f"{connection.url.rstrip('/')}/{path}.git",
        default_branch=(value.get("mainbranch") or {}).get("name"),
    )
