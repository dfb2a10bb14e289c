"""The settings of an application as inputs carry them: what is sent is changed, what is not stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from headway.features.services.application.api.build_settings import BuildChanges, build_changes
from headway.features.services.application.api.container_settings import ContainerChanges
from headway.features.services.application.api.rows import ACTIVE, Builder, BuildType, default_of, passive_among
from headway.features.services.application.model import AppSettings
from headway.features.webhooks.api.settings import WatchPaths, WebhookSecret, hook_changes
from headway.kernel.errors import InvalidInput, PasswordForgotten
from headway.kernel.records import replaced

_LONGEST_SECONDS = 7 * 24 * 3600
_MOST_KEPT = 1_000_000
_MOST_DAYS = 36_500

Text = Annotated[str, Field(max_length=4_096)]
Seconds = Annotated[float, Field(gt=0, le=_LONGEST_SECONDS)]
Names = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,255}$")]], Field(max_length=1_000)]
KeptNumber = Annotated[int, Field(ge=1, le=_MOST_KEPT)]
KeptDays = Annotated[float, Field(gt=0, le=_MOST_DAYS)]
ProcessName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
SourceType = Literal["docker", "git", "github", "gitlab", "bitbucket", "gitea", "drop"]

_SETS: Mapping[SourceType | None, str] = MappingProxyType(
    {
        "docker": "application.saveDockerProvider",
        "git": "application.saveGitProvider",
        "github": "application.saveGithubProvider",
        "gitlab": "application.saveGitlabProvider",
        "bitbucket": "application.saveBitbucketProvider",
        "gitea": "application.saveGiteaProvider",
        "drop": "application.dropDeployment",
    }
)


class ApplicationChanges(ContainerChanges):
    """Changes to settings. A field that is sent as null goes back to its default."""

    model_config = ConfigDict(extra="allow")

    source_type: SourceType | None = None
    custom_git_url: Text | None = None
    custom_git_branch: Text | None = None
    custom_git_build_path: Text | None = None
    custom_git_ssh_key_id: Annotated[Text | None, Field(alias="customGitSSHKeyId")] = None
    enable_submodules: bool | None = None
    tag: Text | None = None
    commit: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{7,64})?$")] | None = None
    build_type: BuildType | None = None
    builder: Builder | None = None
    publish_directory: Text | None = None
    drop_build_path: Text | None = None
    build: BuildChanges | None = None
    build_command: Text | None = None
    start_command: Text | None = None
    health_check_path: Annotated[str, Field(pattern=r"^(/[!-~]*)?$", max_length=2_048)] | None = None
    health_deadline_seconds: Seconds | None = None
    settle_seconds: Annotated[float, Field(ge=0, le=_LONGEST_SECONDS)] | None = None
    drain_seconds: Annotated[float, Field(ge=0, le=_LONGEST_SECONDS)] | None = None
    step_seconds: Seconds | None = None
    inactivity_seconds: Seconds | None = None
    total_seconds: Seconds | None = None
    build_args: str | None = None
    build_secrets: str | None = None
    scale: dict[ProcessName, Annotated[int, Field(ge=0, le=100)]] | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    loopback: Annotated[list[Annotated[int, Field(ge=1, le=65_535)]], Field(max_length=100)] | None = None
    open_variables: Names | None = None
    secret_variables: Names | None = None
    keep_deployments: KeptNumber | None = None
    keep_days: KeptDays | None = None
    keep_releases: KeptNumber | None = None
    keep_releases_days: KeptDays | None = None
    keep_releases_bytes: Annotated[int, Field(ge=0, le=1 << 50)] | None = None
    auto_deploy: bool | None = None
    trigger_type: Literal["push", "tag"] | None = None
    watch_paths: WatchPaths | None = None
    newest_wins: bool | None = None
    webhook_secret: WebhookSecret | None = Field(default=None, repr=False)

    def applied(self, settings: AppSettings) -> AppSettings:
        """``settings`` with what was sent. Raises Problem for a memory limit that is none."""
        changed: dict[str, Any] = {}
        fields = type(self).model_fields
        for name in self.model_fields_set & fields.keys():
            attribute = ACTIVE.get(fields[name].alias or name)
            if attribute is not None:
                value = getattr(self, name)
                changed[attribute] = default_of(attribute) if value is None or value == "" else value
        if self.engine_fetch is None and settings.engine_fetch is None:  # what is read is sent back: nobody has said it
            changed.pop("engine_fetch", None)
        changed |= self.special()
        changed["build"] = build_changes(settings.build, self.build, self._about_builds())
        changed |= hook_changes(self.watch_paths, self.webhook_secret, self.model_fields_set)
        passive = passive_among(self.model_extra or {})
        after = replaced(settings, {**changed, "extra": {**settings.extra, **passive}})
        if after.docker.password and not self.password and after.docker.registry_url != settings.docker.registry_url:
            raise PasswordForgotten("the application's registry", "password")
        return after

    def _about_builds(self) -> dict[str, Any]:
        """What was sent of the build, by its names on the wire."""
        names = {
            "build_command": "buildCommand",
            "start_command": "startCommand",
            "publish_directory": "publishDirectory",
        }
        sent = {wire: getattr(self, name) for name, wire in names.items() if name in self.model_fields_set}
        if "build" in self.model_fields_set:
            sent["build"] = self.build
        if "isStaticSpa" in (self.model_extra or {}):
            sent["isStaticSpa"] = (self.model_extra or {})["isStaticSpa"]
        return sent

    def applied_as(self, source: str, settings: AppSettings) -> AppSettings:
        """``applied`` by whoever chooses this source. Raises InvalidInput where another is said to be it."""
        if self.source_type not in {None, source}:
            raise InvalidInput(
                f"This makes {source} the application's source, and sourceType says {self.source_type}: leave "
                f"sourceType out, or set that source by {_SETS[self.source_type]}."
            )
        return replace(self.applied(settings), source_type=source)

    def applied_as_image(self, settings: AppSettings) -> AppSettings:
        """``applied`` by whoever chooses an image as the source."""
        return self.applied_as("docker", settings)

    def applied_as_git(self, settings: AppSettings) -> AppSettings:
        """``applied`` by whoever chooses a git repository as the source."""
        return self.applied_as("git", settings)
