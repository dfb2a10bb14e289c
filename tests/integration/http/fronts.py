"""What stands before an application, made without asking Traefik about it, and what is attached to it."""

from __future__ import annotations

from headway.core.access import store
from headway.features.edge import certificates_store, middlewares_store
from headway.features.edge.certificates_model import Certificate
from headway.features.edge.middlewares_model import KeptLogin, KeptRedirect
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Login, Redirect
from headway.kernel.ids import new_id
from tests.integration.http.world import World
from tests.support.certificates.certificates import certificate_for


async def front_of(world: World, application_id: str) -> dict[str, str]:
    """The ids of a domain, a redirect and a login of an application, and of a certificate of its organisation."""
    number = new_id()
    domain = await world.post("domain.create", applicationId=application_id, host=f"{slugged(number)}.example")
    vault = world.platform.data_dir.vault
    pem, key = certificate_for(f"{slugged(number)}.example")

    def add(tx: Tx) -> None:
        redirect = Redirect(regex="^a", replacement="b", permanent=False)
        made = {"application_id": application_id, "created_at": tx.now}
        middlewares_store.add_redirect(tx, KeptRedirect(redirect_id=number, redirect=redirect, **made))  # type: ignore[arg-type]
        login = Login(username="me", hash="$2b$08$x")
        middlewares_store.put_login(tx, KeptLogin(login_id=number, login=login, **made), vault)  # type: ignore[arg-type]
        owner = store.first_owner(tx)
        assert owner is not None
        certificate = Certificate(
            certificate_id=number,
            organization_id=owner[1],
            name="c",
            pem=pem,
            auto_renew=None,
            created_at=tx.now,
        )
        certificates_store.add(tx, certificate, vault.seal(key))

    await world.services.db.run(add)
    return {"domain": domain["domainId"], "redirect": number, "security": number, "certificate": number}


def slugged(number: str) -> str:
    """An id as a part of a host name."""
    return number.lower().replace("_", "x").strip("-")


async def attached_to(world: World, application_id: str) -> dict[str, str]:
    """A mount and a published port of an application, by the names of a table."""
    mount = await world.post("mounts.create", serviceId=application_id, type="volume", volumeName="v", mountPath="/v")
    await world.post("port.create", applicationId=application_id, publishedPort=5000, targetPort=5000)
    (port,) = (await world.get("application.one", applicationId=application_id))["ports"]
    return {"mount": mount["mountId"], "port": port["portId"]}
