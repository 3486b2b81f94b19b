"""A Docker daemon of our own, for a machine that has none."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil

from .cache import cache_dir
from .command import FailedError, need, say

_START_S = 60
_STOP_S = 60
_ASK_S = 20


def answers(host: str | None = None) -> bool:
    """Say whether a daemon answers: at `host`, else where the docker command looks for it."""
    if shutil.which("docker") is None:
        return False
    command = ["docker", *(["--host", host] if host else []), "version"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ASK_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def start() -> dict[str, str]:
    """Start our daemon unless it runs; return the variables that lead to it.

    It outlives this process.

    Raises:
        FailedError: It does not start.
    """
    if not answers(_host()):
        if os.geteuid() != 0:
            raise FailedError("no Docker daemon answers, and starting one needs root")
        need(dockerd="docker.io", docker="docker-cli", iptables="iptables")
        _start()
    return {
        "DOCKER_HOST": _host(),
        # Ports are published on this machine's loopback, even if it looks like a container.
        "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1",
        "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
        # testcontainers' cleaner would be one more image. Our tests look for leftovers themselves.
        "TESTCONTAINERS_RYUK_DISABLED": "true",
    }


def stop() -> dict[str, str]:
    """End our daemon and its containers, if it runs; return nothing to set.

    Raises:
        FailedError: It does not end.
    """
    process = _running(_run_dir() / "docker.pid", "dockerd")
    if process is None:
        say("no daemon of ours runs")
        return {}
    process.terminate()
    try:
        process.wait(_STOP_S)
    except psutil.TimeoutExpired as exc:
        raise FailedError(f"dockerd (process {process.pid}) does not end") from exc
    say("the daemon has ended")
    return {}


def _start() -> None:
    run_dir = _run_dir()
    run_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    log = cache_dir() / "dockerd.log"
    # A pid file of the machine's former life names a process that is another one now.
    _forget(run_dir / "docker.pid", "dockerd")
    _forget(run_dir / "exec" / "containerd" / "containerd.pid", "containerd")
    say(f"starting dockerd (log: {log})")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("dockerd", "--host", _host(), "--pidfile", str(run_dir / "docker.pid")),
                *("--data-root", str(cache_dir() / "data"), "--exec-root", str(run_dir / "exec")),
                *("--ip", "127.0.0.1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_S
    while not answers(_host()):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").splitlines()[-3:]
            raise FailedError("\n".join([f"dockerd does not start (log: {log})", *last]))
        time.sleep(0.2)


def _host() -> str:
    return f"unix://{_run_dir() / 'docker.sock'}"


def _run_dir() -> Path:
    # Not in the cache: the path of a unix socket has 107 bytes at most.
    name = hashlib.sha256(bytes(cache_dir())).hexdigest()[:8]
    return Path(f"/run/sapwood-containers-{name}")


def _running(pid_file: Path, program: str) -> psutil.Process | None:
    try:
        process = psutil.Process(int(pid_file.read_text()))
        return process if process.name() == program else None
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None


def _forget(pid_file: Path, program: str) -> None:
    if _running(pid_file, program) is None:
        pid_file.unlink(missing_ok=True)
