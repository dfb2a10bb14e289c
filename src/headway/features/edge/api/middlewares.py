"""``redirects.*`` and ``security.*``: what stands before an application. A change is in force when its call returns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.edge.api.rows import RedirectRow, SecurityRow, redirect_row, security_row
from headway.features.edge.middlewares import MiddlewareService
from headway.kernel.artifacts import Redirect
from headway.kernel.secret import Secret

redirects_router = Router[MiddlewareService](
    "redirects", "Requests to an application that are answered with another address", resource=Noun.REDIRECT
)
security_router = Router[MiddlewareService](
    "security", "Names and passwords without which nobody comes in to an application", resource=Noun.LOGIN
)


Text = Annotated[str, Field(min_length=1)]


class RedirectById(Input):
    redirect_id: Text


class RedirectFields(Input):
    regex: Text
    replacement: Text
    permanent: bool

    def redirect(self) -> Redirect:
        """What was sent."""
        return Redirect(regex=self.regex, replacement=self.replacement, permanent=self.permanent)


class NewRedirect(RedirectFields):
    application_id: Text


class ChangedRedirect(RedirectFields):
    redirect_id: Text


class SecurityById(Input):
    security_id: Text


class SecurityFields(Input):
    username: Text
    password: Annotated[str, Field(min_length=1, repr=False)]


class NewSecurity(SecurityFields):
    application_id: Text


class ChangedSecurity(SecurityFields):
    security_id: Text


@redirects_router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def redirect(middlewares: MiddlewareService, call: Call[RedirectById]) -> RedirectRow:
    """One redirect."""
    return redirect_row(await middlewares.redirect(call.actor, call.permission, call.input.redirect_id))


@redirects_router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.APPLICATION)
async def create_redirect(middlewares: MiddlewareService, call: Call[NewRedirect]) -> bool:
    """Answer requests with another address."""
    await middlewares.create_redirect(call.actor, call.permission, call.input.application_id, call.input.redirect())
    return True


@redirects_router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update_redirect(middlewares: MiddlewareService, call: Call[ChangedRedirect]) -> RedirectRow:
    """Change a redirect."""
    given = call.input
    return redirect_row(
        await middlewares.update_redirect(call.actor, call.permission, given.redirect_id, given.redirect())
    )


@redirects_router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete_redirect(middlewares: MiddlewareService, call: Call[RedirectById]) -> RedirectRow:
    """Remove a redirect."""
    return redirect_row(await middlewares.delete_redirect(call.actor, call.permission, call.input.redirect_id))


@security_router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def login(middlewares: MiddlewareService, call: Call[SecurityById]) -> SecurityRow:
    """One login, without its password."""
    return security_row(await middlewares.login(call.actor, call.permission, call.input.security_id))


@security_router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.APPLICATION)
async def create_login(middlewares: MiddlewareService, call: Call[NewSecurity]) -> bool:
    """Let in only who knows a password."""
    given = call.input
    await middlewares.create_login(
        call.actor, call.permission, given.application_id, given.username, Secret(given.password)
    )
    return True


@security_router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update_login(middlewares: MiddlewareService, call: Call[ChangedSecurity]) -> SecurityRow:
    """Change a login."""
    given = call.input
    return security_row(
        await middlewares.update_login(
            call.actor, call.permission, given.security_id, given.username, Secret(given.password)
        )
    )


@security_router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete_login(middlewares: MiddlewareService, call: Call[SecurityById]) -> SecurityRow:
    """Remove a login; without any, all are let in."""
    return security_row(await middlewares.delete_login(call.actor, call.permission, call.input.security_id))
