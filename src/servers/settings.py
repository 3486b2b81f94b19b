"""Which servers to use, from arguments, the environment and `.env`.

Order: argument, environment, `.env`, default. Each value remembers where it came from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..errors import SettingsError

_ENV_FILE = ".env"
_EMPTY_ALLOWED = "neo4j_password"


def _named(*names: str) -> Any:
    return Field(default=None, validation_alias=AliasChoices(*names))


def _port(name: str) -> Any:
    return Field(default=None, validation_alias=name, ge=1, le=65535)


class ServerSettings(BaseSettings):
    """The environment's words about servers. Of several names, the first that is set wins.

    What is set to nothing is not set, but for the password.

    Attributes:
        database_url: a PostgreSQL to use instead of the embedded one.
        neo4j_uri: a Neo4j to use instead of the embedded one.
        neo4j_username: for that Neo4j; `neo4j` if not given.
        neo4j_password: for that Neo4j; empty if it asks for none.
        neo4j_database: in that Neo4j; `neo4j` if not given.
        allow_insecure: go to servers on other machines even without verified TLS.
        data_dir: the data folder of the embedded servers.
        cache_dir: where the files of the embedded Neo4j are kept.
        maven_mirror: a Maven repository to fetch them from.
        postgres_port: port of the embedded PostgreSQL; any free one if not given.
        neo4j_port: Bolt port of the embedded Neo4j.
        browser_port: HTTP port of the embedded Neo4j Browser.
        class_cache: make Java's class cache in the background after the first start.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=_ENV_FILE,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,  # Compose writes `${NAME:-}` for what is not set
        frozen=True,
    )

    database_url: SecretStr | None = _named("SAPWOOD_DATABASE_URL", "DATABASE_URL")
    neo4j_uri: str | None = _named("SAPWOOD_NEO4J_URI", "NEO4J_URI")
    neo4j_username: str | None = _named("SAPWOOD_NEO4J_USERNAME", "NEO4J_USERNAME", "NEO4J_USER")
    neo4j_password: SecretStr | None = _named("SAPWOOD_NEO4J_PASSWORD", "NEO4J_PASSWORD")
    neo4j_database: str | None = _named("SAPWOOD_NEO4J_DATABASE", "NEO4J_DATABASE")
    allow_insecure: bool = Field(default=False, validation_alias="SAPWOOD_ALLOW_INSECURE")
    data_dir: Path | None = _named("SAPWOOD_DATA_DIR")
    cache_dir: Path | None = _named("SAPWOOD_CACHE_DIR")
    maven_mirror: str | None = _named("SAPWOOD_MAVEN_MIRROR")
    postgres_port: int | None = _port("SAPWOOD_POSTGRES_PORT")
    neo4j_port: int | None = _port("SAPWOOD_NEO4J_PORT")
    browser_port: int | None = _port("SAPWOOD_BROWSER_PORT")
    class_cache: bool = Field(default=True, validation_alias="SAPWOOD_CLASS_CACHE")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict[str, str])

    def __init__(self, **values: Any) -> None:
        env_file = values.get("_env_file", _ENV_FILE)
        found = _find_origins(type(self), values, env_file)
        if found.get(_EMPTY_ALLOWED, ("", None))[1] == "":
            values[_EMPTY_ALLOWED] = ""
        try:
            super().__init__(**values)
        except ValidationError as exc:
            raise SettingsError(_refused(exc)) from None
        self._origins.update({name: origin for name, (origin, _) in found.items()})

    def origin(self, name: str) -> str:
        """Say where the value of the field `name` came from.

        Returns:
            `argument`, `environment NAME`, `.env NAME` or `default`.
        """
        return self._origins.get(name, "default")


def _refused(error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )
    return f"a setting cannot be used. {problems}. Correct it in the environment or in .env."


def _find_origins(
    model: type[ServerSettings], values: dict[str, Any], env_file: str | Path | None
) -> dict[str, tuple[str, Any]]:
    """Follow pydantic-settings' order of sources, which keeps no note of the source itself.

    Returns:
        By field, where its value came from, and the value as it stands there.
    """
    environment = {name.upper(): value for name, value in os.environ.items()}
    readable = env_file is not None and Path(env_file).expanduser().is_file()
    in_file = dotenv_values(env_file) if readable else {}
    in_file = {name.upper(): value for name, value in in_file.items()}
    found: dict[str, tuple[str, Any]] = {}
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        names = (
            [str(name) for name in alias.choices]
            if isinstance(alias, AliasChoices)
            else [str(alias)]
        )
        origins = (
            *(("argument", values[name]) for name in (field, *names) if name in values),
            *((f"environment {name}", environment.get(name)) for name in names),
            *((f".env {name}", in_file.get(name)) for name in names),
        )
        for origin, value in origins:
            empty = value == "" and field != _EMPTY_ALLOWED
            if origin == "argument" or (value is not None and not empty):
                found[field] = (origin, value)
                break
    return found
