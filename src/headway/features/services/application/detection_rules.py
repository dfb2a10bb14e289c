"""By which rules of detection an application is planned: what was released before there were newer ones keeps those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from headway.core.access.survey import Line
from headway.drivers.buildplan.settings import FIRST, NEWEST
from headway.features.services import releases_store
from headway.features.services.application import store
from headway.features.services.application.model import Application, AppSettings
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def planned(tx: Tx, application: Application) -> AppSettings:
    """The settings as a deploy takes them: of what was never released nothing is to stay as it was. What runs of a pull
    request is planned as its application is.
    """
    settings, released = application.settings, application.preview_of or application.service_id
    if settings.build.detection != FIRST or releases_store.next_number(tx, released) > 1:
        return settings
    return replace(settings, build=replace(settings.build, detection=NEWEST))


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    named: dict[str, list[str]] = defaultdict(list)
    for each in store.every(tx, vault):
        release = store.serving(tx, each.service_id)
        if each.settings.build.detection == FIRST and release is not None and release.runtime == "native":
            named[each.organization_id].append(each.name)
    for names in named.values():
        why = (
            "stays: each is planned by the rules that it was released by, until a setting of its build changes or "
            "the newest are taken (headway apps set APP --detection newest)"
        )
        yield Line(what=f"application {', '.join(names)}", setting="build.detection 1", why=why, refused=False)
