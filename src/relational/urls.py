"""PostgreSQL's URL as people write it, brought to the form that asyncpg takes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from pydantic import SecretStr

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CLIENT_ONLY: Final = frozenset(
    {
        "async_fallback",
        "client_encoding",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "prepared_statement_cache_size",
        "sslcompression",
        "sslsni",
        "statement_cache_size",
        "tcp_user_timeout",
    }
)
"""Options of libpq or SQLAlchemy that asyncpg would send to the server, which refuses them."""
_PORT: Final = re.compile(r":\d*\Z")
_OPTION: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_ESCAPE: Final = (
    "the PostgreSQL URL has a / ? # or @ inside its user or password, or an option that is none; "
    "write them as %2F %3F %23 and %40"
)
_SSL_FLAGS: Final = {"true": "verify-full", "1": "verify-full", "false": "disable", "0": "disable"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where PostgreSQL is.

    Attributes:
        dsn: What asyncpg connects with.
        label: The same for people, without password and options.
        hosts: Names, addresses or socket folders, of the URL or else of `PGHOST`.
        is_verified: It asks for TLS, and for a certificate that is the host's own.
        connect_timeout_s: The URL's own `connect_timeout`.
        application_name: The URL's own `application_name`.
    """

    dsn: SecretStr
    label: str
    hosts: tuple[str, ...]
    is_verified: bool
    connect_timeout_s: float | None = None
    application_name: str | None = None


def parse_url(url: str | SecretStr) -> Address:
    """Return the address in `url`; no I/O.

    `postgres://`, `postgresql://` and `postgresql+driver://` mean the same; libpq's options
    (`sslmode`, `host=/socket`, `connect_timeout`, …) may follow.

    Raises:
        SettingsError: It is no PostgreSQL URL. The message never holds the URL.
    """
    parts = _split(url.get_secret_value() if isinstance(url, SecretStr) else url)
    options = dict(_options(parts))
    timeout = _seconds(options.pop("connect_timeout", None))
    dsn = parts._replace(scheme="postgresql", query=urlencode(options)).geturl()
    return Address(
        SecretStr(dsn),
        _label(parts),
        _hosts(parts, options),
        options.get("sslmode", os.environ.get("PGSSLMODE")) == "verify-full",
        timeout,
        options.get("application_name"),
    )


def _hosts(parts: SplitResult, options: Mapping[str, str]) -> tuple[str, ...]:
    """Return each host that the driver may connect to; none if that is the local socket."""
    given = parts.netloc.rpartition("@")[2] or options.get("host")
    service = options.get("service", os.environ.get("PGSERVICE"))
    if not given and service:
        return (f"whatever host service {service} names",)
    given = given or os.environ.get("PGHOST")
    return tuple(map(_host, given.split(","))) if given else ()


def _host(place: str) -> str:
    """Return the host of `host:port`; an address with colons has no port outside of brackets."""
    bare = place.count(":") > 1 and not place.startswith("[")
    return unquote(place if bare else _PORT.sub("", place))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError("the PostgreSQL URL cannot be read") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in {"postgres", "postgresql"} or "://" not in url:
        raise SettingsError("the PostgreSQL URL must begin with postgresql:// or postgres://")
    # A password with ? in it ends the host part, which then begins with user and password.
    cut_off = bool(parts.netloc) and "@" not in parts.netloc and "@" in parts.query
    if parts.fragment or "@" in parts.path or parts.netloc.count("@") > 1 or cut_off:
        raise SettingsError(_ESCAPE)
    return parts


def _options(parts: SplitResult) -> Iterator[tuple[str, str]]:
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if not _OPTION.match(name):
            raise SettingsError(_ESCAPE)
        if name == "channel_binding" and value == "require":
            raise SettingsError(
                "the PostgreSQL driver cannot bind channels: take channel_binding out of the URL "
                "and use sslmode=verify-full"
            )
        if name == "ssl":
            yield "sslmode", _SSL_FLAGS.get(value.lower(), value)
        elif name not in _CLIENT_ONLY and name != "channel_binding":
            yield name, value


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    if not value.isdecimal():
        raise SettingsError("connect_timeout in the PostgreSQL URL must be a number of seconds")
    return float(value) or None


def _label(parts: SplitResult) -> str:
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return f"postgresql://{name}@{host}{parts.path}" if name else f"postgresql://{host}{parts.path}"
