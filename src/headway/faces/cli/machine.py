"""What this machine offers the process that asks: the facts that defaults depend on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headway.kernel.settings import Facts, Settings

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def facts() -> Facts:
    """The facts about this machine and account as they are now."""
    return Facts(
        is_root=os.geteuid() == 0,
        home=Path.home(),
        cwd=Path.cwd(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=memory_bytes(),
    )


def settings_of(data_dir: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings of a data directory for who works on it beside its panel: those of the environment, and where that
    has none, those that its panel was last started with. Raises InvalidInput.
    """
    from headway.infra.panel.kept_settings import kept_settings

    folder = Settings.from_env(env, facts(), data_dir=data_dir).data_dir
    given = {name: value for name, value in env.items() if value.strip()}
    return Settings.from_env({**kept_settings(folder), **given}, facts(), data_dir=folder)


def memory_bytes() -> int:
    """The memory of this machine in bytes, or of the container where that has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [int(text) for path in _CGROUP_LIMITS if (text := _read(path)).isdigit()]
    return min([total, *(limit for limit in limits if limit > 0)])


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
