"""What the embedded Neo4j is told: its settings, its Java flags, its first password."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from .ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import SecretStr

    from .java import Java

USER = DATABASE = "neo4j"
MAIN_CLASS = "org.neo4j.server.Neo4jCommunity"

MEMORY = {
    "server.memory.pagecache.size": "512m",
    "db.memory.transaction.max": "512m",
    "dbms.memory.transaction.total.max": "700m",
}

_HASH_ROUNDS = 1024
_FIRST_WITH_UNSAFE_WARNINGS = 24
_JAVA_FLAGS = (
    "-Xms256m",
    "-Xmx1g",
    # With G1, which is made for large heaps and many cores, writes took 1.2 to 1.5 times the CPU.
    "-XX:+UseParallelGC",
    "-XX:NewRatio=3",  # the old generation holds what transactions may take in all
    "-XX:-UseGCOverheadLimit",  # slow is better than gone
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+DisableExplicitGC",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    # Neo4j samples indexes in virtual threads, of which by default as many run as there are cores,
    # and those that wait for a commit to leave a page do not stop running. On two cores two of them
    # kept the third, which had the page that the commit waited for, from going on: for ever.
    "-Djdk.virtualThreadScheduler.parallelism=32",
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
)


def settings_text(bolt_port: int, browser_port: int) -> str:
    """Write neo4j.conf. No path is in it: Neo4j's reader misreads what is not ASCII.

    Any web page in the user's browser can reach the loopback address. So authentication is on,
    only the Browser's own files are served (no HTTP query API), other origins are refused, and
    the Browser may load nothing from and talk to nothing but this server. Both advertised
    addresses are set because they do not follow the ports.
    """
    bolt, http = f"{LOOPBACK}:{bolt_port}", f"{LOOPBACK}:{browser_port}"
    settings = {
        "server.default_listen_address": LOOPBACK,
        "server.default_advertised_address": LOOPBACK,
        "server.bolt.enabled": "true",
        "server.bolt.listen_address": bolt,
        "server.bolt.advertised_address": bolt,
        "server.http.enabled": "true",
        "server.http.listen_address": http,
        "server.http.advertised_address": http,
        "server.https.enabled": "false",
        "server.http_enabled_modules": "BROWSER",
        "dbms.security.auth_enabled": "true",
        # Its answer to wrong passwords would lock us out too; 192 random bits need no such help.
        "dbms.security.auth_max_failed_attempts": "0",
        "dbms.security.http_access_control_allow_origin": f"http://{http}",
        "dbms.security.http_static_content_security_policy_header": _content_policy(bolt, http),
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # Fleet discovery would listen on every network and broadcast that we are here.
        "server.fleet_discovery.enabled": "false",
        "dbms.fleet_manager.enabled": "false",
        "server.http.x_forward.enabled": "false",
        "server.http_enabled_transports": "HTTP1_1",
        "server.bolt.telemetry.enabled": "false",
        # The query log holds every parameter, so every thought of every tree.
        "db.logs.query.enabled": "OFF",
        "dbms.usage_report.enabled": "false",
        "client.allow_telemetry": "false",
        "browser.remote_content_hostname_whitelist": LOOPBACK,
        **MEMORY,
        "db.tx_log.rotation.size": "128m",  # it is made at full size, for two databases
        "db.tx_log.rotation.retention_policy": "2 files",
        # Netty waits twice for this long after the databases are closed; 5 s each by default.
        "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "50ms",
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    return "# Written by sapwood at each start; changes are lost.\n" + lines


def _content_policy(bolt: str, http: str) -> str:
    # The Browser of 2024 needs inline styles and evaluates code; its pages come from us alone.
    return (
        "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
        f"connect-src 'self' ws://{bolt} http://{http}; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def initial_user_line(password: SecretStr) -> str:
    """The line of `auth.ini` from which Neo4j makes its first user.

    It is what `neo4j-admin dbms set-initial-password` writes, made here so that the password
    never stands on a command line: salted SHA-256, 1,024 rounds.
    """
    salt = secrets.token_bytes(32)
    digest = hashlib.sha256(salt + password.get_secret_value().encode()).digest()
    for _ in range(_HASH_ROUNDS - 1):
        digest = hashlib.sha256(digest).digest()
    return f"{USER}:SHA-256,{digest.hex()},{salt.hex()},{_HASH_ROUNDS}:\n"


def java_arguments(
    java: Java,
    class_path: Sequence[Path],
    class_cache: Path | None,
    extra_flags: Sequence[str] = (),
) -> str:
    """The argument file for `java @file`: flags and class path, one a line, quoted."""
    flags: list[str] = [*_JAVA_FLAGS]
    if java.major >= _FIRST_WITH_UNSAFE_WARNINGS:
        flags.append("--sun-misc-unsafe-memory-access=allow")
    if class_cache is not None:
        # `auto`: a cache that does not fit is ignored with a warning, never a failed start.
        flags += [f"-XX:AOTCache={class_cache}", "-XX:AOTMode=auto"]
    joined = ":".join(str(path) for path in class_path)
    return "".join(f"{_quote(flag)}\n" for flag in [*flags, *extra_flags, "-cp", joined])


def _quote(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
