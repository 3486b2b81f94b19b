"""Contents and passwords leave this machine only under TLS with a verified certificate."""

from __future__ import annotations

import pytest

from sapwood import Database, Graph, SettingsError
from sapwood.servers import ServerSettings, given_endpoints
from sapwood.transport import is_loopback

AUTH = ("neo4j", "secret-word")
HERE = ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"]
ELSEWHERE = ["db.example.org", "10.0.0.7", "192.168.1.4", "[2001:db8::1]", "127.0.0.1.example.org"]
UNVERIFIED = ["", "?sslmode=require", "?sslmode=verify-ca", "?sslmode=disable", "?sslmode=prefer"]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSSLMODE", "PGSERVICE", "SAPWOOD_ALLOW_INSECURE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", [*HERE, "", "/run/postgresql", "LOCALHOST", "::1"])
def test_loopback_and_sockets_stay_on_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [*ELSEWHERE, "0.0.0.0"])  # noqa: S104
def test_any_other_name_or_address_may_be_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", HERE)
def test_this_machine_needs_no_tls(host: str) -> None:
    Database(f"postgresql://ann:word@{host}:5432/trees")
    Graph(f"bolt://{host}:7687", auth=AUTH)


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize("options", UNVERIFIED)
def test_postgresql_elsewhere_is_refused_without_a_verified_certificate(
    host: str, options: str
) -> None:
    url = f"postgresql://ann:secret-word@{host}:5432/trees{options}"
    with pytest.raises(SettingsError, match="sslmode=verify-full") as refused:
        Database(url)
    assert "secret-word" not in str(refused.value)
    assert host.strip("[]") in str(refused.value)
    Database(url, allow_insecure=True)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_postgresql_elsewhere_is_fine_with_one(host: str) -> None:
    Database(f"postgresql://ann:word@{host}/trees?sslmode=verify-full&sslrootcert=/ca.crt")


@pytest.mark.parametrize("scheme", ["bolt", "neo4j", "bolt+ssc", "neo4j+ssc"])
@pytest.mark.parametrize("host", ELSEWHERE)
def test_neo4j_elsewhere_is_refused_without_a_verified_certificate(host: str, scheme: str) -> None:
    with pytest.raises(SettingsError, match=r"neo4j\+s:// or bolt\+s://"):
        Graph(f"{scheme}://{host}:7687", auth=AUTH)
    Graph(f"{scheme}://{host}:7687", auth=AUTH, allow_insecure=True)


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s"])
def test_neo4j_elsewhere_is_fine_with_one(scheme: str) -> None:
    Graph(f"{scheme}://graph.example.org", auth=AUTH)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///trees?host=db.example.org",
        "postgresql://127.0.0.1:5432,db.example.org:5433/trees",
        "postgresql:///trees?host=/run/postgresql,db.example.org",
        "postgresql:///trees?service=far",
    ],
)
def test_one_host_elsewhere_among_several_is_enough_to_refuse(url: str) -> None:
    with pytest.raises(SettingsError, match="another machine"):
        Database(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///trees?host=::1",
        "postgresql:///trees?host=localhost:5433",
        "postgresql://ann@%2Frun%2Fpostgresql/trees",
    ],
)
def test_other_forms_of_a_local_address_need_no_tls_either(url: str) -> None:
    Database(url)


def test_what_the_url_leaves_out_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Database("postgresql:///trees")
    monkeypatch.setenv("PGHOST", "db.example.org")
    with pytest.raises(SettingsError, match=r"db\.example\.org is another machine"):
        Database("postgresql:///trees")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    Database("postgresql:///trees")


def test_the_environment_may_waive_it_for_servers_that_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {
        "database_url": "postgresql://db.example.org/trees",
        "neo4j_uri": "bolt://graph.example.org",
        "neo4j_password": "word",
    }
    endpoints = given_endpoints(ServerSettings(**given))
    assert endpoints is not None
    assert not endpoints.allow_insecure
    monkeypatch.setenv("SAPWOOD_ALLOW_INSECURE", "true")
    endpoints = given_endpoints(ServerSettings(**given))
    assert endpoints is not None
    assert endpoints.allow_insecure
