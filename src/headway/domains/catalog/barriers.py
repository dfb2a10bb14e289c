"""Use cases of what stands before an application: redirects and passwords, in force when a call returns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun
from headway.domains.catalog import barriers_store as store
from headway.domains.catalog.barriers_model import KeptLogin, KeptRedirect, checked_redirect, new_login
from headway.domains.catalog.fronted import Fronted, changed, permit_front, permit_to
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Redirect
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

TryRedirect = Callable[[Redirect], Awaitable[None]]


class BarrierService:
    """Redirects and logins of applications. ``try_redirect`` asks Traefik itself and raises InvalidInput where it does
    not understand.
    """

    def __init__(self, db: Database, vault: Vault, applications: Fronted, try_redirect: TryRedirect) -> None:
        self._db = db
        self._vault = vault
        self._applications = applications
        self._try_redirect = try_redirect

    async def create_redirect(self, actor: Actor, application_id: str, redirect: Redirect) -> KeptRedirect:
        """A new redirect. Raises InvalidInput, Missing."""
        await self._db.read(lambda tx: permit_front(tx, self._applications, actor, "redirects.create", application_id))
        await self._try_redirect(checked_redirect(redirect))

        def write(tx: Tx) -> KeptRedirect:
            permit_front(tx, self._applications, actor, "redirects.create", application_id)
            kept = KeptRedirect(
                redirect_id=new_id(), application_id=application_id, redirect=redirect, created_at=tx.now
            )
            store.add_redirect(tx, kept)
            return kept

        return await changed(self._db, self._applications, application_id, write)

    async def update_redirect(self, actor: Actor, redirect_id: str, redirect: Redirect) -> KeptRedirect:
        """Makes a redirect another. Raises InvalidInput, Missing."""
        before = await self.redirect(actor, redirect_id, "redirects.update")
        await self._try_redirect(checked_redirect(redirect))

        def write(tx: Tx) -> KeptRedirect:
            found = self._redirect(tx, actor, redirect_id, "redirects.update")
            store.change_redirect(tx, redirect_id, redirect)
            return replace(found, redirect=redirect)

        return await changed(self._db, self._applications, before.application_id, write)

    async def delete_redirect(self, actor: Actor, redirect_id: str) -> KeptRedirect:
        """Removes a redirect. Raises Missing."""
        before = await self.redirect(actor, redirect_id, "redirects.delete")

        def write(tx: Tx) -> KeptRedirect:
            found = self._redirect(tx, actor, redirect_id, "redirects.delete")
            store.remove_redirect(tx, redirect_id)
            return found

        return await changed(self._db, self._applications, before.application_id, write)

    async def redirect(self, actor: Actor, redirect_id: str, procedure: str = "redirects.one") -> KeptRedirect:
        """A redirect. Raises Missing."""
        return await self._db.read(lambda tx: self._redirect(tx, actor, redirect_id, procedure))

    async def create_login(self, actor: Actor, application_id: str, username: str, password: Secret) -> KeptLogin:
        """A new login: from now on nobody comes in without one. Raises InvalidInput, Conflict, Missing."""
        await self._db.read(lambda tx: permit_front(tx, self._applications, actor, "security.create", application_id))
        login = await asyncio.to_thread(new_login, username, password)

        def write(tx: Tx) -> KeptLogin:
            permit_front(tx, self._applications, actor, "security.create", application_id)
            kept = KeptLogin(login_id=new_id(), application_id=application_id, login=login, created_at=tx.now)
            return self._put(tx, kept)

        return await changed(self._db, self._applications, application_id, write)

    async def update_login(self, actor: Actor, login_id: str, username: str, password: Secret) -> KeptLogin:
        """Makes a login another. Raises InvalidInput, Conflict, Missing."""
        before = await self.login(actor, login_id, "security.update")
        login = await asyncio.to_thread(new_login, username, password)

        def write(tx: Tx) -> KeptLogin:
            return self._put(tx, replace(self._login(tx, actor, login_id, "security.update"), login=login))

        return await changed(self._db, self._applications, before.application_id, write)

    async def delete_login(self, actor: Actor, login_id: str) -> KeptLogin:
        """Removes a login; without any, everybody comes in. Raises Missing."""
        before = await self.login(actor, login_id, "security.delete")

        def write(tx: Tx) -> KeptLogin:
            found = self._login(tx, actor, login_id, "security.delete")
            store.remove_login(tx, login_id)
            return found

        return await changed(self._db, self._applications, before.application_id, write)

    async def login(self, actor: Actor, login_id: str, procedure: str = "security.one") -> KeptLogin:
        """A login. Raises Missing."""
        return await self._db.read(lambda tx: self._login(tx, actor, login_id, procedure))

    async def of(self, actor: Actor, application_id: str) -> tuple[list[KeptRedirect], list[KeptLogin]]:
        """All that stands before an application. Raises Missing."""

        def read(tx: Tx) -> tuple[list[KeptRedirect], list[KeptLogin]]:
            permit_front(tx, self._applications, actor, "application.one", application_id)
            return store.redirects_of(tx, application_id), store.logins_of(tx, application_id, self._vault)

        return await self._db.read(read)

    def _put(self, tx: Tx, kept: KeptLogin) -> KeptLogin:
        if not store.put_login(tx, kept, self._vault):
            raise Conflict(f"The application has a login named {kept.login.username!r} already; change that one.")
        return kept

    def _redirect(self, tx: Tx, actor: Actor, redirect_id: str, procedure: str) -> KeptRedirect:
        found = store.find_redirect(tx, redirect_id)
        self._permit(tx, actor, procedure, found.application_id, Noun.REDIRECT)
        return found

    def _login(self, tx: Tx, actor: Actor, login_id: str, procedure: str) -> KeptLogin:
        found = store.find_login(tx, login_id, self._vault)
        self._permit(tx, actor, procedure, found.application_id, Noun.LOGIN)
        return found

    def _permit(self, tx: Tx, actor: Actor, procedure: str, application_id: str, noun: Noun) -> None:
        front = self._applications.front(tx, application_id)
        if front is None:
            raise Missing(noun)
        permit_to(actor, procedure, front, application_id, noun)
