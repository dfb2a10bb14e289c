"""Gitea and Forgejo (docs.gitea.com, "API Usage"; the server's own /api/swagger), by a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from headway.drivers.forges.base import (
    Branch,
    CommitState,
    CommitStatus,
    Connection,
    Login,
    NotThere,
    OpenPull,
    Repository,
)
from headway.drivers.forges.client import ForgeClient, Json
from headway.drivers.forges.one_comment import keep_issue_comment
from headway.kernel.secret import Secret

_WRITERS = frozenset({"owner", "admin", "write"})
_STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "pending",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
}
_PAGE = 50  # what it gives at most, unless its own setting says otherwise


@dataclass(frozen=True, slots=True)
class Gitea:
    """Fits ``base.Forge``."""

    async def login(self, connection: Connection) -> Login:
        return Login(user=Secret(connection.user or "headway"), password=connection.token or Secret(""))

    def clone_url(self, connection: Connection, path: str) -> str:
        return f"{connection.url.rstrip('/')}/{quote(path)}.git"

    async def repositories(self, connection: Connection) -> list[Repository]:
        group, found = connection.group, list[Repository]()
        path = f"orgs/{quote(group, safe='')}/repos" if group else "user/repos"
        async for page in _asking(connection).pages(path, limit=_PAGE):
            found += [_repository(each) for each in page]
        return found

    async def branches(self, connection: Connection, path: str) -> list[Branch]:
        found = []
        async for page in _asking(connection).pages(f"repos/{quote(path)}/branches", limit=_PAGE):
            found += [Branch(name=each["name"], commit_hash=each["commit"]["id"]) for each in page]
        return found

    async def open_pulls(self, connection: Connection, path: str) -> list[OpenPull]:
        found = []
        async for page in _asking(connection).pages(f"repos/{quote(path)}/pulls", state="open", limit=_PAGE):
            found += [OpenPull(number=each["number"], head=each["head"]["sha"]) for each in page]
        return found

    async def files_of_pull(self, connection: Connection, path: str, number: int) -> Sequence[str]:
        found = list[str]()
        async for page in _asking(connection).pages(f"repos/{quote(path)}/pulls/{number}/files", limit=_PAGE):
            found += [name for each in page for name in (each["filename"], each.get("previous_filename")) if name]
        return tuple(dict.fromkeys(found))

    async def may_write(self, connection: Connection, path: str, user: str) -> bool:
        try:
            found = await _asking(connection).get(
                f"repos/{quote(path)}/collaborators/{quote(user, safe='')}/permission"
            )
        except NotThere:
            return False
        return found.get("permission") in _WRITERS

    async def set_status(self, connection: Connection, path: str, status: CommitStatus) -> None:
        await _asking(connection).post(
            f"repos/{quote(path)}/statuses/{status.commit_hash}",
            {
                "state": _STATES[status.state],
                "context": status.context,
                "description": status.description,
                "target_url": status.link or "",
            },
        )

    async def comment(self, connection: Connection, path: str, number: int, *, mark: str, known: str, body: str) -> str:
        repository = f"repos/{quote(path)}"
        return await keep_issue_comment(_asking(connection), repository, number, mark=mark, known=known, body=body)


def _asking(connection: Connection) -> ForgeClient:
    token = connection.token.reveal() if connection.token else ""
    return ForgeClient(connection=connection, headers={"authorization": f"token {token}"})


def _repository(value: Json) -> Repository:
    return Repository(
        repository_id=str(value["id"]),
        name=value["name"],
        path=value["full_name"],
        owner=value["owner"]["login"],
        url=value["clone_url"],
        default_branch=value.get("default_branch"),
    )
