"""Use cases of signing in by a passkey, with a name that was typed and without one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Sequence
from importlib import import_module

from headway.core.access import passkeys_store, people_store, tokens
from headway.core.access.passkeys import Challenges, NotShown, Passkey, PasskeyHost, Use, counts_on
from headway.core.access.passwords import looked_for
from headway.core.access.session import Opened, Stage, Visitor
from headway.core.access.session_start import as_actor, new_token, note_failed, open_session
from headway.core.access.sign_in import WrongSignIn
from headway.core.access.throttle import Throttle
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

PASSKEY_FAILED = "session.passkeyFailed"
_LATE = "This took longer than five minutes, or was begun elsewhere. Try it once more."
_UNKNOWN = "This panel does not know that passkey: it was removed, or made at another address of the panel."
_WRONG = "Your browser's answer does not show that passkey. Try it once more, or sign in by your password."
_COPIED = (
    "This passkey has been used less often than the panel has seen: a copy of it may be in other hands. Sign in by "
    "your password, and remove it."
)
# Which ids a passkey may have of a name that has none: as long as those that authenticators make.
_LENGTHS = (16, 20, 32, 32, 48, 64)
_MOST_MADE_UP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a browser is asked, as JSON, and the token of whoever is asked: the answer has to come with it."""

    token: str
    options: str


class PasskeySignIn:
    """Signs people in who show a passkey."""

    def __init__(self, db: Database, throttle: Throttle, challenges: Challenges, secret: str) -> None:
        self._db = db
        self._throttle = throttle
        self._challenges = challenges
        self._secret = secret.encode()

    async def question(self, host: PasskeyHost, name: str, visitor: Visitor) -> Question:
        """What a browser is asked: any passkey that it has for the panel, or one of whoever is called so. Raises
        TooManyTries.
        """
        self._throttle.admit(visitor.address)
        allowed = await self._allowed(host, looked_for(name)) if name.strip() else None
        await load_ceremonies()
        from headway.core.access import ceremonies  # noqa: PLC0415 - see there

        token = new_token()
        challenge = self._challenges.make(tokens.digest(token), visitor.address)
        return Question(token=token, options=json.dumps(ceremonies.request_options(host, allowed, challenge)))

    async def sign_in(self, host: PasskeyHost, token: str | None, answer: str, visitor: Visitor) -> Opened:
        """A whole session for who shows a passkey, whatever else they sign in by. Raises WrongSignIn, TooManyTries."""
        self._throttle.admit(visitor.address)
        challenge = None if token is None else self._challenges.take(tokens.digest(token))
        if challenge is None:
            raise WrongSignIn(_LATE)
        await load_ceremonies()
        from headway.core.access import ceremonies  # noqa: PLC0415 - see there

        try:
            credential_id = ceremonies.credential_id_of(answer)
        except NotShown:
            raise WrongSignIn(_WRONG) from None
        passkey = await self._db.read(lambda tx: passkeys_store.by_credential(tx, credential_id))
        if passkey is None or passkey.host != host.name:
            raise WrongSignIn(_UNKNOWN)
        try:
            use = ceremonies.shown(host, challenge, passkey.credential, answer)
        except NotShown as why:
            log.info("a passkey of user %s was not shown: %s", passkey.user_id, why)
            await self._db.run(lambda tx: _tell_failed(tx, passkey, visitor, "not shown"))
            raise WrongSignIn(_WRONG) from None
        opened = await self._db.run(lambda tx: self._opened(tx, passkey, use, visitor))
        if isinstance(opened, WrongSignIn):
            raise opened
        return opened

    def _opened(self, tx: Tx, passkey: Passkey, use: Use, visitor: Visitor) -> Opened | WrongSignIn:
        people_store.lock(tx, passkey.user_id)
        person = people_store.person_of(tx, passkey.user_id)
        now = passkeys_store.by_credential(tx, passkey.credential_id)
        if person is None or now is None or now.passkey_id != passkey.passkey_id:
            return WrongSignIn(_UNKNOWN)  # meanwhile
        if use.user_handle is not None and use.user_handle != passkey.user_id.encode():
            return WrongSignIn(_UNKNOWN)
        if not counts_on(now.counter, use.counter):
            _tell_failed(tx, now, visitor, "counted back")
            return WrongSignIn(_COPIED)
        passkeys_store.note_use(tx, now.passkey_id, use)
        return open_session(tx, self._throttle, person, Stage.WHOLE, visitor, passkey=now.name)

    async def _allowed(self, host: PasskeyHost, name: str) -> Sequence[bytes]:
        def read(tx: Tx) -> Sequence[str]:
            person = people_store.person_called(tx, name)
            mine = [] if person is None else passkeys_store.passkeys_of(tx, person.user_id)
            return [each.credential_id for each in mine if each.host == host.name]

        found = await self._db.read(read)
        return [base64.urlsafe_b64decode(f"{each}==") for each in found] or self._made_up(host, name)

    def _made_up(self, host: PasskeyHost, name: str) -> Sequence[bytes]:
        """What a name without passkeys is said to have: always the same, so that asking again tells nothing."""

        def drawn(what: str) -> bytes:
            told = f"{what}\0{host.name}\0{name}".encode(errors="surrogatepass")
            return hmac.digest(self._secret, told, hashlib.sha512)

        number = 1 + drawn("number")[0] % _MOST_MADE_UP
        ids = [drawn(f"id {each}") for each in range(number)]
        return [each[: _LENGTHS[drawn(f"length {at}")[0] % len(_LENGTHS)]] for at, each in enumerate(ids)]


async def load_ceremonies() -> None:
    """Loads the library of passkeys beside the event loop, when the first is asked for: most panels have none."""
    await asyncio.to_thread(import_module, "headway.core.access.ceremonies")


def _tell_failed(tx: Tx, passkey: Passkey, visitor: Visitor, why: str) -> None:
    person = people_store.person_of(tx, passkey.user_id)
    if person is not None:
        note_failed(tx, as_actor(person, visitor), PASSKEY_FAILED, visitor.address, passkey=passkey.name, why=why)
