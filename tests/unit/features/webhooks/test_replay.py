"""A delivery that is taken again: read beside the event loop by how long it is, and within the bound of a fresh one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from headway.core.access.model import Actor, Credential, Role
from headway.core.deployments.model import SubjectType
from headway.features.git.providers import GitProviderService
from headway.features.services.hooks_model import SourceKind, TrackedSource
from headway.features.services.kinds import ServiceKinds
from headway.features.webhooks import service as module
from headway.features.webhooks.app_hooks import AppHooks
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.model import DeliveryAnswer
from headway.features.webhooks.parser import Arrived, Signature, read, unpacked
from headway.features.webhooks.pull_files import PullFiles
from headway.features.webhooks.service import PayloadTooLarge, WebhookService
from headway.features.webhooks.services import HookedService, HookedServices
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events
from headway.kernel.vault import Vault
from tests.support.databases.databases import unhurried
from tests.support.panel.factories import ledger
from tests.support.panel.permissions import permission

OWNER = Actor(user_id="u", organization_id="o", role=Role.OWNER, credential=Credential.of_key("k"), name="Ann")
LONG = b'{"branch":"another"' + b" " * (1 << 20) + b"}"  # which is packed to next to nothing
HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True)
class OneService:
    """Fits ``HookedServices``, as far as it is asked for one."""

    def find(self, _tx: Tx, subject_type: SubjectType, subject_id: str) -> HookedService:
        return HookedService(
            subject_type=subject_type,
            subject_id=subject_id,
            organization_id="o",
            project_id="p",
            name="web",
            tracked=TrackedSource(source=SourceKind.GIT, branch="main"),
            newest_wins=True,
            secret=None,
            request=lambda _tag: pytest.fail("nothing is deployed"),
        )


@dataclass(frozen=True)
class Asked:
    """What is asked to take deliveries again; ``threads`` are those in which one was unpacked or read."""

    webhooks: WebhookService
    threads: list[str]

    async def kept(self, body: bytes) -> str:
        """The id of a delivery that came."""
        service = OneService().find(cast("Tx", None), SubjectType.APPLICATION, "a")
        taking = self.webhooks._taking

        def take(tx: Tx) -> DeliveryAnswer:
            return taking.take(tx, service, read(HEADERS, body), Signature.UNASKED)

        return (await self.webhooks._db.run(take)).delivery.delivery_id


@pytest.fixture
def asked(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    threads: list[str] = []

    def noted_read(headers: Mapping[str, str], body: bytes) -> Arrived:
        threads.append(threading.current_thread().name)
        return read(headers, body)

    def noted_unpacked(packed: bytes) -> bytes:
        threads.append(threading.current_thread().name)
        return unpacked(packed)

    monkeypatch.setattr(module, "read", noted_read)
    monkeypatch.setattr(module, "unpacked", noted_unpacked)
    db, vault, services = unhurried(SqlDatabase(sqlite_database_url)), Vault(Vault.new_key()), OneService()
    taking = Ingest(
        ledger=ledger(), services=cast("HookedServices", services), events=Events(), most_payload_bytes=64 << 20
    )
    nobody = cast("GitProviderService", None)
    files = PullFiles(db=db, providers=nobody, kinds=cast("ServiceKinds", None))
    yield Asked(
        WebhookService(
            db=db,
            vault=vault,
            taking=taking,
            keep_for=timedelta(days=1),
            most_bytes=2 << 20,
            apps=AppHooks(db=db, vault=vault, taking=taking, files=files),
        ),
        threads,
    )
    db.close()


async def test_what_is_long_is_read_beside_the_loop_however_little_it_was_packed_to(asked: Asked) -> None:
    delivery_id = await asked.kept(LONG)
    again = await asked.webhooks.replay(OWNER, permission("webhook.replay"), delivery_id)
    assert again.delivery.replay_of == delivery_id
    await asked.webhooks.simulate_again(OWNER, permission("webhook.simulate"), delivery_id)
    _, _, payload = await asked.webhooks.one(OWNER, permission("webhook.one"), delivery_id)
    assert payload == LONG
    assert len(asked.threads) == 5
    assert threading.main_thread().name not in asked.threads


async def test_what_would_be_too_large_if_it_came_now_is_not_taken_again(asked: Asked) -> None:
    delivery_id = await asked.kept(LONG)
    asked.webhooks.most_bytes = 1 << 20
    with pytest.raises(PayloadTooLarge, match=r"has 1048596 bytes, and at most 1048576 are taken now"):
        await asked.webhooks.replay(OWNER, permission("webhook.replay"), delivery_id)
    with pytest.raises(PayloadTooLarge):
        await asked.webhooks.simulate_again(OWNER, permission("webhook.simulate"), delivery_id)
    _, _, payload = await asked.webhooks.one(OWNER, permission("webhook.one"), delivery_id)
    assert payload == LONG, "it is shown all the same"
