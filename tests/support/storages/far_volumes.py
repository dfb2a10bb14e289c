"""Backups of a volume of a compose service on a server, for the proofs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.test_applications_servers import Site, connected
from tests.e2e.test_composes_servers import FarStack, far_stack
from tests.support.docker.compose import SLEEPS, as_file
from tests.support.machines.server_roots import FarEngine, NativeEngine, engine_on
from tests.support.panel.panel import until
from tests.support.storages.backups import Volumes, fill_folder, listing, slow_destination
from tests.support.storages.far_backups import marked, nothing_passes

Json = Any
SECONDS_OF_A_RUN = 4  # at the narrow door
_HARD_BYTES = 64 << 20  # more than is buffered on the way


@dataclass(frozen=True, kw_only=True)
class FarVolume:
    """A volume on a server, of a service that is up: one backup of it reads it as it is, another stops the service."""

    site: Site
    engine: FarEngine
    stack: FarStack
    volumes: Volumes
    running_id: str
    stopping_id: str
    folder: Path

    def begin(self, what: str) -> str:
        """Starts a backup (running or stopping), or a restore of the newest file into the same volume or another."""
        if what in {"running", "stopping"}:
            return self.volumes.start(self.running_id if what == "running" else self.stopping_id)
        sent = {"volumeBackupId": self.running_id, "backupFileName": self.newest["path"]}
        into = {"volumeName": "again"} if what == "new" else {}
        answer = self.site.panel.client.post("/volumeBackups.restoreVolumeBackupWithLogs", json=sent | into)
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    @property
    def newest(self) -> Json:
        """The file of the newest backup that did not stop the service."""
        return self.site.panel.get("volumeBackups.files", volumeBackupId=self.running_id)[0]

    @property
    def again(self) -> Path:
        """The folder of the new volume."""
        return self.folder.parent.with_name(self.folder.parent.name.replace("_kept", "_again")) / "_data"

    def is_up(self) -> bool:
        """Whether its service is."""
        return self.stack.containers().keys() == {"db"}

    def is_linked(self) -> bool:
        """Whether the link to the server stands, as the panel tells it."""
        stands: bool = self.site.panel.get("server.one", serverId=self.site.server_id)["reach"]["isUp"]
        return stands

    def change(self) -> str:
        """Has something else in the volume than what is kept; what it is like then."""
        (self.folder / "f1").write_text("changed")
        (self.folder / "since").write_text("written since")
        return listing(self.folder)

    def remove_again(self) -> None:
        """The new volume is gone."""
        self.engine.docker("volume", "rm", self.again.parent.name)

    def check(self, row: Json, kept: str, now: str, *, seconds: float = 5) -> None:
        """Nothing of a run is left, its volume is what was ``kept`` where a restore is done, else what it is ``now``,
        and its service is up.
        """
        panel, deployment_id = self.site.panel, row["deploymentId"]
        until(lambda: not marked(deployment_id), seconds, what=f"{marked(deployment_id)} is gone")
        until(lambda: nothing_passes(panel.data_dir), seconds, what="the panel's folders are clean")
        ids = (self.running_id, self.stopping_id)
        known = {file["path"] for each in ids for file in panel.get("volumeBackups.files", volumeBackupId=each)}
        folders = (panel.data_dir / "backups").glob("*")
        lying = {str(path.relative_to(top)) for top in folders for path in top.rglob("*") if path.is_file()}
        assert lying == known, "what lies there is what is known"
        is_restored = row["kind"] == "volumeBackup.restore" and row["status"] == "done"
        is_new = is_restored and "into the new volume" in panel.deployment_log(deployment_id)
        until(lambda: [path.name for path in self.folder.parent.iterdir()] == ["_data"], seconds, what="one folder")
        assert listing(self.folder) == (kept if is_restored and not is_new else now)
        until(lambda: self.again.exists() is is_new, seconds, what="the new volume is there, or gone")
        if is_new:
            assert listing(self.again) == kept
            self.remove_again()
        until(self.is_up, 30, what="the service is up")


@contextmanager
def far_volume(folder: Path) -> Iterator[FarVolume]:
    """Such a volume with what is awkward in it."""
    with connected(folder) as site, engine_on(site.server, NativeEngine) as engine:
        site.server.show(engine.folder / "data" / "volumes")
        stack = far_stack((site, engine), "shop")
        stack.change(composeFile=as_file({"kept": {}}, db={**SLEEPS, "volumes": ["kept:/kept"]}))
        site.panel.done(stack.begin(), 120)
        name = f"{stack.one()['appName']}_kept"
        place = Path(json.loads(engine.docker("volume", "inspect", name))[0]["Mountpoint"])
        fill_folder(place)
        volumes = Volumes(site.panel)
        given = {"composeId": stack.compose_id, "volumeName": "kept"}
        ids = {f"{how}_id": volumes.make(**given, turnOff=how == "stopping") for how in ("running", "stopping")}
        yield FarVolume(site=site, engine=engine, stack=stack, volumes=volumes, folder=place, **ids)


@contextmanager
def slowly(far: FarVolume) -> Iterator[FarVolume]:
    """With so much in it, and so narrow a door, that a run takes seconds."""
    (far.folder / "hard").write_bytes(os.urandom(_HARD_BYTES))
    ids, panel = (far.running_id, far.stopping_id), far.site.panel
    destination_id = slow_destination(panel, f"--bwlimit={(_HARD_BYTES >> 20) // SECONDS_OF_A_RUN}M")
    for each in ids:
        panel.post("volumeBackups.update", volumeBackupId=each, destinationId=destination_id)
    yield far
    local = next(each for each in panel.get("destination.all") if each["name"] != "slow")
    for each in ids:
        panel.post("volumeBackups.update", volumeBackupId=each, destinationId=local["destinationId"])
    (far.folder / "hard").unlink(missing_ok=True)
