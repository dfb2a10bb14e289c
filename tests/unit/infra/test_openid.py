"""What a provider says of somebody: a token that is for this panel and this sign-in is read, and every other is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from headway.infra.openid import Authorization, OpenIdClient, ProviderFault, _keys_of
from headway.kernel.provider_settings import Provider

NOW = 1_800_000_000
ISSUER, CLIENT = "https://id.example", "headway"
PROVIDER = Provider(
    issuer=ISSUER,
    client_id=CLIENT,
    secret=None,
    secret_file=None,
    name="Single sign-on",
    scopes="openid",
    groups_claim="groups",
    session=timedelta(hours=12),
    absence=timedelta(days=30),
)
SOUGHT = Authorization(
    state="state", nonce="nonce", verifier="v" * 64, redirect_uri="https://panel.example/x", begun_at=NOW - 30
)
ANEW = Authorization(
    state="state",
    nonce="nonce",
    verifier="v" * 64,
    redirect_uri="https://panel.example/x",
    begun_at=NOW - 30,
    anew=True,
)
RSA, EC, OTHER = (
    RSAKey.generate_key(2048, {"kid": "a"}),
    ECKey.generate_key("P-256", {"kid": "b"}),
    RSAKey.generate_key(2048, {"kid": "a"}),
)
KEYS = KeySet.import_key_set({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]})
GOOD: Mapping[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "ada",
    "nonce": "nonce",
    "iat": NOW,
    "exp": NOW + 300,
    "auth_time": NOW,
}
WRONG: Mapping[str, Mapping[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "a list of issuers": {"iss": [ISSUER]},
    "another audience": {"aud": "another"},
    "many audiences and nobody named": {"aud": [CLIENT, "another"]},
    "for another party": {"aud": [CLIENT, "another"], "azp": "another"},
    "for another party alone": {"azp": "another"},
    "of another sign-in": {"nonce": "another"},
    "of many sign-ins": {"nonce": ["nonce", "another"]},
    "over": {"exp": NOW - 61},
    "over in words": {"exp": "never"},
    "of the future": {"iat": NOW + 61},
    "not good yet": {"nbf": NOW + 61},
    "of nobody": {"sub": ""},
    "of a number": {"sub": 7},
    "of somebody without end": {"sub": "x" * 256},
    "of somebody whom no database takes": {"sub": "a\0"},
    "of somebody who is half a letter": {"sub": "\ud800"},
    **{f"without {name}": {name: None} for name in ("iss", "aud", "sub", "nonce", "iat", "exp")},
}


def client() -> OpenIdClient:
    return OpenIdClient(PROVIDER, clock=lambda: NOW)


def token(claims: Mapping[str, Any], key: Key = RSA, alg: str = "RS256", **header: str) -> str:
    told = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": alg, "kid": key.kid, **header}
    return jws.serialize_compact(head, json.dumps(told).encode(), key, algorithms=[alg])


def by_public_key(claims: Mapping[str, Any]) -> str:
    """A token that whoever knows the provider's public key has made, as if that were a secret of both."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "a"}
    made = ".".join(_text(json.dumps(each).encode()) for each in (head, claims))
    return f"{made}.{_text(hmac.digest(RSA.as_pem(private=False), made.encode(), hashlib.sha256))}"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (RSA, "RS512"), (EC, "ES256")])
def test_a_token_for_this_panel_and_this_sign_in_is_read(key: Key, alg: str) -> None:
    assert client()._read(token(GOOD, key, alg), KEYS, SOUGHT)["sub"] == "ada"
    several = {**GOOD, "aud": [CLIENT, "another"], "azp": CLIENT}
    assert client()._read(token(several, key, alg), KEYS, SOUGHT)["aud"] == [CLIENT, "another"]
    drifted = {**GOOD, "iat": NOW + 59, "exp": NOW - 59}
    assert client()._read(token(drifted, key, alg), KEYS, SOUGHT)["sub"] == "ada"


@pytest.mark.parametrize("why", WRONG)
def test_every_other_token_is_refused(why: str) -> None:
    with pytest.raises(ProviderFault):
        client()._read(token({**GOOD, **WRONG[why]}), KEYS, SOUGHT)


def test_a_token_that_somebody_else_has_signed_is_refused() -> None:
    head, claims, signature = token(GOOD).split(".")
    for made in (
        *(token(GOOD, OTHER), by_public_key(GOOD), token(GOOD, kid="unknown")),
        *(f"{head}.{claims}.", f"eyJhbGciOiJub25lIn0.{claims}.", f"{head}.{claims}.{signature[:-8]}AAAAAAAA"),
        *("", "...", "a.b.c", "[" * 10_000),
    ):
        with pytest.raises(ProviderFault):
            client()._read(made, KEYS, SOUGHT)


def test_who_confirms_has_just_shown_it_there() -> None:
    assert client()._read(token(GOOD), KEYS, ANEW)["sub"] == "ada"
    for told in (None, NOW - 91, "now", True):
        with pytest.raises(ProviderFault):
            client()._read(token({**GOOD, "auth_time": told}), KEYS, ANEW)


def test_keys_that_nobody_can_read_are_left_out() -> None:
    known = RSA.as_dict(private=False)
    odd: list[Any] = [{"kty": "oct", "k": "AA"}, {"kty": "new"}, {"kty": ["RSA"]}, {"kty": "RSA", "n": 1}]
    told: list[Any] = [*odd, {**EC.as_dict(private=False), "crv": "P-1"}, 7, None, known]
    assert [each.kid for each in _keys_of({"keys": told})] == ["a"]
    nothing: list[Mapping[str, Any]] = [{}, {"keys": []}, {"keys": "all"}, {"keys": told[:7]}]
    for none in nothing:
        with pytest.raises(ProviderFault):
            _keys_of(none)


@pytest.mark.parametrize(
    "address", ["http://id.example/token", "ftp://id.example", "https://", "http://[::1", "file:///etc/passwd", 7, None]
)
def test_only_encrypted_addresses_are_asked(address: object) -> None:
    with pytest.raises(ProviderFault):
        client()._endpoint({"token_endpoint": address}, "token_endpoint")
    assert client()._endpoint({"x": "https://other.example/x"}, "x") == "https://other.example/x"
