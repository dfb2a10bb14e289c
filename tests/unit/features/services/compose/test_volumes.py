"""By which names the volumes of a compose service are found."""

from __future__ import annotations

from headway.drivers.runtimes.compose.conversion import Identity, owned
from headway.features.services.compose.volumes import ComposeVolumes


def test_a_volume_is_looked_for_first_by_the_name_that_the_file_is_given_to_the_engine_with() -> None:
    identity = Identity(panel_id="panel", compose_id="compose", project="shop-1a2b")
    made = owned({"services": {}, "volumes": {"data": {"name": "mine"}}}, identity, {})["volumes"]["data"]
    volumes = ComposeVolumes()
    assert volumes.names("shop-1a2b", "data")[0] == made["name"]
    assert made["labels"][volumes.label] == "compose"
    assert made["name"] in volumes.names("shop-1a2b", made["name"])
