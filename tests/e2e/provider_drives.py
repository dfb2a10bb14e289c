"""With what the clients' commands about git providers and previews are driven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from tests.support.forges.forge_apis import TOKEN

Json = Any
FORGES = ("github", "gitlab", "gitea", "bitbucket")
_MADE: Mapping[str, Mapping[str, Json]] = {
    "gitlab": {"authId": "x", "gitlabUrl": "https://git.example"},
    "gitea": {"giteaUrl": "https://git.example", "accessToken": "t"},
    "bitbucket": {"authId": "x", "bitbucketEmail": "me@example.org", "apiToken": "t", "bitbucketWorkspaceName": "team"},
}

_MORE: Mapping[str, Mapping[str, Json]] = {
    "github": {"triggerType": "push"},
    "gitlab": {"gitlabProjectId": 1, "gitlabPathNamespace": "team/app"},
    "bitbucket": {"bitbucketRepositorySlug": "app"},
}


class At(Protocol):
    """The stage, as far as git providers need it."""

    apis: Mapping[str, str]

    def name(self) -> str: ...

    def application(self) -> str: ...

    def post(self, procedure: str, **fields: Json) -> Json: ...

    def preview(self) -> str: ...


def _provider(at: At, forge: str) -> dict[str, Json]:
    given: dict[str, Json] = {"name": at.name(), "apiUrl": at.apis[forge]}
    if forge == "bitbucket":
        given |= {"bitbucketEmail": "me@example.org", "apiToken": TOKEN, "bitbucketWorkspaceName": "team"}
    else:
        given |= {"accessToken": TOKEN}
    return {f"{forge}Id": at.post(f"{forge}.create", **given)["gitProviderId"]}


def _saved(at: At, forge: str) -> dict[str, Json]:
    prefix = "" if forge == "github" else forge
    names = {each: f"{prefix}{each.capitalize()}" if prefix else each for each in ("owner", "repository", "branch")}
    path = f"{prefix}BuildPath" if prefix else "buildPath"
    more = _MORE.get(forge, {})
    place = {names["owner"]: "team", names["repository"]: "app", names["branch"]: "main", path: "/", **more}
    return {"applicationId": at.application(), **_provider(at, forge), **place}


def _updated(at: At, forge: str) -> dict[str, Json]:
    one = _provider(at, forge)
    more = {"github": {"githubAppName": "deployer"}, "gitlab": {"gitlabUrl": "https://gitlab.com"}}
    more |= {"gitea": {"giteaUrl": "https://gitea.com"}}
    return {**one, "gitProviderId": one[f"{forge}Id"], "name": at.name(), **more.get(forge, {})}


def _of(forge: str) -> dict[str, Callable[[At], dict[str, Json]]]:
    word, name = forge.capitalize(), "repositoryName" if forge == "gitea" else "repo"
    return {
        f"{forge}.one": lambda at: _provider(at, forge),
        f"{forge}.{forge}Providers": lambda _at: {},
        f"{forge}.get{word}Repositories": lambda at: _provider(at, forge),
        f"{forge}.get{word}Branches": lambda at: {**_provider(at, forge), "owner": "team", name: "app"},
        f"{forge}.testConnection": lambda at: _provider(at, forge),
        f"{forge}.update": lambda at: _updated(at, forge),
        f"application.save{word}Provider": lambda at: _saved(at, forge),
    }


def _creates(forge: str) -> Callable[[At], dict[str, Json]]:
    return lambda at: {"name": at.name(), **_MADE[forge]}


PROVIDER_DRIVES: Mapping[str, Callable[[At], dict[str, Json]]] = MappingProxyType(
    {
        **{name: drive for forge in FORGES for name, drive in _of(forge).items()},
        **{f"{forge}.create": _creates(forge) for forge in _MADE},
        "previewDeployment.all": lambda at: {"applicationId": at.application()},
        "previewDeployment.delete": lambda at: {"previewDeploymentId": at.preview()},
        "previewDeployment.one": lambda at: {"previewDeploymentId": at.preview()},
        "previewDeployment.redeploy": lambda at: {
            "previewDeploymentId": at.preview(),
            "title": "t",
            "description": "d",
        },
        "gitea.getGiteaUrl": lambda at: _provider(at, "gitea"),
        "gitProvider.getAll": lambda _at: {},
        "gitProvider.allForPermissions": lambda _at: {},
        "gitProvider.toggleShare": lambda at: {
            "gitProviderId": _provider(at, "gitea")["giteaId"],
            "sharedWithOrganization": True,
        },
        "gitProvider.remove": lambda at: {"gitProviderId": _provider(at, "gitea")["giteaId"]},
    }
)
