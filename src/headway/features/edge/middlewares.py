"""Use cases of what stands before an application: redirects and passwords, in force when a call returns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission
from headway.features.edge import middlewares_store
from headway.features.edge.middlewares_model import KeptLogin, KeptRedirect, checked_redirect, new_login
from headway.features.edge.route_target import RouteTarget, changed, permit_target, permit_to
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Redirect
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

TryRedirect = Callable[[Redirect], Awaitable[None]]


class MiddlewareService:
    """Redirects and logins of applications. ``try_redirect`` asks Traefik itself and raises InvalidInput where it does
    not understand.
    """

    def __init__(self, db: Database, vault: Vault, applications: RouteTarget, try_redirect: TryRedirect) -> None:
        self._db = db
        self._vault = vault
        self._applications = applications
        self._try_redirect = try_redirect

    async def create_redirect(
        self, actor: Actor, permission: Permission, application_id: str, redirect: Redirect
    ) -> KeptRedirect:
        """A new redirect. Raises InvalidInput, Missing."""
        await self._db.read(lambda tx: permit_target(tx, self._applications, actor, permission, application_id))
        await self._try_redirect(checked_redirect(redirect))

        def write(tx: Tx) -> KeptRedirect:
            permit_target(tx, self._applications, actor, permission, application_id)
            kept = KeptRedirect(
                redirect_id=new_id(), application_id=application_id, redirect=redirect, created_at=tx.now
            )
            middlewares_store.add_redirect(tx, kept)
            return kept

        return await changed(self._db, self._applications, application_id, write)

    async def update_redirect(
        self, actor: Actor, permission: Permission, redirect_id: str, redirect: Redirect
    ) -> KeptRedirect:
        """Makes a redirect another. Raises InvalidInput, Missing."""
        before = await self.redirect(actor, permission, redirect_id)
        await self._try_redirect(checked_redirect(redirect))

        def write(tx: Tx) -> KeptRedirect:
            found = self._redirect(tx, actor, permission, redirect_id)
            middlewares_store.change_redirect(tx, redirect_id, redirect)
            return replace(found, redirect=redirect)

        return await changed(self._db, self._applications, before.application_id, write)

    async def delete_redirect(self, actor: Actor, permission: Permission, redirect_id: str) -> KeptRedirect:
        """Removes a redirect. Raises Missing."""
        before = await self.redirect(actor, permission, redirect_id)

        def write(tx: Tx) -> KeptRedirect:
            found = self._redirect(tx, actor, permission, redirect_id)
            middlewares_store.remove_redirect(tx, redirect_id)
            return found

        return await changed(self._db, self._applications, before.application_id, write)

    async def redirect(self, actor: Actor, permission: Permission, redirect_id: str) -> KeptRedirect:
        """A redirect. Raises Missing."""
        return await self._db.read(lambda tx: self._redirect(tx, actor, permission, redirect_id))

    async def create_login(
        self, actor: Actor, permission: Permission, application_id: str, username: str, password: Secret
    ) -> KeptLogin:
        """A new login: from now on nobody comes in without one. Raises InvalidInput, Conflict, Missing."""
        await self._db.read(lambda tx: permit_target(tx, self._applications, actor, permission, application_id))
        login = await asyncio.to_thread(new_login, username, password)

        def write(tx: Tx) -> KeptLogin:
            permit_target(tx, self._applications, actor, permission, application_id)
            kept = KeptLogin(login_id=new_id(), application_id=application_id, login=login, created_at=tx.now)
            return self._put(tx, kept)

        return await changed(self._db, self._applications, application_id, write)

    async def update_login(
        self, actor: Actor, permission: Permission, login_id: str, username: str, password: Secret
    ) -> KeptLogin:
        """Makes a login another. Raises InvalidInput, Conflict, Missing."""
        before = await self.login(actor, permission, login_id)
        login = await asyncio.to_thread(new_login, username, password)

        def write(tx: Tx) -> KeptLogin:
            return self._put(tx, replace(self._login(tx, actor, permission, login_id), login=login))

        return await changed(self._db, self._applications, before.application_id, write)

    async def delete_login(self, actor: Actor, permission: Permission, login_id: str) -> KeptLogin:
        """Removes a login; without any, everybody comes in. Raises Missing."""
        before = await self.login(actor, permission, login_id)

        def write(tx: Tx) -> KeptLogin:
            found = self._login(tx, actor, permission, login_id)
            middlewares_store.remove_login(tx, login_id)
            return found

        return await changed(self._db, self._applications, before.application_id, write)

    async def login(self, actor: Actor, permission: Permission, login_id: str) -> KeptLogin:
        """A login. Raises Missing."""
        return await self._db.read(lambda tx: self._login(tx, actor, permission, login_id))

    async def of(
        self, actor: Actor, permission: Permission, application_id: str
    ) -> tuple[list[KeptRedirect], list[KeptLogin]]:
        """All that stands before an application. Raises Missing."""

        def read(tx: Tx) -> tuple[list[KeptRedirect], list[KeptLogin]]:
            permit_target(tx, self._applications, actor, permission, application_id)
            return middlewares_store.redirects_of(tx, application_id), middlewares_store.logins_of(
                tx, application_id, self._vault
            )

        return await self._db.read(read)

    def _put(self, tx: Tx, kept: KeptLogin) -> KeptLogin:
        if not middlewares_store.put_login(tx, kept, self._vault):
            raise Conflict(f"The application has a login named {kept.login.username!r} already; change that one.")
        return kept

    def _redirect(self, tx: Tx, actor: Actor, permission: Permission, redirect_id: str) -> KeptRedirect:
        found = middlewares_store.find_redirect(tx, redirect_id)
        self._permit(tx, actor, permission, found.application_id, Noun.REDIRECT)
        return found

    def _login(self, tx: Tx, actor: Actor, permission: Permission, login_id: str) -> KeptLogin:
        found = middlewares_store.find_login(tx, login_id, self._vault)
        self._permit(tx, actor, permission, found.application_id, Noun.LOGIN)
        return found

    def _permit(self, tx: Tx, actor: Actor, permission: Permission, application_id: str, noun: Noun) -> None:
        front = self._applications.front(tx, application_id)
        if front is None:
            raise Missing(noun)
        permit_to(actor, permission, front, application_id, noun)
