"""What GitHub has shown the way in: the API and the payloads of those who follow it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from headway.drivers.forges.base import Branch, CommitState, ForgeConnection, OpenPull, PullComment, Repository
from headway.drivers.forges.client import ForgeClient, Json
from headway.drivers.forges.events import Event, Other, Pull, Push, Removed
from headway.drivers.forges.one_comment import keep_one
from headway.drivers.forges.payload import (
    MOST_LABELS,
    NO_PULL,
    are_other,
    at,
    changed_by,
    hash_at,
    is_true,
    list_at,
    moment_at,
    number_at,
    split_ref,
    text_at,
    texts,
)

STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "pending",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
    CommitState.STOPPED: "error",
}


class GitHubStyleApi(ABC):
    """``page`` says how long a part of a list is to be; ``commit_word`` is what the commit of a branch is called by."""

    page: ClassVar[Mapping[str, int]]
    commit_word: ClassVar[str]

    @abstractmethod
    async def client(self, connection: ForgeConnection) -> ForgeClient:
        """What asks the forge."""
        ...

    async def branches(self, connection: ForgeConnection, path: str) -> list[Branch]:
        client = await self.client(connection)
        return [
            Branch(name=each["name"], commit_hash=each["commit"][self.commit_word])
            async for each in client.every(f"repos/{quote(path)}/branches", **self.page)
        ]

    async def open_pulls(self, connection: ForgeConnection, path: str) -> list[OpenPull]:
        client = await self.client(connection)
        return [
            OpenPull(number=each["number"], head=each["head"]["sha"])
            async for each in client.every(f"repos/{quote(path)}/pulls", state="open", **self.page)
        ]

    async def whole_head(self, connection: ForgeConnection, path: str, number: int, head: str) -> str:
        return head  # which is told as a whole

    async def files_of_pull(self, connection: ForgeConnection, path: str, number: int) -> Sequence[str]:
        client = await self.client(connection)
        listed = client.every(f"repos/{quote(path)}/pulls/{number}/files", **self.page)
        return texts(*[name async for each in listed for name in (each["filename"], each.get("previous_filename"))])

    async def comment(self, connection: ForgeConnection, path: str, comment: PullComment) -> str:
        issues, given = f"repos/{quote(path)}/issues", {"body": comment.body}
        return await keep_one(
            await self.client(connection),
            comment,
            given,
            all_at=f"{issues}/{comment.number}/comments",
            each_at=f"{issues}/comments",
            method="PATCH",
            page={"per_page": 100, "limit": 50},
        )


def repository_of(value: Json) -> Repository:
    """A repository as a list has it."""
    return Repository(
        repository_id=str(value["id"]),
        name=value["name"],
        path=value["full_name"],
        owner=value["owner"]["login"],
        url=value["clone_url"],
        default_branch=value.get("default_branch"),
    )


def push_of(payload: Json, *, most_commits: int) -> Event:
    """What a push was; beyond ``most_commits`` the rest is missing without a word."""
    ref = split_ref(text_at(payload, "ref"))
    if ref is None:
        return Other(why="The push names neither a branch nor a tag.")
    after = hash_at(payload, "after")
    if is_true(payload, "deleted") or after is None:
        return Removed(ref_type=ref[0], name=ref[1])
    commits = list_at(payload, "commits")
    newest = payload.get("head_commit") or (commits[-1] if commits else None)
    repository = payload.get("repository")
    return Push(
        ref_type=ref[0],
        name=ref[1],
        after=after,
        changed=changed_by(commits, unknown=_missing(payload, len(commits), most_commits)),
        message=text_at(newest, "message"),
        author=text_at(newest, "author", "name") or "",
        default_branch=text_at(repository, "default_branch"),
        urls=texts(*(text_at(repository, name) for name in ("clone_url", "ssh_url", "git_url", "html_url", "url"))),
    )


def _missing(payload: Json, listed: int, most: int) -> str | None:
    """Why the commits that are listed are not all that has changed."""
    total = payload.get("total_commits")
    if is_true(payload, "forced"):
        return "the push has taken commits away, whose files nobody lists"
    if listed >= most or (isinstance(total, int) and total > listed):
        return f"the push lists no more than {listed} of its commits"
    if not listed:
        return "the push lists no commits"
    return None


def pull_of(payload: Json) -> Event:
    """The pull request that is told of."""
    pull, repository = at(payload, "pull_request"), at(payload, "repository")
    head, base = at(pull, "head"), at(pull, "base")
    number, branch = number_at(pull, "number") or number_at(payload, "number"), text_at(head, "ref")
    commit, into = hash_at(head, "sha"), text_at(base, "ref")
    if number is None or branch is None or commit is None or into is None:
        return NO_PULL
    return Pull(
        number=number,
        branch=branch,
        head=commit,
        base=into,
        title=text_at(pull, "title") or "",
        url=text_at(pull, "html_url") or "",
        author=text_at(pull, "user", "login") or "",
        told_at=moment_at(pull, "updated_at"),
        # A fork that is gone has no name: it is one all the same.
        fork=are_other(text_at(base, "repo", "full_name"), text_at(head, "repo", "full_name")),
        is_open=text_at(pull, "state") == "open" and text_at(payload, "action") != "closed",
        is_new=text_at(payload, "action") in {"opened", "reopened"},
        labels=texts(*(text_at(each, "name") for each in list_at(pull, "labels")[:MOST_LABELS])),
        urls=texts(*(text_at(repository, name) for name in ("clone_url", "ssh_url", "git_url", "html_url"))),
    )
