"""What a machine lacks of what a native build of a repository needs, so that it would end without having begun."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.outlook import plan_build
from headway.drivers.buildplan.toolchains.provision import provide
from headway.drivers.buildplan.toolchains.registries import RegistryAway
from headway.infra.hosts.base import Host
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace

_PACKAGES = "/var/lib/dpkg/status"
_LARGEST = 32 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,98}[a-z0-9+.]")  # what ends in "-" would be removed
_INSTALLED = re.compile(rb"^Package: ([a-z0-9.+-]+)\n(?:[A-Z]\w*+: yes\n)*+Status: install ok installed$", re.MULTILINE)


async def shortage(work: Work, workspace: Workspace, spec: BuildSpec) -> str | None:
    """What is lacking, as the beginning of a sentence; None where nothing is known to be. What no builder could do with
    the repository is not told here, nor what a registry that is away may have at the next deploy.
    """
    try:
        plan = await plan_build(work, workspace, spec)
    except BuildError:
        return None
    if plan.needs and spec.toolchains is not None:
        try:
            await provide(work, plan.needs, spec.toolchains)
        except BuildError as error:
            if not any(isinstance(each, RegistryAway) for each in (error, error.__cause__)):
                return error.message.partition(". ")[0].rstrip(".")
    lacking = await not_installed(work.host, plan.packages)
    return f"this machine does not have {', '.join(lacking)}" if lacking else None


async def not_installed(host: Host, packages: Sequence[str]) -> list[str]:
    """Those of Debian's packages that are not there; none on a machine that has no such packages. What a repository
    names and could not be one is left out.
    """
    status = await host.read_file(_PACKAGES, limit=_LARGEST) if packages else None
    if status is None:
        return []
    there = {match[1].decode() for match in _INSTALLED.finditer(status)}
    return [each for each in packages if each not in there and _NAME.fullmatch(each)]
