"""What is saved of a compose service otherwise than what serves was made with: pure comparisons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from headway.features.services.compose.model import RAW, ComposeSettings, Record
from headway.features.services.rollback_differences import PendingChange, of_values, of_variables
from headway.kernel.errors import InvalidInput
from headway.kernel.variables import Marks
from headway.kernel.veil import veiled_addresses

_FILE = "composeFile"
_PATH = "composePath"
_SET_PATH = "composePathSet"
_OF_PROVIDERS: Mapping[str, Sequence[str]] = {
    "github": ("owner", "repository", "branch"),
    **{
        name: tuple(f"{name}{part}" for part in ("Owner", "Repository", "Branch"))
        for name in ("gitlab", "gitea", "bitbucket")
    },
}


class NotWrittenDown(InvalidInput):
    """What a release was made with is not known."""

    def __init__(self) -> None:
        super().__init__(
            "What it was made with was not written down: it was deployed by an earlier version of Headway. The next "
            "deploy does that."
        )


def made_with(
    settings: ComposeSettings, variables: Mapping[str, str], *, path: str | None = None
) -> Mapping[str, Mapping[str, str]]:
    """What a deploy works from, to be kept with its release: settings by their names on the wire, and variables.
    ``path`` is where its file really lay; where that is not what is set, both are kept.
    """
    is_raw = settings.source_type == RAW
    read = settings.compose_path if path is None else path
    told: dict[str, str | None] = {
        "sourceType": settings.source_type,
        "composeType": settings.compose_type,
        "createEnvFile": "yes" if settings.create_env_file else "no",
        _PATH: None if is_raw else read,
        _SET_PATH: None if is_raw or read == settings.compose_path else settings.compose_path,
    }
    if is_raw:
        told[_FILE] = hashlib.sha256(settings.compose_file.encode(errors="surrogatepass")).hexdigest()
    elif settings.source_type == "git":
        told |= {"customGitUrl": settings.git.url, "customGitBranch": settings.git.branch}
    elif settings.source_type == "drop":
        told["archive"] = None if settings.drop.archive is None else settings.drop.archive.digest[:12]
    provided = _OF_PROVIDERS.get(settings.source_type, ())
    told |= {name: str(settings.extra[name]) for name in provided if settings.extra.get(name)}
    return {"settings": {name: text for name, text in told.items() if text}, "variables": dict(variables)}


def changes(before: Record, settings: ComposeSettings, variables: Mapping[str, str]) -> list[PendingChange]:
    """What differs; only a deploy takes it up. Raises NotWrittenDown."""
    was, becomes = before.made_with, made_with(settings, variables)
    if was is None:
        raise NotWrittenDown
    secret = {name for name in {*was["variables"], *becomes["variables"]} if Marks().is_secret(name)}
    found = of_variables(was["variables"], becomes["variables"], secret)
    found += of_values("setting", *_shown(_as_set(was["settings"]), becomes["settings"]))
    return [PendingChange(difference=each, by_restart=False) for each in found]


def _as_set(told: Mapping[str, str]) -> Mapping[str, str]:
    """The settings of a release as they were set: the next deploy looks for its file anew."""
    rest = {name: text for name, text in told.items() if name != _SET_PATH}
    return rest if _SET_PATH not in told else rest | {_PATH: told[_SET_PATH]}


def _shown(was: Mapping[str, str], becomes: Mapping[str, str]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """The settings as they may be told: of a file only whether it is another."""
    before: dict[str, str | None] = {name: veiled_addresses(text) for name, text in was.items()}
    after: dict[str, str | None] = {name: veiled_addresses(text) for name, text in becomes.items()}
    if was.get(_FILE) and becomes.get(_FILE):
        before[_FILE], after[_FILE] = "as it was deployed", "as it was deployed"
        if was[_FILE] != becomes[_FILE]:
            after[_FILE] = "changed since"
    return before, after
