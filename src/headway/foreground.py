"""A panel as a process of its own, which says where it is and goes with a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from headway import __version__
from headway.first_key import KEY_FILE, signing_in
from headway.infra.panel import log_lines
from headway.infra.panel.kept_settings import keep_settings
from headway.infra.panel.process import (
    allow_many_files,
    collect_rarely,
    give_large_buffers_back,
    go_first,
    switch_threads_soon,
)
from headway.kernel.settings import Settings
from headway.panel import Panel

_HTTP_PORT = 80  # which an address leaves out


async def run_panel(settings: Settings, given: Mapping[str, str] | None = None) -> int:
    """Runs a panel in the foreground until SIGTERM or SIGINT; its exit status. ``given`` are the variables that the
    settings were made of, kept for those who work on the data directory later. Raises HeadwayError at the start.
    """
    log_lines.configure(settings.log_level, settings.log_format)
    allow_many_files()
    give_large_buffers_back()
    switch_threads_soon()
    go_first()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(initializer=go_first))
    panel = await Panel.open(settings)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, panel.stop)
        await asyncio.to_thread(keep_settings, panel.data_dir.path, given or {}, __version__)
        collect_rarely()
        _show_key(panel)
        await _show_link(panel)
        await panel.run(lambda: _show_addresses(settings))
    finally:
        panel.close()
    return 0


def _show_key(panel: Panel) -> None:
    """Before anything else can go wrong: the next start does not know it any more."""
    settings = panel.base.settings
    if panel.first_key is not None:
        where = panel.data_dir.path / KEY_FILE
        _say(f"The owner's API key, shown once and kept in {where}:\n{panel.first_key}")
        if settings.owner_key is None and settings.api_key is not None:
            _say(
                "It was taken from HEADWAY_API_KEY, as the very first start still does. That will end: set "
                "HEADWAY_OWNER_KEY for it."
            )
    elif settings.owner_key is not None:
        _say(
            "HEADWAY_OWNER_KEY is for the very first start, and changes nothing here: this panel has an owner. A lost "
            "key is replaced by 'headway keys reset'."
        )


async def _show_link(panel: Panel) -> None:
    said = await signing_in(panel.base.db, panel.base.settings)
    if said is not None:
        _say(said)


def _show_addresses(settings: Settings) -> None:
    port = "" if settings.edge_port == _HTTP_PORT else f":{settings.edge_port}"
    _say(
        f"Headway listens on http://{settings.host}:{settings.port}\n"
        f"Applications answer at http://NAME.{settings.base_domain}{port}"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
