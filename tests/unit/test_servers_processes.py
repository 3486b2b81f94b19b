"""A detached process: found by its record, without its record, never mistaken for another."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sapwood.servers.errors import StartError, StopError
from sapwood.servers.place import Place
from sapwood.servers.problem import lost_password
from sapwood.servers.process import ServerProcess, alive, owns_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEP = "import sys, time; print('up', flush=True); time.sleep(60)"
PYTHON = Path(sys.executable).name


class Trial:
    """A program that sleeps, as a server."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.record = folder / "run.json"
        self.mark = f"--home={folder}"
        self.server = ServerProcess("Trial", self.record, program=PYTHON, marks=(self.mark,))

    def launch(self, code: str = SLEEP) -> psutil.Process:
        argv = [sys.executable, "-c", code, self.mark]
        return self.server.launch(argv, log=self.log, env={}, user=None)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    made = Trial(tmp_path)
    yield made
    left = made.server.find()
    if left is not None:
        left.kill()


def _wait_for(process: psutil.Process) -> None:
    psutil.wait_procs([process], timeout=10)


def test_a_launched_server_is_found_again_and_is_nobodys_child(trial: Trial) -> None:
    process = trial.launch()
    assert trial.server.find() == process
    assert process.ppid() != os.getpid()
    assert os.getsid(process.pid) != os.getsid(0)


def test_a_server_whose_record_was_lost_is_found_and_recorded(trial: Trial) -> None:
    process = trial.launch()
    trial.record.unlink()
    assert trial.server.find() == process
    assert not trial.record.exists()
    trial.server.settle()
    assert json.loads(trial.record.read_text())["pid"] == process.pid


def test_a_record_with_the_pid_of_another_program_is_stale(trial: Trial) -> None:
    own = psutil.Process()
    trial.record.write_text(json.dumps({"pid": own.pid, "create_time": own.create_time()}))
    assert trial.server.find() is None
    trial.server.settle()
    assert not trial.record.exists()


def test_a_record_of_a_process_that_ended_is_stale(trial: Trial) -> None:
    process = trial.launch()
    process.kill()
    _wait_for(process)
    assert trial.server.find() is None
    trial.server.settle()
    assert not trial.record.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x", "create_time": 1}'])
def test_a_damaged_record_is_stale(trial: Trial, text: str) -> None:
    trial.record.write_text(text)
    assert trial.server.find() is None


def test_looking_for_a_server_changes_no_record(trial: Trial) -> None:
    trial.record.write_text("{}")
    assert trial.server.find() is None
    assert trial.record.read_text() == "{}"


def test_another_program_with_the_servers_arguments_is_not_the_server(trial: Trial) -> None:
    process = trial.launch()
    assert trial.server.find() == process
    assert replace(trial.server, program="postgres").find() is None


def test_another_users_process_with_the_servers_arguments_is_not_the_server(trial: Trial) -> None:
    process = trial.launch()
    assert trial.server.find() == process
    assert replace(trial.server, owner=lambda: os.geteuid() + 1).find() is None
    assert replace(trial.server, owner=lambda: None).find() is None


def test_a_port_belongs_to_the_process_that_listens_on_it(trial: Trial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert owns_port(psutil.Process(), port)
        assert not owns_port(trial.launch(), port)
    assert not owns_port(psutil.Process(), port)


HERE = Place("one", "boot 1", "pid:[1]")


@pytest.mark.parametrize(
    ("other", "seen"),
    [
        (HERE, True),
        (replace(HERE, host="renamed"), True),
        (replace(HERE, boot="boot 2", pids="pid:[2]"), True),
        (replace(HERE, pids="pid:[2]"), False),
        (Place("two", "boot 2", "pid:[1]"), False),
        (Place("two", "", ""), False),
    ],
)
def test_a_place_sees_its_own_processes_and_knows_that_an_earlier_boots_ended(
    other: Place, seen: bool
) -> None:
    assert HERE.sees(other) is seen


def test_a_record_of_another_host_names_it_and_is_left_alone(trial: Trial) -> None:
    process = trial.launch()
    assert trial.server.elsewhere() is None
    process.kill()
    _wait_for(process)
    note = json.loads(trial.record.read_text())
    note["place"] = {"host": "far", "boot": "another", "pids": ""}
    trial.record.write_text(json.dumps(note))
    assert trial.server.elsewhere() == "far"
    trial.server.settle()
    assert trial.record.exists()


def test_a_server_that_ends_at_its_start_is_told_with_its_last_lines(trial: Trial) -> None:
    process = trial.launch("print('the reason', flush=True); raise SystemExit(3)")
    with pytest.raises(StartError, match=r"(?s)ended while it was starting.*the reason"):
        trial.server.wait_until_ready(process, lambda: "no", log=trial.log, timeout_s=10)
    assert not trial.record.exists()


def test_a_server_that_never_answers_is_given_up_with_its_last_answer(trial: Trial) -> None:
    process = trial.launch()
    with pytest.raises(StartError, match=r"did not answer within 0 s \(still asleep\)"):
        trial.server.wait_until_ready(process, lambda: "still asleep", log=trial.log, timeout_s=0.1)
    assert alive(process)


def test_a_problem_that_does_not_pass_by_itself_is_told_at_once(trial: Trial) -> None:
    process = trial.launch()
    lost = lost_password(trial.log)
    with pytest.raises(StartError, match=r"runs as pid \d+, but the password file .*sapwood down"):
        trial.server.wait_until_ready(process, lambda: lost, log=trial.log, timeout_s=600)


def test_a_server_that_does_not_stop_is_told(trial: Trial) -> None:
    process = trial.launch()
    with pytest.raises(StopError, match=f"kill -KILL {process.pid}"):
        trial.server.wait_until_stopped(process, log=trial.log, timeout_s=0.1)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    process = psutil.Process(child.pid)
    deadline = time.monotonic() + 10
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    assert not alive(process)
    child.wait()
