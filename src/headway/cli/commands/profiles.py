"""`headway login`, `logout` and `profiles`: which panels this account works with, and the keys to them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session, profiles_file
from headway.kernel.errors import InvalidInput

Named = Annotated[str, typer.Argument(metavar="PROFILE", help="The name of a profile.")]


def login(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Where the panel is; default: the profile's, or this machine's.")
    ] = None,
    *,
    invitation: Annotated[
        bool, typer.Option("--invitation", help="Enter the token of an invitation, and get a key for it.")
    ] = False,
    name_of_yours: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="With --invitation: what you are called.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keeps the address of a panel and a key to it, under the name that --profile gives.

    The key is asked for, or read from standard input: never given as an argument, where others could see it. It is
    tried before it is kept, in a file that only you can read.
    """
    from headway.cli.client import Client
    from headway.cli.profiles import DEFAULT, Profile, Profiles
    from headway.cli.target import Target, checked_key, checked_url

    path = profiles_file()
    profiles = Profiles.load(path)
    name = Session.of(context).profile or (profiles.current if url is None else DEFAULT)
    if url is not None:
        where = checked_url(url, "URL")
    elif name in profiles.known:
        where = profiles.known[name].url
    else:
        where = Session(verbose=False).target().url
    what = "Token of the invitation" if invitation else "API key"
    key = checked_key(_asked_key(f"{what} for {where}: "), "The token" if invitation else "The key")
    if invitation:
        with Client(Target(url=where, key=None, key_origin="an invitation needs none")) as client:
            given = {"token": key} | ({"name": name_of_yours} if name_of_yours else {})
            key = client.post("organization.acceptInvitation", given)["key"]
    with Client(Target(url=where, key=key, key_origin="what you entered")) as client:
        caller = client.get("user.get")
    profiles.with_one(name, Profile(url=where, key=key)).save(path)
    if as_json:
        output.say_json({"profile": name, "url": where, "user": caller})
        return
    output.say(f"Logged in to {where} as {output.clean(caller['user']['name'])} ({caller['role']}); profile {name}.")


def logout(context: typer.Context) -> None:
    """Forgets a profile and its key: the current one, or that of --profile. The key itself stays valid."""
    from headway.cli.profiles import Profiles

    path = profiles_file()
    profiles = Profiles.load(path)
    name = Session.of(context).profile or profiles.current
    profiles.without(name).save(path)
    output.say(f"Profile {name} is forgotten.")


def list_profiles(*, as_json: AsJson = False) -> None:
    """Lists the profiles; the one that is used when none is named has a star. Keys are not shown."""
    from headway.cli.profiles import Profiles

    profiles = Profiles.load(profiles_file())
    rows = [
        {"name": name, "url": profile.url, "current": name == profiles.current}
        for name, profile in sorted(profiles.known.items())
    ]
    if as_json:
        output.say_json(rows)
        return
    output.say_table(
        (Column(title="", whole=True), Column(title="PROFILE"), Column(title="PANEL")),
        [("*" if row["current"] else "", str(row["name"]), str(row["url"])) for row in rows],
    )


def use(profile: Named) -> None:
    """Uses a profile from now on where none is named."""
    from headway.cli.profiles import Profiles

    path = profiles_file()
    profiles = Profiles.load(path)
    profiles.with_one(profile, profiles.named(profile)).save(path)
    output.say(f"Profile {profile} is used from now on.")


def _asked_key(question: str) -> str:
    """The key, without showing it. Raises InvalidInput when none is given."""
    if sys.stdin.isatty():
        import getpass

        key = getpass.getpass(question)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise InvalidInput("No key was given. Enter it when asked, or send it on standard input: headway login < FILE")
    return key.strip()
