"""Reads and writes of redirects and logins; hashes are sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from headway.core.access.policy import Missing, Noun
from headway.features.edge.middlewares_model import KeptLogin, KeptRedirect
from headway.infra.db.tables.edge import logins, own_routings, redirects
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Login, Redirect
from headway.kernel.vault import Vault

_r, _l = redirects.c, logins.c


def find_redirect(tx: Tx, redirect_id: str) -> KeptRedirect:
    """The redirect with this id. Raises Missing."""
    row = tx.execute(select(redirects).where(_r.redirect_id == redirect_id)).one_or_none()
    if row is None:
        raise Missing(Noun.REDIRECT)
    return _redirect(row)


def redirects_of(tx: Tx, application_id: str) -> list[KeptRedirect]:
    """An application's redirects, in the order in which they are tried."""
    rows = tx.execute(
        select(redirects).where(_r.application_id == application_id).order_by(_r.created_at, _r.redirect_id)
    )
    return [_redirect(row) for row in rows]


def add_redirect(tx: Tx, kept: KeptRedirect) -> None:
    """Writes a new redirect."""
    redirect = kept.redirect
    tx.execute(
        insert(redirects).values(
            redirect_id=kept.redirect_id,
            application_id=kept.application_id,
            regex=redirect.regex,
            replacement=redirect.replacement,
            permanent=redirect.permanent,
            created_at=kept.created_at,
        )
    )


def change_redirect(tx: Tx, redirect_id: str, redirect: Redirect) -> None:
    """Makes an existing redirect another."""
    values = {"regex": redirect.regex, "replacement": redirect.replacement, "permanent": redirect.permanent}
    tx.execute(update(redirects).where(_r.redirect_id == redirect_id).values(**values))


def remove_redirect(tx: Tx, redirect_id: str) -> None:
    """Deletes a redirect."""
    tx.execute(delete(redirects).where(_r.redirect_id == redirect_id))


def find_login(tx: Tx, login_id: str, vault: Vault) -> KeptLogin:
    """The login with this id. Raises Missing."""
    row = tx.execute(select(logins).where(_l.login_id == login_id)).one_or_none()
    if row is None:
        raise Missing(Noun.LOGIN)
    return _login(row, vault)


def logins_of(tx: Tx, application_id: str, vault: Vault) -> list[KeptLogin]:
    """An application's logins, the oldest first."""
    rows = tx.execute(select(logins).where(_l.application_id == application_id).order_by(_l.created_at, _l.login_id))
    return [_login(row, vault) for row in rows]


def put_login(tx: Tx, kept: KeptLogin, vault: Vault) -> bool:
    """Writes a login, new or in place of the one with its id; False when the application has one of that name."""
    values = {"username": kept.login.username, "hash": vault.seal(kept.login.hash)}
    try:
        with tx.connection.begin_nested():
            if not tx.execute(update(logins).where(_l.login_id == kept.login_id).values(**values)).rowcount:
                tx.execute(
                    insert(logins).values(
                        login_id=kept.login_id,
                        application_id=kept.application_id,
                        created_at=kept.created_at,
                        **values,
                    )
                )
    except IntegrityError:
        return False
    return True


def remove_login(tx: Tx, login_id: str) -> None:
    """Deletes a login."""
    tx.execute(delete(logins).where(_l.login_id == login_id))


def own_routing(tx: Tx, application_id: str, vault: Vault) -> dict[str, dict[str, Any]]:
    """An application's routing in its user's own words, as ``Route.own`` takes it."""
    sealed = tx.scalar(select(own_routings.c.routing).where(own_routings.c.application_id == application_id))
    return {} if sealed is None else dict(vault.open(sealed))


def set_own_routing(tx: Tx, application_id: str, own: dict[str, dict[str, Any]], vault: Vault) -> None:
    """Keeps it; an empty one is none."""
    tx.execute(delete(own_routings).where(own_routings.c.application_id == application_id))
    if own:
        tx.execute(insert(own_routings).values(application_id=application_id, routing=vault.seal(own)))


def forget(tx: Tx, application_id: str) -> None:
    """Deletes all that stands before an application."""
    for table in (redirects, logins, own_routings):
        tx.execute(delete(table).where(table.c.application_id == application_id))


def _redirect(row: Row[Any]) -> KeptRedirect:
    return KeptRedirect(
        redirect_id=row.redirect_id,
        application_id=row.application_id,
        redirect=Redirect(regex=row.regex, replacement=row.replacement, permanent=row.permanent),
        created_at=row.created_at,
    )


def _login(row: Row[Any], vault: Vault) -> KeptLogin:
    return KeptLogin(
        login_id=row.login_id,
        application_id=row.application_id,
        login=Login(username=row.username, hash=vault.open(row.hash)),
        created_at=row.created_at,
    )
