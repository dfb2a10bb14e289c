"""Values that a build leaves to be filled in with what a release is told."""

from __future__ import annotations

from headway.kernel.release_facts import (
    OTHERS,
    SECRET,
    SECRETS,
    SECRETS_OF_PACKAGES,
    filled,
    given_secrets,
    known_by,
    secrets_of,
)
from headway.kernel.vault import Vault

TOLD = {"PUBLIC_URL": "https://shop.test", "HEADWAY_PUBLIC_DOMAIN": "shop.test", "SOURCE_COMMIT": "c"}


def test_values_are_filled_in_with_what_is_known() -> None:
    known = known_by(TOLD, ["shop.test", "www.shop.test"], "/data/shop")
    values = {
        "HOSTS": "$HEADWAY_DOMAINS,localhost",
        "HOST": "$HEADWAY_PUBLIC_DOMAIN",
        "ORIGINS": "$HEADWAY_ORIGINS",
        "URL": "$PUBLIC_URL",
        "DB": "sqlite:///$DATA_DIR/db.sqlite3",
        "SECRET_KEY": "$HEADWAY_SECRET",
    }
    assert filled(values, known) == {
        "HOSTS": "shop.test,www.shop.test,localhost",
        "HOST": "shop.test",
        "ORIGINS": "https://shop.test,http://shop.test,https://www.shop.test,http://www.shop.test",
        "URL": "https://shop.test",
        "DB": "sqlite:////data/shop/db.sqlite3",
    }


def test_what_is_for_plain_http_is_left_out_where_the_address_has_https() -> None:
    values = {"REDIRECT": "False$HEADWAY_BY_HTTP"}
    assert filled(values, known_by(TOLD, ["shop.test"], None)) == {}
    assert filled(values, known_by({**TOLD, "PUBLIC_URL": "http://shop.test"}, ["shop.test"], None)) == {
        "REDIRECT": "False"
    }


def test_what_takes_no_requests_has_no_hosts() -> None:
    known = known_by({"SOURCE_COMMIT": "c"}, (), None)
    assert filled({"A": "$HEADWAY_DOMAINS,localhost", "B": "$DATA_DIR/x", "C": "plain"}, known) == {"C": "plain"}


def test_a_secret_is_the_applications_own_and_stays() -> None:
    vault = Vault(Vault.new_key())
    found = secrets_of(vault, "one")
    assert found == secrets_of(vault, "one")
    assert set(found) == {*SECRETS, *SECRETS_OF_PACKAGES, OTHERS}
    others = [*secrets_of(vault, "two").values(), *secrets_of(Vault(Vault.new_key()), "one").values()]
    assert len({*found.values(), *others}) == 3 * len(found)
    assert min(len(each) for each in found.values()) >= 50


def test_every_secret_that_is_given_is_one_of_those_that_do_not_show() -> None:
    own = secrets_of(Vault(Vault.new_key()), "one")
    found = given_secrets({"SECRET_KEY": SECRET, "SHOP_SECRET_KEY": SECRET, "URL": "$PUBLIC_URL"}, own)
    assert found == {"SECRET_KEY": own["SECRET_KEY"], "SHOP_SECRET_KEY": own[OTHERS]}
    assert {*found.values()} <= {*own.values()}
