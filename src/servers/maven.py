"""Getting one jar from a Maven repository: the user's own on disk, else one on the network.

jgo (pure Python) knows the layout, the public repository's address and the user's own
repository. Its downloader opens two new connections for each file and only warns about a wrong
hash; ours keeps the connections, and `download` checks the hashes.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import requests
    import requests.adapters
    import truststore
    from jgo.constants import default_maven_repo
    from jgo.maven import MavenContext, PythonResolver
except ImportError as exc:
    from .errors import MissingExtraError

    raise MissingExtraError(exc.name or "jgo") from None

if TYPE_CHECKING:
    import threading

    from jgo.maven import Artifact

    from .jars import Jar

_TIMEOUT_S = 30
_CHUNK_BYTES = 2**14  # on a slow line, a wish to stop waits for one of them


class StoppedError(Exception):
    """Nobody waits for this download any more."""


class _SystemTrust(requests.adapters.HTTPAdapter):
    """Trusts the certificates that the system trusts, as pip does: a company's own among them."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().init_poolmanager(*args, ssl_context=context, **kwargs)


class _Downloader(PythonResolver):
    """Downloads over connections that are kept."""

    def __init__(self, connections: int, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _SystemTrust(pool_maxsize=connections))

    def download(self, artifact: Artifact) -> Path:
        target = artifact.context.repo_cache / artifact.component.path_prefix / artifact.filename
        (repository,) = artifact.context.remote_repos.values()
        address = f"{repository}/{target.relative_to(artifact.context.repo_cache).as_posix()}"
        with self._session.get(address, stream=True, timeout=_TIMEOUT_S) as response:
            response.raise_for_status()
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    if self._stop.is_set():
                        raise StoppedError
                    file.write(chunk)
        return target


class MavenFetch:
    """Fetches jars, looking into the user's own Maven repository first.

    Args:
        mirror: base address of a repository to use instead of the public one.
        connections: how many threads will fetch at once.
        stop: once it is set, downloads end with `StoppedError`.
    """

    def __init__(self, mirror: str | None, *, connections: int, stop: threading.Event) -> None:
        self._own = default_maven_repo()
        self._remote = {"mirror": mirror.rstrip("/")} if mirror else None
        self._downloader = _Downloader(connections, stop)

    def __call__(self, jar: Jar, folder: Path, *, remote_only: bool) -> Path:
        """Get one jar into `folder`, or say where it already is."""
        context = MavenContext(
            resolver=self._downloader,
            repo_cache=folder,
            local_repos=[] if remote_only else [self._own],
            remote_repos=self._remote,
        )
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        return Path(component.artifact(jar.classifier).resolve())
