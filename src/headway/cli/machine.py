"""What this machine offers the process that asks: the facts that defaults depend on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headway.infra.panel.memory import memory_bytes
from headway.kernel.settings import Facts, Settings


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
