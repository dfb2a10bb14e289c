"""What a deploy works from, fixed when its run is let in, as JSON that is kept encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from headway.features.services.application.model import AppSettings
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Commit
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationPlan:
    """The application as it was when the run began. ``build_variables`` are those that only the build has beside the
    others. ``commit`` is set for a redeploy, which fetches nothing; ``serving`` is the release that serves now, with
    its ports, what it runs in, whether it is an image that ``stays`` one and whether it ``answers`` HTTP; ``mask`` is
    what must not show; ``registry`` has the url, username and password with which an image is fetched, ``provider`` the
    connection to the git provider that opens the repository. It is ``ruled`` where nobody of its organisation may use
    the machine.
    """

    application_id: str
    app_name: str
    settings: AppSettings
    variables: Mapping[str, str] = field(repr=False)
    build_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh_key: str | None = field(repr=False)
    build_uid: int | None
    run_uid: int | None
    git_uid: int | None
    allow_file: bool
    commit: Commit | None
    serving: str | None
    serving_ports: tuple[int, ...]
    serving_runtime: str = "native"
    serving_stays: bool = False
    answers: bool = False
    project_id: str = ""
    organization_id: str = ""
    ruled: bool = False
    host_name: str = ""
    registry: Mapping[str, str] | None = field(default=None, repr=False)
    registry_guarded: bool = False
    provider: Mapping[str, str] | None = field(default=None, repr=False)
    mask: tuple[str, ...] = field(default=(), repr=False)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> ApplicationPlan:
        """The plan that ``dump`` wrote."""
        commit = values["commit"]
        rest = {
            **values,
            "settings": AppSettings.load(values["settings"]),
            "commit": Commit(**commit) if commit else None,
            "serving_ports": tuple(values["serving_ports"]),
            "mask": tuple(values["mask"]),
        }
        return ApplicationPlan(**rest)

    @property
    def build_account(self) -> Account | None:
        """Who builds; None where the panel is not root and does it itself."""
        return _account(self.build_uid)

    @property
    def run_account(self) -> Account | None:
        """Who runs the application."""
        return _account(self.run_uid)

    @property
    def git_account(self) -> Account | None:
        """Who keeps the mirrors, and runs no code of users."""
        return _account(self.git_uid)

    @property
    def fixed_port(self) -> int | None:
        """The port that the settings, or the user's own variables, demand; None where Headway chooses."""
        if self.settings.run.port is not None:
            return self.settings.run.port
        text = self.variables.get("PORT", "").strip()
        return int(text) if text.isdecimal() and 0 < int(text) < 65536 else None


def _account(uid: int | None) -> Account | None:
    return None if uid is None else Account(uid=uid, gid=uid)
