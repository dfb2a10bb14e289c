"""``redirects.*`` and ``security.*``: what stands before an application. A change is in force when its call returns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.edge import RedirectRow, SecurityRow, redirect_row, security_row
from headway.kernel.artifacts import Redirect
from headway.kernel.secret import Secret


def procedures() -> tuple[Procedure, ...]:
    """Both routers."""
    return (
        query("redirects.one", "One redirect", RedirectRow, RedirectById, _redirect),
        mutation("redirects.create", "Answer requests with another address", bool, NewRedirect, _create_redirect),
        mutation("redirects.update", "Change a redirect", RedirectRow, ChangedRedirect, _update_redirect),
        mutation("redirects.delete", "Remove a redirect", RedirectRow, RedirectById, _delete_redirect),
        query("security.one", "One login, without its password", SecurityRow, SecurityById, _login),
        mutation("security.create", "Let in only who knows a password", bool, NewSecurity, _create_login),
        mutation("security.update", "Change a login", SecurityRow, ChangedSecurity, _update_login),
        mutation(
            "security.delete", "Remove a login; without any, all are let in", SecurityRow, SecurityById, _delete_login
        ),
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


async def _redirect(call: Call[RedirectById]) -> RedirectRow:
    return redirect_row(await call.platform.barriers.redirect(call.actor, call.permission, call.input.redirect_id))


async def _create_redirect(call: Call[NewRedirect]) -> bool:
    await call.platform.barriers.create_redirect(
        call.actor, call.permission, call.input.application_id, call.input.redirect()
    )
    return True


async def _update_redirect(call: Call[ChangedRedirect]) -> RedirectRow:
    given = call.input
    return redirect_row(
        await call.platform.barriers.update_redirect(call.actor, call.permission, given.redirect_id, given.redirect())
    )


async def _delete_redirect(call: Call[RedirectById]) -> RedirectRow:
    return redirect_row(
        await call.platform.barriers.delete_redirect(call.actor, call.permission, call.input.redirect_id)
    )


async def _login(call: Call[SecurityById]) -> SecurityRow:
    return security_row(await call.platform.barriers.login(call.actor, call.permission, call.input.security_id))


async def _create_login(call: Call[NewSecurity]) -> bool:
    given = call.input
    await call.platform.barriers.create_login(
        call.actor, call.permission, given.application_id, given.username, Secret(given.password)
    )
    return True


async def _update_login(call: Call[ChangedSecurity]) -> SecurityRow:
    given = call.input
    return security_row(
        await call.platform.barriers.update_login(
            call.actor, call.permission, given.security_id, given.username, Secret(given.password)
        )
    )


async def _delete_login(call: Call[SecurityById]) -> SecurityRow:
    return security_row(await call.platform.barriers.delete_login(call.actor, call.permission, call.input.security_id))
