"""`headway git-providers`: the forges from which services are fetched, and what they show."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider's name or id.")]
Row = Mapping[str, Any]

_USERS: Mapping[str, str] = {"gitea": "giteaUsername", "bitbucket": "bitbucketUsername"}
_GROUPS: Mapping[str, str] = {"gitlab": "groupName", "gitea": "organizationName", "bitbucket": "bitbucketWorkspaceName"}


def list_providers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the git providers."""
    with Session.of(context).client() as client:
        found = client.get("gitProvider.getAll")
    if as_json:
        output.say_json(found)
        return
    columns = (Column(title="NAME"), Column(title="FORGE"), Column(title="ADDRESS"), Column(title="ID", whole=True))
    rows = [
        (each["name"], each["providerType"], each[each["providerType"]]["url"], each["gitProviderId"]) for each in found
    ]
    output.say_table(columns, rows)


def connect(
    context: typer.Context,
    forge: Annotated[str, typer.Argument(metavar="FORGE", help="github, gitlab, gitea or bitbucket.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the provider is called.")],
    *,
    url: Annotated[str | None, typer.Option(help="Where the forge is, if it is your own.")] = None,
    api_url: Annotated[str | None, typer.Option(help="Where its API is, if that is not where it usually is.")] = None,
    user: Annotated[str | None, typer.Option(help="Whose token it is, for Gitea and Bitbucket.")] = None,
    group: Annotated[str | None, typer.Option(help="The group, organisation or workspace to list.")] = None,
    app_id: Annotated[str | None, typer.Option(help="Of a GitHub app, whose private key is then read.")] = None,
    installation_id: Annotated[str | None, typer.Option(help="Of that app's installation.")] = None,
    as_json: AsJson = False,
) -> None:
    """Connects a forge. Its token, or the private key of a GitHub app, is read from the standard input."""
    if forge not in {"github", "gitlab", "gitea", "bitbucket"}:
        raise InvalidInput(f"There is no forge {forge}; there are github, gitlab, gitea and bitbucket.")
    if sys.stdin.isatty():
        output.say("Paste the token or the private key, then end with Ctrl-D:")
    secret = sys.stdin.read().strip()
    body: dict[str, Any] = {"name": name, f"{forge}Url": url, "apiUrl": api_url}
    body |= {_USERS[forge]: user} if forge in _USERS else {}
    body |= {_GROUPS[forge]: group} if forge in _GROUPS else {}
    if app_id is not None:
        body |= {"githubAppId": app_id, "githubInstallationId": installation_id, "githubPrivateKey": secret}
    elif forge == "bitbucket" and user is not None:
        body |= {"bitbucketEmail": user, "apiToken": secret} if "@" in user else {"appPassword": secret}
    else:
        body |= {"accessToken": secret}
    with Session.of(context).client() as client:
        made = client.post(f"{forge}.create", {key: value for key, value in body.items() if value is not None})
    output.say_json(made) if as_json else output.say(f"{name} is connected ({made['gitProviderId']})")


def try_out(context: typer.Context, provider: Named, *, as_json: AsJson = False) -> None:
    """Asks a forge what it shows to what was given."""
    with Session.of(context).client() as client:
        found = _find(client, provider)
        answer = client.post(f"{found['providerType']}.testConnection", _id(found))
    output.say_json(answer) if as_json else output.say(str(answer))


def repositories(context: typer.Context, provider: Named, *, as_json: AsJson = False) -> None:
    """Lists the repositories that a provider shows."""
    with Session.of(context).client() as client:
        found = _find(client, provider)
        listed = client.get(f"{found['providerType']}.get{_word(found)}Repositories", **_id(found))
    if as_json:
        output.say_json(listed)
        return
    columns = (Column(title="REPOSITORY"), Column(title="BRANCH"))
    output.say_table(columns, [(each["full_name"], each["default_branch"] or "") for each in listed])


def branches(
    context: typer.Context,
    provider: Named,
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A repository.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Lists the branches of a repository."""
    owner, _, name = repository.rpartition("/")
    with Session.of(context).client() as client:
        found = _find(client, provider)
        given = {"owner": owner, "repositoryName" if found["providerType"] == "gitea" else "repo": name}
        listed = client.get(f"{found['providerType']}.get{_word(found)}Branches", **_id(found), **given)
    if as_json:
        output.say_json(listed)
        return
    columns = (Column(title="BRANCH"), Column(title="COMMIT", whole=True))
    output.say_table(columns, [(each["name"], each["commit"]["sha"][:12]) for each in listed])


def remove(context: typer.Context, provider: Named, *, as_json: AsJson = False) -> None:
    """Forgets a git provider; what is fetched by it is fetched no more."""
    with Session.of(context).client() as client:
        gone = client.post("gitProvider.remove", {"gitProviderId": _find(client, provider)["gitProviderId"]})
    output.say_json(gone) if as_json else output.say(f"{gone['name']} is forgotten")


def _find(client: Client, named: str) -> Row:
    every: list[Row] = client.get("gitProvider.getAll")
    found = [each for each in every if each["gitProviderId"] == named] or [e for e in every if e["name"] == named]
    if not found:
        known = ", ".join(each["name"] for each in every)
        raise NotFound(f"There is no provider {named}. " + (f"There are: {known}." if known else "There is none yet."))
    if len(found) > 1:
        ids = ", ".join(each["gitProviderId"] for each in found)
        raise InvalidInput(f"Several providers are named {named}; give an id: {ids}.")
    return found[0]


def _id(provider: Row) -> dict[str, str]:
    return {f"{provider['providerType']}Id": provider["gitProviderId"]}


def _word(provider: Row) -> str:
    return str(provider["providerType"]).capitalize()
