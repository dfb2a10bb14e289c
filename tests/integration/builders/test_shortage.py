"""What makes an image of a repository by itself: that the machine cannot have a language, not that nobody answers."""

from __future__ import annotations

import platform

from headway.drivers.builders.shortage import shortage
from tests.integration.builders.workspaces import lay_out, spec_of
from tests.integration.worksite import Worksite
from tests.support.toolchains.toolchain_registry import packed, toolchain_registry
from tests.support.toolchains.toolchain_stores import store_of

NODES = f"node-linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}"
FILES = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": "", ".nvmrc": "99\n"}


async def test_a_version_is_lacking_once_a_registry_has_said_so(site: Worksite) -> None:
    workspace = lay_out(site, FILES)
    with toolchain_registry() as registry:
        away = spec_of(site, toolchains=store_of(site, registry))
        assert await shortage(site, workspace, away) is None
        await site.begin_again()
        registry.publish(NODES, "98.1.0", packed({"node": ""}))
        answering = spec_of(site, toolchains=store_of(site, registry, attempt="two"))
        lacking = await shortage(site, workspace, answering)
    assert lacking is not None
    assert lacking.startswith("Node 99 was asked for by .nvmrc; this machine has ")
