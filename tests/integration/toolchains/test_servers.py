"""The same on a server behind SSH, where what was built elsewhere finds its languages at the same paths."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.provision import bring, provide
from tests.integration.worksite import IS_ROOT, Worksite
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, packed
from tests.support.toolchains.toolchain_stores import entries_of, left_of, says, store_of

pytestmark = pytest.mark.skipif(not (IS_ROOT and SSHD), reason="needs root and OpenSSH's server (openssh-server)")

DENO = f"@deno/linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}-glibc"


@pytest.fixture
async def far() -> AsyncIterator[Worksite]:
    with tempfile.TemporaryDirectory(prefix="headway-far-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with ssh_server(folder / "server") as server:
            async with ssh_host(server) as host:
                site = Worksite(folder, host)
                try:
                    yield site
                finally:
                    await site.end()


async def test_a_server_fetches_for_itself_and_has_what_was_built_elsewhere_at_the_same_path(
    far: Worksite, registry: ToolchainRegistry
) -> None:
    registry.publish(DENO, "99.1.0", packed({"deno": "#!/bin/sh\necho deno 99.1.0\n"}))
    store = store_of(far, registry)
    needs = [Need(tool="deno", wanted="99", source="deno.json"), Need(tool="python", source="main.py")]
    provided = await provide(far, needs, store)
    assert provided.lines[0] == "Deno 99.1.0, as deno.json asks (99), from npm"
    assert says(provided.path[0], "deno", account=far.build) == "deno 99.1.0"
    assert says(provided.path[1], "python3", "-c", "print(1)", account=far.build) == "1"
    assert (entries_of(store), left_of(store)) == (sorted(provided.names), [])
    await far.begin_again()
    brought = await bring(far, provided.names, store_of(far, registry, attempt="two"))
    assert brought.path == provided.path
    await far.begin_again()
    with pytest.raises(BuildError, match=r"Python 3\.2\.1 is needed; this machine has 3\.") as refused:
        await bring(far, ["python/3.2.1"], store_of(far, registry, attempt="three"))
    assert "pyenv install" in refused.value.message
