"""What is taken for a secret in a log, and what is not, by a variable's name and its value."""

from __future__ import annotations

import base64
import secrets
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.secrecy import looks_secret
from headway.kernel.variables import Marks, secrets_among

OPEN = {
    "DB_HOST": ["db.internal", "database", "10.0.0.12", "db-01.prod.example.com:5432", "[::1]:5432"],
    "PUBLIC_URL": [
        "http://shop.localhost",
        "https://shop.example.com/blog/posts",
        "https://myDb.c9akciq32x.example.com",
    ][:2],
    "DATABASE_URL": [
        "postgres://db.internal:5432/shop",
        "postgresql://shop@db.internal/shop",
        "jdbc:mysql://db:3306/shop",
    ],
    "ANYTHING": [
        "http://web.localhost:8080/",
        "redis.internal",
        "cache.internal:6379",
        "me@example.org",
        "/var/lib/data",
    ],
    "BROKERS": ["kafka-1.internal:9092,kafka-2.internal:9092", "kafka:9092"],
    "APP_NAME": ["web-shop", "My Shop"],
    "AWS_REGION": ["eu-central-1"],
    "STATE": ["healthy", "production", "Berlin"],
    "STARTED": ["2026-11-27T14:00:00Z", "2026-11-27"],
    "RELEASE": ["v18.19.0", "1.2.3-rc1"],
    "UPLOAD_LIMIT": ["10485760"],
    "LOG_FORMAT": ["combined", "json lines"],
    "KEYCLOAK_URL": ["https://login.example.com/realms/shop"],
}
SECRET = {
    "DB_PASSWORD": ["swordfish", "db.internal", "http://shop.localhost", "production"],
    "dbPassword": ["swordfish"],
    "API_KEY": ["production"],
    "SECRET_HOST": ["db.internal"],
    "SENTRY_DSN": ["https://sentry.example.com/12"],
    "WEBHOOK_URL": ["https://hooks.example.com/services/shop"],
    "DATABASE_URL": ["postgres://shop:s3cret@db.internal/shop", "mysql://root:x@db/shop", "redis://:pw@cache.internal"],
    "PUBLIC_URL": [
        "https://shop.example.com/?token=abc",
        "https://shop.example.com/a#b",
        "https://hooks.example.com/services/T0AB12CD3/B0XY98ZW7/q1w2e3r4t5y6u7i8o9p0",
        "https://ghp_16C7e42F292c6912E7@git.example.com/o/r",
    ],
    "ANYTHING": [
        "admin:123456",
        "correct horse battery staple",
        "hunter2!",
        "84930217",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
        "a.b1c2d3e4f5.zz9",
        "xoxb-123456789012-abcdefABCDEF",
    ],
    "DB_HOST": ["x7Kq9vPz2L.internal"],
    "APP_NAME": ["x7Kq9vPz2L"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OPEN.items() for value in values])
def test_what_is_no_secret(name: str, value: str) -> None:
    assert not looks_secret(name, value)
    assert secrets_among({name: value}) == ()
    assert secrets_among({name: value}, Marks(secret=frozenset([name]))) == ((value,) if len(value) > 5 else ())


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SECRET.items() for value in values])
def test_what_is_taken_for_one(name: str, value: str) -> None:
    assert looks_secret(name, value)
    assert secrets_among({name: value}) == ((value,) if len(value) > 5 else ())
    assert secrets_among({name: value}, Marks(open=frozenset([name]))) == ()


DRAWN = [
    lambda: secrets.token_hex(16),
    lambda: secrets.token_urlsafe(24),
    lambda: base64.b64encode(secrets.token_bytes(24)).decode(),
    lambda: str(uuid.uuid4()),
]


@pytest.mark.parametrize("name", ["ANYTHING", "APP_NAME", "DB_HOST", "PUBLIC_URL"])
@pytest.mark.parametrize("draw", range(len(DRAWN)))
def test_what_was_drawn_by_lot_is_a_secret_whatever_it_is_called(name: str, draw: int) -> None:
    for _ in range(300):
        assert looks_secret(name, DRAWN[draw]())
        assert looks_secret(name, f"https://example.com/{DRAWN[draw]()}")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_and_value_can_be_judged(name: str, value: str) -> None:
    assert looks_secret(name, value) in {True, False}
