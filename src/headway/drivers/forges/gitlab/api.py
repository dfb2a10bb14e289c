"""GitLab's API (docs.gitlab.com, "REST API"), asked by a personal, group or project access token."""

from __future__ import annotations

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
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "running",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failed",
    CommitState.STOPPED: "canceled",
}
_LONGEST_DESCRIPTION = 255


@dataclass(frozen=True, slots=True)
class GitLabApi:
    """Fits ``ForgeApi``."""

    async def login(self, connection: ForgeConnection) -> GitLogin:
        return GitLogin(user=Secret("oauth2"), password=connection.token or Secret(""))

    async def repositories(self, connection: ForgeConnection) -> list[Repository]:
        client, group = _client(connection), connection.group
        if group:
            path = f"groups/{_id(group)}/projects"
            listed = client.every(path, include_subgroups="true", per_page=100, archived="false")
        else:
            listed = client.every("projects", membership="true", per_page=100, archived="false")
        return [_repository(each) async for each in listed]

    async def branches(self, connection: ForgeConnection, path: str) -> list[Branch]:
        listed = _client(connection).every(f"projects/{_id(path)}/repository/branches", per_page=100)
        return [Branch(name=each["name"], commit_hash=each["commit"]["id"]) async for each in listed]

    async def open_pulls(self, connection: ForgeConnection, path: str) -> list[OpenPull]:
        listed = _client(connection).every(f"projects/{_id(path)}/merge_requests", state="opened", per_page=100)
        return [OpenPull(number=each["iid"], head=each["sha"]) async for each in listed]

    async def whole_head(self, connection: ForgeConnection, path: str, number: int, head: str) -> str:
        return head  # which is told as a whole

    async def files_of_pull(self, connection: ForgeConnection, path: str, number: int) -> Sequence[str]:
        listed = _client(connection).every(f"projects/{_id(path)}/merge_requests/{number}/diffs", per_page=100)
        return texts(*[each.get(name) async for each in listed for name in ("new_path", "old_path")])

    async def set_status(self, connection: ForgeConnection, path: str, status: CommitStatus) -> None:
        given = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": status.description[:_LONGEST_DESCRIPTION],
            **({"target_url": status.link} if status.link else {}),
        }
        try:
            await _client(connection).send("POST", f"projects/{_id(path)}/statuses/{status.commit_hash}", given)
        except ForgeRefused as error:
            # GitLab calls it an error to say again what it has been told.
            if "Cannot transition status" not in error.message:
                raise

    async def comment(self, connection: ForgeConnection, path: str, comment: PullComment) -> str:
        notes, given = f"projects/{_id(path)}/merge_requests/{comment.number}/notes", {"body": comment.body}
        page: dict[str, str | int] = {"per_page": 100, "order_by": "created_at", "sort": "asc"}
        return await keep_one(_client(connection), comment, given, all_at=notes, each_at=notes, page=page)


def _id(path: str) -> str:
    return quote(path, safe="")


def _client(connection: ForgeConnection) -> ForgeClient:
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
