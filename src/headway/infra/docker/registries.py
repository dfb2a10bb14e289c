"""Asking a registry, through an engine, whether it knows credentials; and what is told of what it says."""

from __future__ import annotations

import re

from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.hosts.command import Command
from headway.infra.hosts.work import Work
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

# What engines and registries say, and what it means; the first that fits. Their own words are not told: a registry's
# answer, or that of what it leads to, would be read by whoever named it.
ANSWERS = (
    ("toomanyrequests|too many requests|rate limit", "it limits how often it is asked; wait, or give it a user"),
    ("no matching manifest", "it has none of this image that runs on this machine"),
    ("no space left on device|disk quota exceeded", "this machine's disk is full; headway disk clean makes room"),
    ("no such host|server misbehaving", "there is no host of that name"),
    (r"\bx509: |\btls: (?:failed to verify|\w+ certificate)", "its certificate is not trusted here"),
    ("HTTP response to HTTPS client", "it speaks HTTP, which an engine takes of the loopback only"),
    (
        "unauthorized|incorrect username|authentication required",
        "it refuses the user or the password, or asks for them",
    ),
    ("denied|insufficient_scope|forbidden", "it has no such image, or not for this user"),
    ("manifest unknown|name unknown|not found", "it has no image of that name"),
    ("docker daemon running|docker daemon at", "the container engine of the machine does not answer"),
    ("refused|unreachable|no route|timeout|deadline|EOF|reset", "it does not answer"),
)
_STRANGE = "it does not answer as a registry does"


class RegistryRefused(InvalidInput):
    """A registry does not take the credentials, or is none."""


async def log_in(api: DockerApi, url: str, username: str, password: Secret) -> None:
    """Returns when the registry takes the credentials; they are kept nowhere. Raises RegistryRefused, EngineAway."""
    asked = {"serveraddress": url, "username": username, "password": password.reveal()}
    try:
        await api.post("/auth", asked)
    except EngineRefused as refused:
        said = refused.message
        if "unauthorized" in said.lower() or "incorrect username or password" in said:
            raise unknown(url, username) from refused
        raise unusable(url, explained(said)) from refused


async def asked(work: Work, name: str, command: Command) -> str | None:
    """Asks a registry by a command of the run; None where it did what was asked, else what it says, in a clause. What
    is killed or takes too long ends the run.
    """
    ended = await work.command(name, command, check=False)
    if ended.cause is not None:
        await work.command(name, command)  # it is not started again: this tells how it ended
    return None if ended.succeeded else explained(ended.output.decode(errors="replace"))


def explained(said: str) -> str:
    """What the words of a registry, or of an engine about one, mean, in a clause."""
    known = (meaning for words, meaning in ANSWERS if re.search(words, said, re.IGNORECASE))
    return next(known, _STRANGE)


def unknown(url: str, username: str) -> RegistryRefused:
    """It does not know the credentials."""
    return RegistryRefused(
        f"The registry {url or 'Docker Hub'} refuses the user {username} with this password. Correct them."
    )


def unusable(url: str, why: str) -> RegistryRefused:
    """It is none that can be used."""
    return RegistryRefused(f"The registry {url or 'Docker Hub'} cannot be used: {why}.")
