"""The settings of a build as inputs carry them: one object, of which what is sent is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from headway.api.inputs import Input
from headway.drivers.buildplan.settings import NEWEST, BuildSettings
from headway.features.services.application.api.build_rows import NAMES


def _inside(folder: str) -> str:
    parts = folder.split("/")
    if folder.startswith("/") or ".." in parts or not all(parts) or "\0" in folder:
        msg = "a folder below the build path, such as storage/uploads"
        raise ValueError(msg)
    return folder


Line = Annotated[str, Field(max_length=4_096)]
Tool = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Version = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[ -~]+$")]
Folder = Annotated[str, Field(min_length=1, max_length=1_024), AfterValidator(_inside)]


class BuildChanges(Input):
    """Each takes the place of what detection would choose; one that is sent as null leaves it to that again."""

    model_config = ConfigDict(extra="forbid")

    provider: Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z0-9-]*$")] | None = None
    package: Annotated[str, Field(max_length=512)] | None = None
    install: Line | None = None
    build: Line | None = None
    start: Line | None = None
    release: Line | None = None
    publish: Line | None = None
    fallback: bool | None = None
    versions: Annotated[dict[Tool, Version], Field(max_length=20)] | None = None
    keep: Annotated[list[Folder], Field(max_length=50)] | None = None
    detection: Literal[1, 2] | None = None

    def applied(self, before: BuildSettings) -> BuildSettings:
        """The settings with what was sent."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        set_: dict[str, Any] = {name: _default(name) if each in (None, "") else each for name, each in given.items()}
        return replace(before, **set_)


def build_changes(before: BuildSettings, given: BuildChanges | None, others: Mapping[str, Any]) -> BuildSettings:
    """The settings with the object that was sent (``others`` has ``build`` where it was), and with those that have a
    name on the application itself. What is changed is planned by the newest rules, unless it was said by which.
    """
    after = before
    if "build" in others:
        after = BuildSettings(detection=before.detection) if given is None else given.applied(before)
    own: dict[str, Any] = {attribute: others[name] or None for name, attribute in NAMES.items() if name in others}
    if "isStaticSpa" in others:
        other = None if after.fallback else after.fallback
        own["fallback"] = True if others["isStaticSpa"] else other
    after = replace(after, **own)
    is_said = given is not None and given.detection is not None
    return after if is_said or after == before else replace(after, detection=NEWEST)


def _default(name: str) -> Any:  # noqa: ANN401 - any setting
    return getattr(BuildSettings(), name)
