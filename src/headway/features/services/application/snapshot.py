"""All that a release was made of and runs with, kept sealed: enough to bring it back without a build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from typing import Any

from headway.features.services.application.model import AppSettings
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """``artifact`` is the builder's, under the name of its kind; ``mask`` is what its output must not show; ``hosts``
    are the names that led to it when it was made.
    """

    commit: Commit
    artifact: Mapping[str, Any]
    settings: AppSettings
    variables: Mapping[str, str] = field(repr=False)
    mask: Sequence[str] = field(repr=False)
    hosts: Sequence[str]

    def seal(self, vault: Vault) -> str:
        """The text that ``open_snapshot`` reads."""
        return vault.seal({"version": VERSION, **asdict(self)})

    @property
    def processes(self) -> list[tuple[str, int]]:
        """The process types of a bundle and how often each runs."""
        bundle = self.artifact.get("bundle") or {}
        named = [(str(each["name"]), int(each["scale"])) for each in bundle.get("processes", ())]
        return named or ([("web", 1)] if bundle.get("static_root") is not None else [])


def open_snapshot(text: str, vault: Vault) -> Snapshot | None:
    """The snapshot of a sealed text; None for a release that was made before there were any."""
    if not text:
        return None
    values: dict[str, Any] = vault.open(text)
    return Snapshot(
        commit=Commit(**values["commit"]),
        artifact=values["artifact"],
        settings=AppSettings.load(values["settings"]),
        variables=values["variables"],
        mask=values["mask"],
        hosts=values["hosts"],
    )
