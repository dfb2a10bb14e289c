"""What the processes of an application write, for who reads it by its lines or as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from headway.drivers.runtimes.contract.runtime import Behind, Piece, Runtime
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import Application
from headway.features.services.application.output import Mask
from headway.features.services.application.variables import known_secrets, marks_of
from headway.features.services.model import DesiredState, Release
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLogs:
    """Fits ``WrittenLogsOf``, of databases too."""

    lifecycle: ApplicationLifecycle

    async def __call__(self, service_id: str, /) -> Sequence[WrittenLog]:
        vault = self.lifecycle.vault

        def look(tx: Tx) -> tuple[Application, Release | None, set[str]]:
            application = store.find(tx, service_id, vault)
            return application, store.serving(tx, service_id), known_secrets(tx, application, vault)

        application, release, secrets = await self.lifecycle.db.read(look)
        if release is None:
            return ()
        runtime = self.lifecycle.driver.runtime(release)
        masked = await Mask(secrets=secrets, marks=marks_of(application.settings)).of(release, runtime)
        found = await runtime.pieces(release.release_id, Behind(places={}, tail=1), masked)
        return [
            WrittenLog(
                name=each.process,
                key=f"release {release.release_id} {each.process}",
                piece=partial(_piece, runtime, release.release_id, masked),
                is_over=application.wanted is not DesiredState.UP,
            )
            for each in found
        ]


async def _piece(runtime: Runtime, release_id: str, masked: Callable[[str], str], behind: Behind) -> Piece | None:
    """What one of its processes wrote, which is asked for alone."""
    found = await runtime.pieces(release_id, behind, masked)
    return found[0] if found else None
