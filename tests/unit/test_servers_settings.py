"""Which servers are used, and where each value came from."""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from sapwood.errors import ServerError, SettingsError
from sapwood.servers import ServerSettings, embedded_servers, given_endpoints, launcher_url

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-of-the-test"  # noqa: S105
URL = f"postgresql://ann:{SECRET}@db.example:5432/trees"
NAMES = (
    "SAPWOOD_DATABASE_URL", "DATABASE_URL", "SAPWOOD_NEO4J_URI", "NEO4J_URI",
    "SAPWOOD_NEO4J_USERNAME", "NEO4J_USERNAME", "NEO4J_USER", "SAPWOOD_NEO4J_PASSWORD",
    "NEO4J_PASSWORD", "SAPWOOD_NEO4J_DATABASE", "NEO4J_DATABASE", "SAPWOOD_DATA_DIR",
    "SAPWOOD_CACHE_DIR", "SAPWOOD_MAVEN_MIRROR", "SAPWOOD_POSTGRES_PORT", "SAPWOOD_NEO4J_PORT",
    "SAPWOOD_BROWSER_PORT", "SAPWOOD_CLASS_CACHE",
)  # fmt: skip


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def both_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("NEO4J_URI", "neo4j+s://graph.example")
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)


def test_nothing_given_means_embedded() -> None:
    assert given_endpoints(ServerSettings()) is None


@pytest.mark.usefixtures("both_given")
def test_both_addresses_from_the_environment_are_used_and_their_names_told() -> None:
    endpoints = given_endpoints(ServerSettings())
    assert endpoints is not None
    assert endpoints.database_url.get_secret_value() == URL
    assert endpoints.neo4j_uri == "neo4j+s://graph.example"
    assert (endpoints.neo4j_username, endpoints.neo4j_database) == ("neo4j", "neo4j")
    assert endpoints.browser_url is None
    assert endpoints.source == {
        "database_url": "environment DATABASE_URL",
        "neo4j_uri": "environment NEO4J_URI",
        "neo4j_username": "default",
        "neo4j_password": "environment NEO4J_PASSWORD",
        "neo4j_database": "default",
    }


@pytest.mark.usefixtures("both_given")
def test_the_first_name_wins_and_an_argument_wins_over_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAPWOOD_DATABASE_URL", "postgresql://first.example/trees")
    settings = ServerSettings()
    assert settings.origin("database_url") == "environment SAPWOOD_DATABASE_URL"
    assert settings.database_url is not None
    assert "first.example" in settings.database_url.get_secret_value()
    by_argument = ServerSettings(neo4j_uri="bolt://argument.example")
    assert by_argument.neo4j_uri == "bolt://argument.example"
    assert by_argument.origin("neo4j_uri") == "argument"


def test_a_dotenv_file_is_read_and_the_environment_wins_over_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        f"DATABASE_URL={URL}\nNEO4J_URI=bolt://file.example\nNEO4J_PASSWORD={SECRET}\nOTHER=1\n"
    )
    monkeypatch.setenv("NEO4J_URI", "bolt://environment.example")
    endpoints = given_endpoints(ServerSettings())
    assert endpoints is not None
    assert endpoints.neo4j_uri == "bolt://environment.example"
    assert endpoints.source["neo4j_uri"] == "environment NEO4J_URI"
    assert endpoints.source["database_url"] == ".env DATABASE_URL"


def test_a_postgres_address_alone_is_refused_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    with pytest.raises(SettingsError, match="environment DATABASE_URL") as refused:
        given_endpoints(ServerSettings())
    message = str(refused.value)
    assert "NEO4J_URI is not set" in message
    assert "Give both" in message
    assert "unset this one" in message
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_a_neo4j_address_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://graph.example")
    with pytest.raises(SettingsError, match="SAPWOOD_DATABASE_URL is not set"):
        given_endpoints(ServerSettings())


@pytest.mark.usefixtures("both_given")
def test_a_missing_neo4j_password_is_refused_but_an_empty_one_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD")
    with pytest.raises(SettingsError, match="without NEO4J_PASSWORD"):
        given_endpoints(ServerSettings())
    monkeypatch.setenv("NEO4J_PASSWORD", "")
    endpoints = given_endpoints(ServerSettings())
    assert endpoints is not None
    assert endpoints.neo4j_password.get_secret_value() == ""


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql"])
@pytest.mark.usefixtures("both_given")
def test_common_spellings_of_a_postgres_address_become_libpqs(scheme: str) -> None:
    endpoints = given_endpoints(
        ServerSettings(database_url=f"{scheme}://host/trees?sslmode=require")
    )
    assert endpoints is not None
    assert endpoints.database_url.get_secret_value() == "postgresql://host/trees?sslmode=require"


@pytest.mark.parametrize(
    "values",
    [
        {"database_url": f"mysql://ann:{SECRET}@db.example/trees"},
        {"neo4j_uri": f"bolt://ann:{SECRET}@graph.example"},
        {"neo4j_uri": "http://graph.example"},
        {"neo4j_uri": "graph.example:7687"},
        {"neo4j_uri": f"neo4j:{SECRET}@graph.example:7687"},
        {"neo4j_uri": f"bolt://neo4j:{SECRET}/x@graph.example"},
        {"neo4j_uri": f"bolt://neo4j:{SECRET}"},
        {"neo4j_uri": f"bolt://[{SECRET}"},
        {"neo4j_uri": f"bolt://:7687/{SECRET}"},
        {"database_url": f"postgresql://ann:{SECRET}[1@db.example/trees"},
        {"database_url": f"postgresql://ann:{SECRET}]1@db.example/trees"},
        {"database_url": f"postgresql://ann:{SECRET}/1@db.example/trees"},
        {"database_url": f"postgresql://ann:{SECRET}#1@db.example/trees"},
        {"database_url": f"postgresql://ann:{SECRET}?1@db.example/trees"},
        {"database_url": f"postgresql://[{SECRET}/trees"},
    ],
)
@pytest.mark.usefixtures("both_given")
def test_an_address_of_another_kind_is_refused_without_showing_a_secret(
    values: dict[str, str],
) -> None:
    with pytest.raises(SettingsError) as refused:
        given_endpoints(ServerSettings(**values))
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.usefixtures("both_given")
def test_no_secret_shows_in_a_repr() -> None:
    settings = ServerSettings()
    endpoints = given_endpoints(settings)
    assert SECRET not in repr(settings) + str(settings) + repr(endpoints) + str(endpoints)


def test_a_value_that_cannot_be_read_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAPWOOD_POSTGRES_PORT", SECRET)
    with pytest.raises(SettingsError, match="SAPWOOD_POSTGRES_PORT") as refused:
        ServerSettings()
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "mirror",
    [
        f"https://ann:{SECRET}@mirror.example/maven",
        f"ann:{SECRET}@mirror.example/maven",
        f"https://ann:{SECRET}/1@mirror.example/maven",
        f"https://mirror.example:{SECRET}/maven",
        f"https://[{SECRET}",
        SECRET,
    ],
)
def test_a_mirror_with_a_password_or_without_an_address_is_refused_and_not_shown(
    mirror: str,
) -> None:
    with pytest.raises(SettingsError, match="SAPWOOD_MAVEN_MIRROR") as refused:
        embedded_servers(ServerSettings(maven_mirror=mirror))
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    settings = ServerSettings()
    assert given_endpoints(settings) is None
    assert (settings.postgres_port, settings.class_cache) == (None, True)
    assert settings.origin("database_url") == "default"
    monkeypatch.setenv("DATABASE_URL", URL)
    (tmp_path / ".env").write_text("SAPWOOD_DATABASE_URL=\nNEO4J_URI=bolt://file.example\n")
    endpoints = given_endpoints(ServerSettings())
    assert endpoints is not None
    assert endpoints.source["database_url"] == "environment DATABASE_URL"
    assert endpoints.neo4j_uri == "bolt://file.example"
    assert endpoints.source["neo4j_password"] == "environment SAPWOOD_NEO4J_PASSWORD"  # noqa: S105


def test_the_data_folder_is_the_arguments_then_the_settings(tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path / "settings")
    assert embedded_servers(settings).data_dir == tmp_path / "settings"
    assert embedded_servers(settings, data_dir=tmp_path / "mine").data_dir == tmp_path / "mine"


def _run_without_the_extra(code: str) -> str:
    hide = "import sys; sys.modules.update(dict.fromkeys(['psutil', 'filelock', 'jgo', 'rich']))\n"
    done = subprocess.run(
        [sys.executable, "-c", hide + code], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.usefixtures("both_given")
def test_given_servers_need_no_extra_package() -> None:
    code = """
from sapwood.servers import ServerSettings, resolve
print(resolve(ServerSettings()).neo4j_uri)
"""
    assert _run_without_the_extra(code) == "neo4j+s://graph.example\n"


def test_embedded_servers_without_the_extra_say_what_to_install() -> None:
    code = """
from sapwood.errors import ServerError
from sapwood.servers import ServerSettings, resolve
try:
    resolve(ServerSettings())
except ServerError as exc:
    print(exc)
"""
    said = _run_without_the_extra(code)
    assert "which is not installed" in said
    assert "pip install 'sapwood[embedded]'" in said


@pytest.mark.usefixtures("both_given")
def test_the_launcher_page_is_offered_only_for_the_embedded_neo4j() -> None:
    endpoints = given_endpoints(ServerSettings())
    assert endpoints is not None
    with pytest.raises(ServerError, match="not the embedded Neo4j"):
        launcher_url(endpoints, "RETURN 1")
