"""`headway members`: who belongs to the organisation, what they are in it and what they were given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Row = Mapping[str, Any]
Named = Annotated[str, typer.Argument(metavar="MEMBER", help="A mail address, a name or an id.")]
Projects = Annotated[
    list[str] | None, typer.Option("--project", metavar="PROJECT", help="A project, whole; several times for more.")
]
Applications = Annotated[
    list[str] | None, typer.Option("--app", metavar="APP", help="A single application; several times for more.")
]


class RoleName(StrEnum):
    """What somebody is in an organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


RoleGiven = Annotated[RoleName, typer.Argument(metavar="ROLE", help="owner, admin or member.")]


def list_members(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the members, and the invitations that nobody has accepted yet."""
    with Session.of(context).client() as client:
        members = client.get("user.all")
        invited = _invited(client)
    if as_json:
        output.say_json({"members": members, "invitations": invited})
        return
    rows = [
        (each["user"]["name"], each["user"]["email"] or "", each["role"], _given(each), each["userId"])
        for each in members
    ]
    rows += [("(invited)", each["email"], each["role"], _given(each), each["id"]) for each in invited]
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="MAIL"),
            Column(title="ROLE", whole=True),
            Column(title="GIVEN"),
            Column(title="ID", whole=True),
        ),
        rows,
    )


def invite(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="MAIL", help="The mail address, by which the member is known.")],
    *,
    role: Annotated[RoleName, typer.Option(help="What they will be.")] = RoleName.MEMBER,
    project: Projects = None,
    app: Applications = None,
    as_json: AsJson = False,
) -> None:
    """Invites somebody and prints the token of the invitation, this once. Headway sends no mail: give it to them."""
    with Session.of(context).client() as client:
        given = _wanted(client, project, app)
        made = client.post("organization.inviteMember", {"email": email, "role": role.value, **given})
        url = client.target.url
    if as_json:
        output.say_json(made)
        return
    until = made["expiresAt"][:16].replace("T", " ")
    output.warn(f"{output.clean(made['email'])} is invited as {made['role']} until {until} UTC.")
    output.warn(f"Whoever has this token, shown this once, joins with: headway login {url} --invitation")
    output.say(made["token"])


def role(context: typer.Context, member: Named, role: RoleGiven, *, as_json: AsJson = False) -> None:
    """Makes a member something else: owner, admin or member."""
    with Session.of(context).client() as client:
        found = _find(client, member)
        changed = client.post("organization.updateMemberRole", {"memberId": found["id"], "role": role.value})
    if as_json:
        output.say_json(changed)
        return
    output.say(f"{output.clean(found['user']['name'])} is {changed['role']} now")


def access(
    context: typer.Context,
    member: Named,
    *,
    project: Projects = None,
    app: Applications = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="Take everything away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Gives a member these projects and applications and nothing else; without options it says what they have."""
    with Session.of(context).client() as client:
        found = _find(client, member)
        if project or app or nothing:
            none: dict[str, list[str]] = {"accessedProjects": [], "accessedServices": []}
            given = none | _wanted(client, project, app)
            found = client.post("user.assignPermissions", {"id": found["userId"], **given})
        names = _names(client)
    if as_json:
        output.say_json(found)
        return
    given_ids = [*found["accessedProjects"], *found["accessedServices"]]
    what = ", ".join(names.get(each, each) for each in given_ids) or "nothing"
    everything = found["role"] != RoleName.MEMBER
    output.say(f"{output.clean(found['user']['name'])} ({found['role']}): {'everything' if everything else what}")


def remove(context: typer.Context, member: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Removes a member, or an invitation by its mail address; all keys of the member end."""
    with Session.of(context).client() as client:
        invitation = next((each for each in _invited(client) if member in {each["email"], each["id"]}), None)
        if invitation is not None:
            shown, procedure, body = (
                invitation["email"],
                "organization.removeInvitation",
                {"invitationId": invitation["id"]},
            )
        else:
            found = _find(client, member)
            shown, procedure, body = found["user"]["name"], "user.remove", {"userId": found["userId"]}
        if not yes:
            confirm(f"Remove {output.clean(shown)}?")
        removed = client.post(procedure, body)
    if as_json:
        output.say_json(removed)
        return
    output.say(f"{output.clean(shown)} is removed")


def link(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="The panel's data folder.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Prints a link by which the owner sets a first password, on the panel's machine; the panel may run or not.

    It is for root and for the account that has the data folder. The link is good once, for an hour, and ends the one of
    before. Where the owner has a password, 'headway members reset-password NAME' replaces it.
    """
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, os.environ)

    import asyncio

    from headway.first_key import first_link

    made = asyncio.run(first_link(settings))
    if as_json:
        output.say_json({"link": made})
        return
    output.warn("To set the owner's password, open this within an hour, once:")
    output.say(made)


def reset_password(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What they sign in with; else a mail address, an id or a name.")
    ],
    *,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Take their second factor away too, once the link is used.")
    ] = False,
    data_dir: Annotated[Path | None, typer.Option(help="The panel's data folder.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Prints a link by which somebody sets another password, on the panel's machine; the panel may run or not.

    It is for root and for the account that has the data folder. The link is good once, for an hour. Once it is used all
    of their sessions end; until then nothing changes for them. The audit log tells of it.
    """
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, os.environ)

    import asyncio

    from headway.first_key import reset_link

    made, whose = asyncio.run(reset_link(settings, name, second_factor=second_factor))
    if as_json:
        output.say_json({"link": made, "name": whose})
        return
    output.warn(f"Give this to {output.clean(whose)}. It sets another password, once, within an hour:")
    output.say(made)


def _invited(client: Client) -> list[Row]:
    """The invitations that wait to be accepted."""
    every: list[Row] = client.get("organization.allInvitations")
    now = output.now()
    return [each for each in every if each["status"] == "pending" and output.moment(each["expiresAt"]) > now]


def _find(client: Client, named: str) -> Row:
    every: list[Row] = client.get("user.all")
    found = [each for each in every if named in {each["userId"], each["id"], each["user"]["email"]}]
    found = found or [each for each in every if each["user"]["name"] == named]
    if not found:
        raise NotFound(f"There is no member {named}. 'headway members list' shows them.")
    if len(found) > 1:
        ids = ", ".join(each["userId"] for each in found)
        raise InvalidInput(f"Several members are called {named}; give a mail address or an id: {ids}.")
    return found[0]


def _wanted(client: Client, projects: list[str] | None, apps: list[str] | None) -> dict[str, list[str]]:
    from headway.cli.lookup import find_application, find_project

    wanted = {}
    if projects:
        wanted["accessedProjects"] = [find_project(client, each)["projectId"] for each in projects]
    if apps:
        wanted["accessedServices"] = [find_application(client, each).application_id for each in apps]
    return wanted


def _names(client: Client) -> Mapping[str, str]:
    from headway.cli.lookup import places_in

    every = client.get("project.all")
    named = {each["projectId"]: str(each["name"]) for each in every}
    return named | {place.application_id: place.name for each in every for place in places_in(each)}


def _given(row: Row) -> str:
    if row["role"] != RoleName.MEMBER:
        return "everything"
    counts = (len(row["accessedProjects"]), "project"), (len(row["accessedServices"]), "app")
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count) or "nothing"
