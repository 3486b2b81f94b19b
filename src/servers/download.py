"""Fetching locked jars: in parallel, verified, resumable, shared by all data folders.

A jar is in the cache whole and verified, or not at all: it is fetched into a private folder,
hashed, and renamed. So an interrupted download goes on where it ended.
"""

from __future__ import annotations

import errno
import logging
import random
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import explain_full_disk, require_room
from .errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .jars import Bundle, Jar
    from .maven import MavenFetch

_WORKERS = 8
_TRIES = 4
_FIRST_PAUSE_S = 0.5
_FINAL = (401, 403, 404, 407, 410)  # answers that do not change by asking again
_SPARE_BYTES = 150 * 2**20
_DRAFTS = ".draft-"
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)

_log = logging.getLogger("sapwood.servers.download")


def ensure_jars(
    cache: Path, bundle: Bundle, *, mirror: str | None, report: Callable[[int, int], None]
) -> list[Path]:
    """Return the paths of a bundle's jars, in its order, fetching those that are missing.

    The caller holds the cache's lock.

    Args:
        cache: the folder of this bundle.
        mirror: base address of a Maven repository to use instead of the public one.
        report: called with (bytes done, bytes in all) while fetching.

    Cost: when everything is there, one `stat` a jar.

    Raises:
        DownloadError: no network, or a file with another hash.
        DiskFullError: no room.
    """
    folder = cache / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in bundle.jars if not _present(jar, folder)]
    if missing:
        total = sum(jar.size for jar in missing)
        from .maven import MavenFetch  # a start that fetches nothing does without

        what = f"the download of {bundle.name}"
        require_room(folder, total + _SPARE_BYTES, what)
        try:
            with explain_full_disk(folder, what):
                stop = threading.Event()
                fetch = MavenFetch(mirror, connections=_WORKERS, stop=stop)
                _fetch_all(missing, folder, fetch, report, stop)
        except DownloadError as exc:
            raise DownloadError(f"{bundle.name}: {exc}. {bundle.advice}") from None
        _log.info("fetched %d files of %s", len(missing), bundle.name)
    return [folder / jar.file_name for jar in bundle.jars]


def jars_present(cache: Path, bundle: Bundle) -> bool:
    """Say whether all jars of a bundle are in its folder of the cache."""
    return all(_present(jar, cache / "jars") for jar in bundle.jars)


def _present(jar: Jar, folder: Path) -> bool:
    # The hash was checked before the file got its name; its size tells a later accident.
    try:
        return (folder / jar.file_name).stat().st_size == jar.size
    except FileNotFoundError:
        return False


def _fetch_all(
    missing: Sequence[Jar],
    folder: Path,
    fetch: MavenFetch,
    report: Callable[[int, int], None],
    stop: threading.Event,
) -> None:
    total, done = sum(jar.size for jar in missing), 0
    report(0, total)
    for leftover in folder.glob(f"{_DRAFTS}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=_DRAFTS, dir=folder) as draft,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        tasks = {pool.submit(_get, jar, Path(draft), folder, fetch, stop): jar for jar in missing}
        try:
            for task in as_completed(tasks):
                task.result()
                done += tasks[task].size
                report(done, total)
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _get(jar: Jar, draft: Path, folder: Path, fetch: MavenFetch, stop: threading.Event) -> None:
    """Fetch one jar, at most four times, and give it its name once its hash is right."""
    problem = "was not tried"
    for attempt in range(_TRIES):
        if attempt and stop.wait(_FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)):  # noqa: S311
            return
        try:
            # A wrong file may come from the user's own ~/.m2; then ask the registry.
            found = fetch(jar, draft / str(attempt), remote_only=attempt > 0)
        except OSError as exc:
            if exc.errno in _DISK_ERRORS:  # asking again would not help
                raise
            problem = f"could not be fetched ({_reason(exc)})"
            if _status(exc) in _FINAL:  # requests' errors are OSErrors
                break
        except Exception as exc:
            problem = f"could not be fetched ({_reason(exc)})"
        else:
            if jar.matches(found):
                _adopt(found, folder / jar.file_name, draft)
                return
            problem = "has another SHA-256 than the lock file says"
        _log.info("%s %s (try %d of %d)", jar.coordinates, problem, attempt + 1, _TRIES)
    raise DownloadError(f"{jar.coordinates} {problem}")


def _reason(exc: Exception) -> str:
    """A word about a failed download, without the address: it may hold what is secret."""
    status = _status(exc)
    return type(exc).__name__ if status is None else f"HTTP {status}"


def _status(exc: Exception) -> int | None:
    return getattr(getattr(exc, "response", None), "status_code", None)


def _adopt(found: Path, target: Path, draft: Path) -> None:
    if draft in found.parents:
        found.replace(target)
        return
    copy = draft / f"copy-{target.name}"  # a user's ~/.m2 stays as it is
    shutil.copyfile(found, copy)
    copy.replace(target)
