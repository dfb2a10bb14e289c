"""Opens, renews and closes previews, inside the caller's transaction: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.deployments.status import Reason, Status
from headway.drivers.forges.events import Pull
from headway.features.previews import store
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.previews.policy import Deed, Step, decide, shown
from headway.features.previews.services import PreviewedServices, begin_deletion
from headway.features.services.model import Service
from headway.features.services.previews_model import settings_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id

_LONGEST_TITLE = 200
Ask = Callable[[Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewStep:
    """What was done about a pull request."""

    step: Step
    deployment_id: str | None = None
    superseded: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLifecycle:
    """``services`` are those of which there are previews."""

    ledger: Ledger
    services: PreviewedServices

    def take(
        self,
        tx: Tx,
        service: Service[Any],
        pull: Pull,
        ask: Ask,
        *,
        branch: str | None,
        again: bool = False,
        unwatched: str | None = None,
    ) -> PreviewStep:
        """Does what a pull request, as its forge tells of it, asks for; ``branch`` is the one that the service deploys
        (None: any), ``ask`` signs what is queued; ``unwatched`` says that none of its files is watched.
        """
        known = store.newest(tx, service.service_id, pull.number)
        step = decide(settings_of(service.settings.extra), branch, pull, known, again=again, unwatched=unwatched)
        live = known if known is not None and known.closed_at is None else None
        match step.deed:
            case Deed.REMOVE if live is not None and step.why is not None:
                self._note(tx, live, pull)
                self.close(tx, live, step.why)
            case Deed.AWAIT:
                self._await(tx, service, live, pull)
            case Deed.DEPLOY:
                preview = self._noted(tx, service, live, pull)
                deployment_id = self.deploy(tx, preview, ask)
                return PreviewStep(
                    step=step, deployment_id=deployment_id, superseded=self._supersede(tx, deployment_id)
                )
            case _:
                if live is not None and step.reason != "outdated":
                    self._note(tx, live, pull)
                    if step.reason == "watch_paths":  # which whoever looks after missed pushes has to know
                        store.set_fields(tx, live.preview_id, passed_head=pull.head)
        return PreviewStep(step=step)

    def deploy(self, tx: Tx, preview: Preview, ask: Ask) -> str:
        """Queues a deploy of the preview; the deployment's id. Raises InvalidInput where there is nothing to deploy."""
        return self.ledger.enqueue(tx, ask(self.request(tx, preview))).deployment_id

    def request(self, tx: Tx, preview: Preview) -> Request:
        """What is queued to deploy the preview as its service is set now. Where the limit is reached the oldest makes
        room, never this one. Raises InvalidInput.
        """
        if preview.awaits_approval:
            raise InvalidInput(
                "The pull request comes from a fork, and nobody has approved the commit that it has now."
            )
        wished = settings_of(self.services.of(tx, preview).settings.extra)
        self.services.prepare(tx, preview)
        self._make_room(tx, preview, wished.limit)
        sleeps_at = None if wished.sleep_after is None else tx.now + wished.sleep_after
        store.set_fields(tx, preview.preview_id, sleeps_at=sleeps_at, asleep_since=None)
        title = f"#{preview.number} {shown(preview.title)}"[:_LONGEST_TITLE].strip()
        request = self.services.request(tx, preview)
        return replace(request, subject_type=SubjectType.PREVIEW, lane=Lane.PREVIEW, default_title=title)

    def _make_room(self, tx: Tx, preview: Preview, limit: int) -> None:
        others = [each for each in store.running(tx, preview.service_id) if each.preview_id != preview.preview_id]
        for oldest in others[: max(0, len(others) - max(limit - 1, 0))]:
            self.close(tx, oldest, ClosedWhy.EVICTED)

    def approve(self, tx: Tx, preview: Preview, by: str, ask: Ask) -> str:
        """Lets the commit that the pull request has now run, and no other; the deployment's id."""
        store.set_fields(tx, preview.preview_id, approved_head=preview.head, approved_by=by)
        return self.deploy(tx, store.find(tx, preview.preview_id), ask)

    def close(self, tx: Tx, preview: Preview, why: ClosedWhy) -> None:
        """From here on the preview is gone for everybody; what waits of it ends now, and what runs, serves and lies
        about is cleared after the commit, or by the next panel.
        """
        store.set_fields(tx, preview.preview_id, closed_at=tx.now, closed_why=why, report_at=None)
        for each in deployments.unfinished_of_subject(tx, SubjectType.PREVIEW, preview.preview_id):
            if each.status is Status.PENDING:
                self.ledger.end_waiting(tx, each, Reason.CANCELLED, "Cancelled: its preview was removed.")
        begin_deletion(tx, preview.service_type, preview.preview_id)

    def _await(self, tx: Tx, service: Service[Any], live: Preview | None, pull: Pull) -> None:
        """Keeps what a fork brings; what was approved before serves on, and nothing newer runs."""
        preview = self._noted(tx, service, live, pull)
        for each in deployments.unfinished_of_subject(tx, SubjectType.PREVIEW, preview.preview_id):
            if each.status is Status.PENDING:
                message = f"Superseded by the commit {pull.head[:12]}, which nobody has approved yet."
                self.ledger.end_waiting(tx, each, Reason.SUPERSEDED, message)

    def _noted(self, tx: Tx, service: Service[Any], live: Preview | None, pull: Pull) -> Preview:
        """The preview of a pull request as it is told of now, a new one where there is none."""
        expire_after = settings_of(service.settings.extra).expire_after
        expires_at = None if expire_after is None else tx.now + expire_after
        if live is not None:
            self._note(tx, live, pull)
            moved = {"head": pull.head, "passed_head": None, "branch": pull.branch, "expires_at": expires_at}
            store.set_fields(tx, live.preview_id, **moved)
            return store.find(tx, live.preview_id)
        preview = Preview(
            preview_id=new_id(),
            service_type=service.kind,
            service_id=service.service_id,
            number=pull.number,
            title=pull.title,
            url=pull.url,
            author=pull.author,
            branch=pull.branch,
            head=pull.head,
            fork=pull.fork,
            source_url=pull.source_url,
            labels=pull.labels,
            approved_head=None,
            approved_by=None,
            told_at=pull.told_at,
            created_at=tx.now,
            expires_at=expires_at,
        )
        before = store.newest(tx, service.service_id, pull.number)
        store.add(tx, preview if before is None else replace(preview, comment_id=before.comment_id))
        return preview

    def _note(self, tx: Tx, live: Preview, pull: Pull) -> None:
        told_at = pull.told_at or live.told_at
        store.set_fields(tx, live.preview_id, title=pull.title, labels=list(pull.labels), told_at=told_at)

    def _supersede(self, tx: Tx, by: str) -> list[str]:
        """Ends what still waits of the same preview: the newest holds all that the others have brought."""
        newest = deployments.find(tx, by)
        message = f"Superseded by the deployment {by}, of a newer commit of the pull request."
        waiting = [
            each
            for each in deployments.unfinished_of_subject(tx, SubjectType.PREVIEW, newest.subject_id)
            if each.deployment_id != by and each.status is Status.PENDING
        ]
        ended = [(each, self.ledger.end_waiting(tx, each, Reason.SUPERSEDED, message)) for each in waiting]
        return [each.deployment_id for each, end in ended if end is not None]
