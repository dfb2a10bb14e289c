"""The systemd units of a panel, as text: the panel, what keeps applications alive, and the edge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.settings import Part

_PLAIN = re.compile(r"/[A-Za-z0-9._/+@:-]+")  # systemd reads blanks, quotes, %, $ and backslashes in its own way
# Since then the panel's own process can be put beside the groups of its builds. Before, a restart while builds run
# would fail: systemd could not put the new process into a group that hands controllers down.
_VERSION_WITH_SUBGROUPS = 254
_NOTE = "# Written by `headway install`, which writes it again: set {env_file} instead, or use `systemctl edit`.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What the units are made from. ``name`` is that of the panel's unit, and begins those of the others."""

    name: str
    program: Path
    data_dir: Path
    env_file: Path
    systemd_version: int

    @property
    def names(self) -> tuple[str, ...]:
        """The panel's unit first."""
        return (f"{self.name}.service", *(f"{self.name}-{part}.service" for part in Part))

    def render(self) -> Mapping[str, str]:
        """The text of each unit, by its name. Raises InvalidInput where a path would not be read as it is."""
        for path in (self.program, self.data_dir, self.env_file):
            if not _PLAIN.fullmatch(str(path)):
                raise InvalidInput(
                    f"{path} cannot stand in a unit of systemd: use a path of letters, digits and . _ + @ : - only."
                )
        panel, supervisor, edge = self.names
        return {
            panel: self._panel(),
            supervisor: self._daemon(Part.SUPERVISOR, "what keeps its applications alive"),
            edge: self._daemon(Part.EDGE, "which leads requests to its applications"),
        }

    def _panel(self) -> str:
        _, supervisor, edge = self.names
        subgroup = self.systemd_version >= _VERSION_WITH_SUBGROUPS
        delegated = "Delegate=yes\nDelegateSubgroup=panel\n" if subgroup else ""
        return f"""{self._head("the panel")}Wants=network-online.target {supervisor} {edge}
After=network-online.target {supervisor} {edge}
StartLimitIntervalSec=0

[Service]
Type=notify
{self._environment()}ExecStart={self.program} serve
# A restart ends this one process: builds go on, and the next panel picks them up.
KillMode=process
{delegated}OOMPolicy=continue
TasksMax=infinity
Restart=always
RestartSec=1
TimeoutStopSec=30
Slice={self.name}.slice

[Install]
WantedBy=multi-user.target
"""

    def _daemon(self, part: Part, what: str) -> str:
        first = part is Part.SUPERVISOR  # what containers begin in is judged before an engine begins any
        order = "Before=docker.service\n" if first else ""
        before = f"ExecStartPre=-{self.program} keep {part} --prepare\n" if first else ""
        return f"""{self._head(what)}After=network.target
{order}StartLimitIntervalSec=0

[Service]
Type=exec
{self._environment()}{before}ExecStart={self.program} keep {part}
KillMode=process
OOMPolicy=continue
TasksMax=infinity
# One that was asked to end stays so until the panel, or somebody else, wants it back.
Restart=on-failure
RestartSec=1
Slice={self.name}-applications.slice

[Install]
WantedBy=multi-user.target
"""

    def _head(self, what: str) -> str:
        return f"{_NOTE.format(env_file=self.env_file)}[Unit]\nDescription=Headway, {what}\n"

    def _environment(self) -> str:
        return (
            f"Environment=HEADWAY_DATA_DIR={self.data_dir} HEADWAY_UNITS={self.name}\nEnvironmentFile={self.env_file}\n"
        )
