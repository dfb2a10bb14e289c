"""GitLab, in the cloud and self-hosted (docs.gitlab.com, "REST API"), by a personal, group or project access token."""

from __future__ import annotations

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

_DEVELOPER = 30  # the least access level that may push
_STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "running",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failed",
}
_LONGEST_DESCRIPTION = 255


@dataclass(frozen=True, slots=True)
class GitLab:
    """Fits ``base.Forge``."""

    async def login(self, connection: Connection) -> Login:
        return Login(user=Secret("oauth2"), password=connection.token or Secret(""))

    def clone_url(self, connection: Connection, path: str) -> str:
        return f"{connection.url.rstrip('/')}/{quote(path)}.git"

    async def repositories(self, connection: Connection) -> list[Repository]:
        asking, found = _asking(connection), list[Repository]()
        if connection.group:
            pages = asking.pages(
                f"groups/{_id(connection.group)}/projects", include_subgroups="true", per_page=100, archived="false"
            )
        else:
            pages = asking.pages("projects", membership="true", per_page=100, archived="false")
        async for page in pages:
            found += [_repository(each) for each in page]
        return found

    async def branches(self, connection: Connection, path: str) -> list[Branch]:
        found = []
        async for page in _asking(connection).pages(f"projects/{_id(path)}/repository/branches", per_page=100):
            found += [Branch(name=each["name"], commit_hash=each["commit"]["id"]) for each in page]
        return found

    async def open_pulls(self, connection: Connection, path: str) -> list[OpenPull]:
        found = []
        pages = _asking(connection).pages(f"projects/{_id(path)}/merge_requests", state="opened", per_page=100)
        async for page in pages:
            found += [OpenPull(number=each["iid"], head=each["sha"]) for each in page]
        return found

    async def files_of_pull(self, connection: Connection, path: str, number: int) -> Sequence[str]:
        found = list[str]()
        pages = _asking(connection).pages(f"projects/{_id(path)}/merge_requests/{number}/diffs", per_page=100)
        async for page in pages:
            found += [each[name] for each in page for name in ("new_path", "old_path") if each.get(name)]
        return tuple(dict.fromkeys(found))

    async def may_write(self, connection: Connection, path: str, user: str) -> bool:
        asking = _asking(connection)
        people = await asking.get("users", username=user)
        if not people:
            return False
        try:
            found = await asking.get(f"projects/{_id(path)}/members/all/{people[0]['id']}")
        except NotThere:
            return False
        level = found.get("access_level")
        return isinstance(level, int) and level >= _DEVELOPER

    async def set_status(self, connection: Connection, path: str, status: CommitStatus) -> None:
        given = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": status.description[:_LONGEST_DESCRIPTION],
            **({"target_url": status.link} if status.link else {}),
        }
        try:
            await _asking(connection).post(f"projects/{_id(path)}/statuses/{status.commit_hash}", given)
        except ForgeRefused as error:
            # GitLab calls it an error to say again what it has been told.
            if "Cannot transition status" not in error.message:
                raise

    async def comment(self, connection: Connection, path: str, number: int, *, mark: str, known: str, body: str) -> str:
        asking, given = _asking(connection), {"body": body}
        notes = f"projects/{_id(path)}/merge_requests/{number}/notes"

        async def comments() -> AsyncIterator[tuple[str, str]]:
            async for page in asking.pages(notes, per_page=100):
                for each in page:
                    yield str(each["id"]), str(each.get("body") or "")

        return await keep_one(
            known=known,
            mark=mark,
            comments=comments,
            change=lambda note_id: asking.put(f"{notes}/{note_id}", given),
            make=lambda: asking.post(notes, given),
        )


def _id(path: str) -> str:
    return quote(path, safe="")


def _asking(connection: Connection) -> ForgeClient:
    token = connection.token.reveal() if connection.token else ""
    return ForgeClient(connection=connection, headers={"authorization": f"Bearer {token}"})


def _repository(value: Json) -> Repository:
    return Repository(
        repository_id=str(value["id"]),
        name=value["path"],
        path=value["path_with_namespace"],
        owner=value["namespace"]["full_path"],
        url=value["http_url_to_repo"],
        default_branch=value.get("default_branch"),
    )
