"""The volumes of applications on a machine's engine: made where they are missing, and nobody else's."""

from __future__ import annotations

from headway.drivers.runtimes.container.body import volume_name
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineRefused
from headway.kernel.artifacts import ReleaseSpec


async def make_volume(api: DockerApi, panel_id: str, spec: ReleaseSpec, volume: str) -> None:
    """Makes one of an application's volumes, if it is not there. Raises EngineRefused for one of somebody else."""
    marks = {labels.PANEL: panel_id, labels.APPLICATION: spec.application_id}
    name = volume_name(spec.app_name, volume)
    made = await api.post("/volumes/create", {"Name": name, "Labels": marks})
    if (made["Labels"] or {}).get(labels.APPLICATION) != spec.application_id:
        raise EngineRefused(
            f"The volume {name} is there already and belongs to somebody else. Give the mount another volume.", 409
        )


async def remove_volumes(api: DockerApi, panel_id: str, application_id: str) -> None:
    """Removes the volumes of one application, and what is in them. Raises EngineRefused while something uses one."""
    mine = labels.labelled(panel=panel_id, application=application_id)
    for volume in (await api.get("/volumes", filters=mine))["Volumes"] or ():
        await api.delete(f"/volumes/{volume['Name']}")
