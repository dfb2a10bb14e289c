"""The contract of forges: what Headway asks of one, and the errors in which all of them answer."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, Unavailable
from headway.kernel.secret import Secret

T = TypeVar("T")


class ForgeName(StrEnum):
    """The forges, by the words that clients have for them."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    BITBUCKET = "bitbucket"

    @property
    def named(self) -> str:
        """As people write it."""
        return _TITLES[self]


_TITLES: Mapping[ForgeName, str] = {
    ForgeName.GITHUB: "GitHub",
    ForgeName.GITLAB: "GitLab",
    ForgeName.GITEA: "Gitea",
    ForgeName.BITBUCKET: "Bitbucket",
}


class ForgeRefused(InvalidInput):
    """The forge has answered, and the answer is no; the sentence says what to do."""


class UnknownToForge(ForgeRefused):
    """What was asked about does not exist there, or the credentials may not see it."""


class ForgeAway(Unavailable):
    """The forge gives no answer that could be used now; asking again later may help. ``retry_at``: not before."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeConnection:
    """With what a forge is asked. ``url`` is where people and git go, ``api_url`` where programs ask; ``user`` and
    ``token`` are whose word it is, ``app_id``, ``installation_id`` and ``private_key`` those of a GitHub app;
    ``group`` narrows what is listed (a GitLab group, a Gitea organisation, a Bitbucket workspace). One that is
    ``guarded`` leads to the internet only, and nothing that it says is told.
    """

    forge: ForgeName
    provider_id: str
    url: str
    api_url: str
    user: str = ""
    token: Secret | None = None
    app_id: str = ""
    installation_id: str = ""
    private_key: Secret | None = None
    group: str = ""
    guarded: bool = False

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads, secrets in the open: it is kept sealed."""
        return {
            "forge": str(self.forge),
            **{name: getattr(self, name) for name in _PLAIN},
            "guarded": self.guarded,
            **{name: secret.reveal() for name in _SECRET if (secret := getattr(self, name)) is not None},
        }

    @staticmethod
    def load(values: Mapping[str, Any]) -> ForgeConnection:
        """What ``dump`` wrote."""
        secrets = {name: Secret(values[name]) for name in _SECRET if values.get(name)}
        return ForgeConnection(
            forge=ForgeName(values["forge"]),
            **{name: values[name] for name in _PLAIN},
            token=secrets.get("token"),
            private_key=secrets.get("private_key"),
            guarded=bool(values.get("guarded")),
        )

    def clone_url(self, path: str) -> str:
        """Where git fetches a repository, without credentials."""
        return f"{self.url.rstrip('/')}/{quote(path)}.git"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show."""
        found = [each.reveal() for each in (self.token, self.private_key) if each is not None]
        return tuple(found)


_WHOLE_HASHES = frozenset({40, 64})  # digits
_PLAIN = ("provider_id", "url", "api_url", "user", "app_id", "installation_id", "group")
_SECRET = ("token", "private_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLogin:
    """With what git fetches: valid for a short time where the forge gives such."""

    user: Secret
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository as a list shows it. ``path`` is owner and name; ``url`` is what git fetches."""

    repository_id: str
    name: str
    path: str
    owner: str
    url: str
    default_branch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch and the commit that it names."""

    name: str
    commit_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPull:
    """A pull request that is open now."""

    number: int
    head: str


def is_whole(commit_hash: str) -> bool:
    """Whether a hash tells a commit from all others: some forges tell the beginning alone."""
    return len(commit_hash) in _WHOLE_HASHES


def is_same(one: str, other: str) -> bool:
    """Whether two hashes are of one commit, as far as they tell: either may be the beginning alone."""
    return one.startswith(other) or other.startswith(one)


async def understood(forge: ForgeName, answer: Awaitable[T]) -> T:
    """What a forge was asked for. Raises ForgeAway also where its answer has not the form that it documents."""
    try:
        return await answer
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ForgeAway(
            f"{forge.named} answered in another form than it documents ({type(error).__name__}). Is the address "
            "that of its API?"
        ) from error


class CommitState(StrEnum):
    """What a commit status says; ``stopped`` is what will never come to an end."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """A status beside a commit: ``context`` tells it from those of others, ``link`` leads to more."""

    commit_hash: str
    state: CommitState
    context: str
    description: str
    link: str | None = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullComment:
    """The one comment on a pull request that holds ``mark``, as it is to be: that with the id ``known``, or a new one
    where that is not there any more. Where none is known it is the oldest that holds the mark, else a new one.
    """

    number: int
    mark: str
    known: str
    body: str


class ForgeApi(Protocol):
    """What every forge can be asked, about the repository at ``path``. All of it raises ForgeRefused and ForgeAway."""

    async def login(self, connection: ForgeConnection) -> GitLogin:
        """What opens a repository to git."""
        ...

    async def repositories(self, connection: ForgeConnection) -> list[Repository]:
        """Those that the credentials may see."""
        ...

    async def branches(self, connection: ForgeConnection, path: str) -> list[Branch]:
        """A repository's branches."""
        ...

    async def open_pulls(self, connection: ForgeConnection, path: str) -> list[OpenPull]:
        """A repository's open pull requests, all of them."""
        ...

    async def whole_head(self, connection: ForgeConnection, path: str, number: int, head: str) -> str:
        """The newest commit of a pull request by its whole hash, where what was told of it begins with ``head``."""
        ...

    async def files_of_pull(self, connection: ForgeConnection, path: str, number: int) -> Sequence[str]:
        """The files that a pull request changes, under their names before and after."""
        ...

    async def set_status(self, connection: ForgeConnection, path: str, status: CommitStatus) -> None:
        """Puts a status beside a commit, in the place of the one before of its context."""
        ...

    async def comment(self, connection: ForgeConnection, path: str, comment: PullComment) -> str:
        """Makes it the one comment that holds its mark; its id."""
        ...
