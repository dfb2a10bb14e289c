"""GitHub, in the cloud and as GitHub Enterprise (docs.github.com, "REST API"): by a token, or as an app."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

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
from headway.drivers.forges.one_comment import keep_issue_comment
from headway.kernel.secret import Secret

_VERSION: Mapping[str, str] = {"x-github-api-version": "2022-11-28", "accept": "application/vnd.github+json"}
_JWT_LIFE = timedelta(minutes=9)  # GitHub takes ten at most
_CLOCKS_DIFFER = timedelta(seconds=60)
_SPENT_EARLY = timedelta(minutes=10)
_WRITERS = frozenset({"admin", "maintain", "write"})
_STATES: Mapping[CommitState, str] = {
    CommitState.PENDING: "pending",
    CommitState.RUNNING: "pending",
    CommitState.SUCCESS: "success",
    CommitState.FAILURE: "failure",
}
_LONGEST_DESCRIPTION = 140


@dataclass(frozen=True, slots=True)
class GitHub:
    """Fits ``base.Forge``. ``tokens`` of installations are kept in memory for as long as they are good."""

    tokens: dict[tuple[str, str, str], tuple[Secret, datetime]] = field(default_factory=dict)

    async def login(self, connection: Connection) -> Login:
        return Login(user=Secret("x-access-token"), password=await self._token(connection))

    def clone_url(self, connection: Connection, path: str) -> str:
        return f"{connection.url.rstrip('/')}/{quote(path)}.git"

    async def repositories(self, connection: Connection) -> list[Repository]:
        asking = await self._asking(connection)
        path, key = ("installation/repositories", "repositories") if connection.app_id else ("user/repos", None)
        found: list[Repository] = []
        async for page in asking.pages(path, per_page=100):
            found += [_repository(each) for each in (page if key is None else page[key])]
        return found

    async def branches(self, connection: Connection, path: str) -> list[Branch]:
        asking, found = await self._asking(connection), []
        async for page in asking.pages(f"repos/{quote(path)}/branches", per_page=100):
            found += [Branch(name=each["name"], commit_hash=each["commit"]["sha"]) for each in page]
        return found

    async def open_pulls(self, connection: Connection, path: str) -> list[OpenPull]:
        asking, found = await self._asking(connection), []
        async for page in asking.pages(f"repos/{quote(path)}/pulls", state="open", per_page=100):
            found += [OpenPull(number=each["number"], head=each["head"]["sha"]) for each in page]
        return found

    async def files_of_pull(self, connection: Connection, path: str, number: int) -> Sequence[str]:
        asking, found = await self._asking(connection), list[str]()
        async for page in asking.pages(f"repos/{quote(path)}/pulls/{number}/files", per_page=100):
            found += [name for each in page for name in (each["filename"], each.get("previous_filename")) if name]
        return tuple(dict.fromkeys(found))

    async def may_write(self, connection: Connection, path: str, user: str) -> bool:
        asking = await self._asking(connection)
        try:
            found = await asking.get(f"repos/{quote(path)}/collaborators/{quote(user, safe='')}/permission")
        except NotThere:
            return False
        return found.get("permission") in _WRITERS

    async def set_status(self, connection: Connection, path: str, status: CommitStatus) -> None:
        asking = await self._asking(connection)
        await asking.post(
            f"repos/{quote(path)}/statuses/{status.commit_hash}",
            {
                "state": _STATES[status.state],
                "context": status.context,
                "description": status.description[:_LONGEST_DESCRIPTION],
                **({"target_url": status.link} if status.link else {}),
            },
        )

    async def comment(self, connection: Connection, path: str, number: int, *, mark: str, known: str, body: str) -> str:
        asking = await self._asking(connection)
        return await keep_issue_comment(asking, f"repos/{quote(path)}", number, mark=mark, known=known, body=body)

    async def _asking(self, connection: Connection) -> ForgeClient:
        return _with(connection, await self._token(connection))

    async def _token(self, connection: Connection) -> Secret:
        """The token that was given, or one of the app's installation, which is good for an hour."""
        if not connection.app_id:
            return connection.token or Secret("")
        key = (connection.api_url, connection.app_id, connection.installation_id)
        kept = self.tokens.get(key)
        if kept is not None and kept[1] - _SPENT_EARLY > datetime.now(UTC):
            return kept[0]
        made = await _with(connection, _app_token(connection)).post(
            f"app/installations/{quote(connection.installation_id, safe='')}/access_tokens", {}
        )
        token, until = Secret(str(made["token"])), datetime.fromisoformat(str(made["expires_at"]))
        self.tokens[key] = (token, until)
        return token


def check_private_key(text: str) -> None:
    """Whether it is the private key of an app. Raises ForgeRefused."""
    _key(text)


def _key(text: str) -> rsa.RSAPrivateKey:
    try:
        found = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, rsa.RSAPrivateKey):
        raise ForgeRefused("The private key of a GitHub app is an RSA key in PEM, as GitHub gives it for download.")
    return found


def _app_token(connection: Connection) -> Secret:
    """A JSON web token that says who the app is, signed with its key (RS256)."""
    key = _key(connection.private_key.reveal() if connection.private_key else "")
    now = datetime.now(UTC)
    claims = {
        "iat": int((now - _CLOCKS_DIFFER).timestamp()),
        "exp": int((now + _JWT_LIFE).timestamp()),
        "iss": connection.app_id,
    }
    signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return Secret(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


def _encoded(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _with(connection: Connection, token: Secret) -> ForgeClient:
    return ForgeClient(connection=connection, headers={**_VERSION, "authorization": f"Bearer {token.reveal()}"})


def _repository(value: Json) -> Repository:
    return Repository(
        repository_id=str(value["id"]),
        name=value["name"],
        path=value["full_name"],
        owner=value["owner"]["login"],
        url=value["clone_url"],
        default_branch=value.get("default_branch"),
    )
