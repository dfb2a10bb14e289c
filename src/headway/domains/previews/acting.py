"""Opens, renews and closes previews, inside the caller's transaction: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.deployments.status import Reason, Status
from headway.domains.applications import store as applications
from headway.domains.applications.making import Making
from headway.domains.applications.model import Application
from headway.domains.applications.requests import deploy_request
from headway.domains.catalog import domains_store
from headway.domains.catalog.domains import LOCK
from headway.domains.catalog.domains_model import Domain, EdgeFacts, checked_wish
from headway.domains.previews import store
from headway.domains.previews.deciding import Deed, Step, decide, shown
from headway.domains.previews.model import ClosedWhy, Preview, Pull, settings_of
from headway.domains.previews.preparing import domain_for, settings_for, variables_for
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

_LONGEST_TITLE = 200
Ask = Callable[[Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was done about a pull request."""

    step: Step
    deployment_id: str | None = None
    superseded: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """``making`` makes what runs of a preview, ``facts`` are the edge's."""

    vault: Vault
    ledger: Ledger
    making: Making
    facts: EdgeFacts

    def take(
        self, tx: Tx, application: Application, pull: Pull, ask: Ask, *, base: str | None, again: bool = False
    ) -> Taken:
        """Does what a pull request, as its forge tells of it, asks for; ``ask`` signs what is queued."""
        known = store.newest(tx, application.application_id, pull.number)
        wished = settings_of(application.settings)
        step = decide(wished, base, pull, known, again=again)
        live = known if known is not None and known.closed_at is None else None
        match step.deed:
            case Deed.REMOVE if live is not None and step.why is not None:
                self._note(tx, live, pull)
                self.close(tx, live, step.why)
            case Deed.AWAIT:
                self._await(tx, application, live, pull)
            case Deed.DEPLOY:
                preview = self._noted(tx, application, live, pull)
                deployment_id = self.deploy(tx, application, preview, ask)
                return Taken(step=step, deployment_id=deployment_id, superseded=self._supersede(tx, deployment_id))
            case _:
                if live is not None and step.reason != "outdated":
                    self._note(tx, live, pull)
        return Taken(step=step)

    def deploy(self, tx: Tx, application: Application, preview: Preview, ask: Ask) -> str:
        """Queues a deploy of the preview; the deployment's id. Raises InvalidInput where there is nothing to deploy."""
        return self.ledger.enqueue(tx, ask(self.request(tx, application, preview))).deployment_id

    def request(self, tx: Tx, application: Application, preview: Preview) -> Request:
        """What is queued to deploy the preview as its application is set now. Where the limit is reached the oldest
        makes room, never this one. Raises InvalidInput.
        """
        running = self._prepared(tx, application, preview)
        others = [
            each for each in store.running(tx, application.application_id) if each.preview_id != preview.preview_id
        ]
        room = max(settings_of(application.settings).limit - 1, 0)
        for oldest in others[: max(0, len(others) - room)]:
            self.close(tx, oldest, ClosedWhy.EVICTED)
        # A pull request of the repository itself may come from wherever the application does; a fork's names a place.
        request = deploy_request(running, allow_file=not preview.fork)
        title = f"#{preview.number} {shown(preview.title)}"[:_LONGEST_TITLE].strip()
        return replace(request, subject_type=SubjectType.PREVIEW, lane=Lane.PREVIEW, default_title=title)

    def approve(self, tx: Tx, application: Application, preview: Preview, by: str, ask: Ask) -> str:
        """Lets the commit that the pull request has now run, and no other; the deployment's id."""
        store.set_fields(tx, preview.preview_id, approved_head=preview.head, approved_by=by)
        return self.deploy(tx, application, store.find(tx, preview.preview_id), ask)

    def close(self, tx: Tx, preview: Preview, why: ClosedWhy) -> None:
        """From here on the preview is gone for everybody; what waits of it ends now, and what runs, serves and lies
        about is cleared after the commit, or by the next panel.
        """
        store.set_fields(tx, preview.preview_id, closed_at=tx.now, closed_why=why, report_at=None)
        for each in deployments.unfinished_of_subject(tx, SubjectType.PREVIEW, preview.preview_id):
            if each.status is Status.PENDING:
                self.ledger.end_waiting(tx, each, Reason.CANCELLED, "Cancelled: its preview was removed.")
        domains_store.forget(tx, SubjectType.APPLICATION, preview.preview_id)
        applications.begin_deletion(tx, preview.preview_id)

    def _await(self, tx: Tx, application: Application, live: Preview | None, pull: Pull) -> None:
        """Keeps what a fork brings; what was approved before serves on, and nothing newer runs."""
        preview = self._noted(tx, application, live, pull)
        for each in deployments.unfinished_of_subject(tx, SubjectType.PREVIEW, preview.preview_id):
            if each.status is Status.PENDING:
                message = f"Superseded by the commit {pull.head[:12]}, which nobody has approved yet."
                self.ledger.end_waiting(tx, each, Reason.SUPERSEDED, message)

    def _noted(self, tx: Tx, application: Application, live: Preview | None, pull: Pull) -> Preview:
        """The preview of a pull request as it is told of now, a new one where there is none."""
        expire_after = settings_of(application.settings).expire_after
        expires_at = None if expire_after is None else tx.now + expire_after
        if live is not None:
            self._note(tx, live, pull)
            store.set_fields(tx, live.preview_id, head=pull.head, branch=pull.branch, expires_at=expires_at)
            return store.find(tx, live.preview_id)
        preview = Preview(
            preview_id=new_id(),
            application_id=application.application_id,
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
        before = store.newest(tx, application.application_id, pull.number)
        store.add(tx, preview if before is None else replace(preview, comment_id=before.comment_id))
        return preview

    def _note(self, tx: Tx, live: Preview, pull: Pull) -> None:
        told_at = pull.told_at or live.told_at
        store.set_fields(tx, live.preview_id, title=pull.title, labels=list(pull.labels), told_at=told_at)

    def _prepared(self, tx: Tx, application: Application, preview: Preview) -> Application:
        """What runs of the preview, set as its application is now. Raises InvalidInput."""
        if preview.awaits_approval:
            raise InvalidInput(
                "The pull request comes from a fork, and nobody has approved the commit that it has now."
            )
        preview_id, settings = preview.preview_id, application.settings
        try:
            running = applications.find(tx, preview_id, self.vault)
        except applications.ApplicationNotFound:
            name = f"{application.name} #{preview.number}"
            app_name = f"{application.app_name[:30]}-pr-{preview.number}"
            running = self.making.add_preview(tx, application, preview_id, name=name, app_name=app_name)
            self._give_domain(tx, running, preview, application)
        hosts = domains_store.of_subject(tx, SubjectType.APPLICATION, preview_id)
        host = hosts[0].wish.host if hosts else self.facts.generated_host(running.app_name)
        settings, env = settings_for(settings, preview), variables_for(settings, preview, host)
        sealed = {"settings": applications.kept(settings, self.vault), "env": self.vault.seal(env)}
        # Not its host: what it has released lies there, also where the application was moved to another since.
        applications.set_fields(tx, preview_id, **sealed)
        return applications.find(tx, preview_id, self.vault)

    def _give_domain(self, tx: Tx, running: Application, preview: Preview, application: Application) -> None:
        wish = domain_for(settings_of(application.settings), preview, running.app_name)
        if wish is None:
            return
        tx.lock(LOCK)
        domain = Domain(
            domain_id=new_id(),
            organization_id=application.organization_id,
            subject_type=SubjectType.APPLICATION,
            subject_id=preview.preview_id,
            wish=checked_wish(wish, self.facts),
            created_at=tx.now,
        )
        foreign = any(
            each.organization_id != application.organization_id for each in domains_store.of_host(tx, domain.wish.host)
        )
        if foreign or self.facts.name_in(domain.wish.host) is not None or not domains_store.put(tx, domain):
            raise InvalidInput(f"The pattern of previews gives {domain.wish.host}, which is taken; let it hold a *.")

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
