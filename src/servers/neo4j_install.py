"""Neo4j's programs: a Java, the jars, and what is made from them once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .browser import pack_browser
from .class_cache import ClassCache
from .disk import explain_full_disk
from .download import ensure_jars, jars_present
from .errors import DataFolderError
from .guard import one_at_a_time
from .jars import BROWSER_ARTIFACT, NEO4J_VERSION, neo4j_bundle
from .java import find_java
from .neo4j_settings import java_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .java import Java
    from .progress import Progress


@dataclass(frozen=True, slots=True)
class Neo4jInstall:
    """What is needed to start a Neo4j."""

    java: Java
    class_path: tuple[Path, ...]
    class_cache: ClassCache
    with_class_cache: bool = True

    def java_arguments(self, extra_flags: Sequence[str] = ()) -> str:
        """The text of the argument file for a start."""
        usable = self.with_class_cache and not extra_flags
        cache = self.class_cache.usable() if usable else None
        return java_arguments(self.java, self.class_path, cache, extra_flags)


def ensure_install(cache: Path, *, mirror: str | None, progress: Progress) -> Neo4jInstall:
    """Find Java and the jars; fetch what is missing. One process at a time does it.

    A cache in which nothing is missing may be read-only, or another user's.

    Raises:
        ServerError: no Java, no network, no room.
    """
    folder = _folder(cache)
    try:
        return installed(cache) or _fetch(folder, mirror, progress)
    except OSError as exc:
        raise DataFolderError(
            f"the cache folder {folder} cannot be used ({exc.strerror or exc}). Choose another one "
            "with SAPWOOD_CACHE_DIR."
        ) from exc


def _fetch(folder: Path, mirror: str | None, progress: Progress) -> Neo4jInstall:
    java = find_java()  # before the large download
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder / "lock"):
        with progress.download() as report:
            jars = ensure_jars(folder, neo4j_bundle(), mirror=mirror, report=report)
        return _assemble(folder, java, jars)


def installed(cache: Path) -> Neo4jInstall | None:
    """What `ensure_install` would return, without fetching anything; None if jars are missing."""
    folder = _folder(cache)
    if not jars_present(folder, neo4j_bundle()):
        return None
    jars = [folder / "jars" / jar.file_name for jar in neo4j_bundle().jars]
    return _assemble(folder, find_java(), jars)


def _folder(cache: Path) -> Path:
    return cache / f"neo4j-{NEO4J_VERSION}"


def _assemble(folder: Path, java: Java, jars: Sequence[Path]) -> Neo4jInstall:
    with explain_full_disk(folder, "unpacking Neo4j Browser"):
        class_path = tuple(
            pack_browser(path, folder) if path.name.startswith(BROWSER_ARTIFACT) else path
            for path in jars
        )
    return Neo4jInstall(java, class_path, ClassCache(folder, java, class_path))
