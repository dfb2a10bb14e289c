"""The settings of a compose service as inputs carry them: what is sent is changed, what is not stays as it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from headway.api.inputs import Input
from headway.features.services.application.api.settings import KeptDays, KeptNumber, Seconds, Text
from headway.features.services.compose.api.rows import ACTIVE, ComposeType, SourceType, default_of, passive_among
from headway.features.services.compose.model import ComposeSettings
from headway.features.webhooks.api.settings import WatchPaths, WebhookSecret, hook_changes
from headway.kernel.records import replaced

_LONGEST_SECONDS = 7 * 24 * 3600

Id = Annotated[str, Field(min_length=1, max_length=64)]


class ComposeChanges(Input):
    """Changes to settings. A field that is sent as null goes back to its default."""

    model_config = ConfigDict(extra="allow")

    source_type: SourceType | None = None
    compose_type: ComposeType | None = None
    compose_file: Annotated[str, Field(max_length=512 << 10)] | None = None
    compose_path: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    registry_ids: Annotated[list[Id], Field(max_length=20)] | None = None
    custom_git_url: Text | None = None
    custom_git_branch: Text | None = None
    custom_git_ssh_key_id: Annotated[Text | None, Field(alias="customGitSSHKeyId")] = None
    enable_submodules: bool | None = None
    create_env_file: bool | None = None
    allow_host_access: bool | None = None
    engine_fetch: bool | None = None
    health_deadline_seconds: Seconds | None = None
    settle_seconds: Annotated[float, Field(ge=0, le=_LONGEST_SECONDS)] | None = None
    step_seconds: Seconds | None = None
    inactivity_seconds: Seconds | None = None
    total_seconds: Seconds | None = None
    keep_releases: KeptNumber | None = None
    keep_releases_days: KeptDays | None = None
    auto_deploy: bool | None = None
    trigger_type: Literal["push", "tag"] | None = None
    watch_paths: WatchPaths | None = None
    newest_wins: bool | None = None
    webhook_secret: WebhookSecret | None = Field(default=None, repr=False)

    def applied(self, settings: ComposeSettings) -> ComposeSettings:
        """``settings`` with what was sent."""
        changed: dict[str, Any] = {}
        fields = type(self).model_fields
        for name in self.model_fields_set & fields.keys():
            attribute = ACTIVE.get(fields[name].alias or name)
            if attribute is not None:
                value = getattr(self, name)
                changed[attribute] = default_of(attribute) if value is None or value == "" else value
        if self.engine_fetch is None and settings.engine_fetch is None:  # what is read is sent back: nobody has said it
            changed.pop("engine_fetch", None)
        changed |= hook_changes(self.watch_paths, self.webhook_secret, self.model_fields_set)
        passive = passive_among(self.model_extra or {})
        return replaced(settings, {**changed, "extra": {**settings.extra, **passive}})
