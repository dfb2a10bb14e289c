"""What clients switch on a channel, and which events that chooses."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from headway.api.inputs import Input
from headway.features.notifications.model import CHANNEL_FAILED, Channel
from headway.features.notifications.service import ChannelRequest

# A restart of the panel and the cleaning of images are told on no channel, and ``decoration`` decorates nothing.
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "appDeploy": ("application.done", "compose.done"),
    "appBuildError": ("application.error", "compose.error", "previewDeployment.error"),
    "databaseBackup": ("backup.done", "backup.error"),
    "dokployBackup": ("backup.done", "backup.error"),
    "volumeBackup": ("volumeBackup.done", "volumeBackup.error"),
    "serverThreshold": ("disk.low",),
    "dokployRestart": (),
    "dockerCleanup": (),
}


class Switches(Input):
    """The switches of all forms."""

    app_deploy: bool = False
    app_build_error: bool = False
    database_backup: bool = False
    dokploy_backup: bool = False
    volume_backup: bool = False
    server_threshold: bool = False
    dokploy_restart: bool = False
    docker_cleanup: bool = False

    def switched(self) -> Mapping[str, bool]:
        """All of them by the names of the wire."""
        return {name: bool(value) for name, value in self.model_dump(by_alias=True).items() if name in _EVENTS}


def events_of(switches: Mapping[str, bool]) -> tuple[str, ...]:
    """What is told; that another channel fails always is."""
    wanted = [event for name, events in _EVENTS.items() if switches[name] for event in events]
    return tuple(dict.fromkeys((*wanted, CHANNEL_FAILED)))


def switches_of(channel: Channel | ChannelRequest) -> dict[str, bool]:
    """The switches as they were given, or as the channel's events are."""
    return {name: channel.target.switches.get(name, _tells_all(channel, events)) for name, events in _EVENTS.items()}


def _tells_all(channel: Channel | ChannelRequest, events: tuple[str, ...]) -> bool:
    return bool(events) and all(any(fnmatchcase(each, pattern) for pattern in channel.events) for each in events)
