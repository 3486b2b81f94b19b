"""URLs as people paste them."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from sapwood.errors import SettingsError
from sapwood.relational.urls import parse_url


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"]
)
def test_every_common_scheme_means_the_same(scheme: str) -> None:
    address = parse_url(f"{scheme}://ann:pw@db.example:5433/trees?sslmode=verify-full")

    expected = "postgresql://ann:pw@db.example:5433/trees?sslmode=verify-full"
    assert address.dsn.get_secret_value() == expected
    assert address.label == "postgresql://ann@db.example:5433/trees"


def test_a_socket_folder_and_an_escaped_password_are_kept() -> None:
    address = parse_url(SecretStr("postgres://ann:p%40ss%2Fw@/trees?host=/run/postgresql"))

    dsn = address.dsn.get_secret_value()
    assert dsn == "postgresql://ann:p%40ss%2Fw@/trees?host=%2Frun%2Fpostgresql"


def test_options_that_only_other_drivers_know_are_left_out() -> None:
    address = parse_url(
        "postgresql://h/d?keepalives=1&gssencmode=disable&prepared_statement_cache_size=0"
        "&channel_binding=prefer&connect_timeout=7&ssl=true&application_name=mine"
    )

    dsn = address.dsn.get_secret_value()
    assert dsn == "postgresql://h/d?sslmode=verify-full&application_name=mine"
    assert address.connect_timeout_s == 7
    assert address.application_name == "mine"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:sentinel@h/d",
        "ann:sentinel@h/d",
        "",
        "postgresql:sentinel",
        "postgresql://ann:sen/tinel@h/d",
        "postgresql://ann:sen#tinel@h/d",
        "postgresql://ann:sen?tinel@h/d",
        "postgresql://ann:sen@tinel@h/d",
        "postgresql://ann:sentinel@[h/d",
        "postgresql://h/d?password=sentinel&connect_timeout=soon",
        "postgresql://ann:sentinel@h/d?channel_binding=require",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_url(url)

    assert "tinel" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_given_as_an_option_is_not_in_the_label() -> None:
    address = parse_url("postgresql://h/d?user=ann&password=sentinel")

    assert "sentinel" not in address.label
    assert "sentinel" not in repr(address)
