"""The units of a panel, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.panel.units import Units
from headway.kernel.errors import InvalidInput

NOTE = (
    "# Written by `headway install`, which writes it again: set /etc/headway/shop.env instead, or use `systemctl edit`."
)
PANEL = f"""\
{NOTE}
[Unit]
Description=Headway, the panel
Wants=network-online.target shop-supervisor.service shop-edge.service
After=network-online.target shop-supervisor.service shop-edge.service
StartLimitIntervalSec=0

[Service]
Type=notify
Environment=HEADWAY_DATA_DIR=/srv/shop HEADWAY_UNITS=shop
EnvironmentFile=/etc/headway/shop.env
ExecStart=/opt/headway/bin/headway serve
# A restart ends this one process: builds go on, and the next panel picks them up.
KillMode=process
Delegate=yes
DelegateSubgroup=panel
OOMPolicy=continue
TasksMax=infinity
Restart=always
RestartSec=1
TimeoutStopSec=30
Slice=shop.slice

[Install]
WantedBy=multi-user.target
"""
EDGE = f"""\
{NOTE}
[Unit]
Description=Headway, which leads requests to its applications
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=HEADWAY_DATA_DIR=/srv/shop HEADWAY_UNITS=shop
EnvironmentFile=/etc/headway/shop.env
ExecStart=/opt/headway/bin/headway keep edge
KillMode=process
OOMPolicy=continue
TasksMax=infinity
# One that was asked to end stays so until the panel, or somebody else, wants it back.
Restart=on-failure
RestartSec=1
Slice=shop-applications.slice

[Install]
WantedBy=multi-user.target
"""


def units(*, data_dir: str = "/srv/shop", systemd_version: int = 257) -> Units:
    return Units(
        name="shop",
        program=Path("/opt/headway/bin/headway"),
        data_dir=Path(data_dir),
        env_file=Path("/etc/headway/shop.env"),
        systemd_version=systemd_version,
    )


def test_the_panels_unit_ends_only_the_panel() -> None:
    assert units().render()["shop.service"] == PANEL


def test_the_edge_has_a_unit_of_its_own() -> None:
    assert units().render()["shop-edge.service"] == EDGE


def test_so_has_what_keeps_applications_alive() -> None:
    wanted = EDGE.replace("which leads requests to its", "what keeps its").replace(
        "applications\nA", "applications alive\nA"
    )
    wanted = wanted.replace("keep edge", "keep supervisor").replace(
        "network.target\n", "network.target\nBefore=docker.service\n"
    )
    begins = "ExecStart=/opt/headway/bin/headway keep supervisor"
    wanted = wanted.replace(begins, f"ExecStartPre=-{begins.partition('=')[2]} --prepare\n{begins}")
    assert units().render()["shop-supervisor.service"] == wanted


def test_a_systemd_that_cannot_put_the_panel_beside_its_builds_delegates_nothing() -> None:
    wanted = PANEL.replace("Delegate=yes\nDelegateSubgroup=panel\n", "")
    assert units(systemd_version=252).render()["shop.service"] == wanted


@pytest.mark.parametrize("data_dir", ["/srv/my shop", "/srv/50%", "/srv/$HOME", '/srv/"', "/srv/a\nb", "srv"])
def test_a_path_that_systemd_would_read_differently_is_refused(data_dir: str) -> None:
    with pytest.raises(InvalidInput, match="cannot stand in a unit"):
        units(data_dir=data_dir).render()
