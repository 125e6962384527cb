"""What is started stays up, and nothing of it stays behind."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.supervisor import Failed, Process, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
ROOT = Path(__file__).resolve().parents[2]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(tmp_path, say=said.append)


def test_leaves_nothing_running(supervisor: Supervisor) -> None:
    child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    family = Process("family", [sys.executable, "-c", f"{child}; time.sleep(60)"])
    with supervisor:
        supervisor.start(Process("sleeper", SLEEP), family)
        group = supervisor.pids["family"]
        supervisor.watch(0.5)
        assert len(_members(group)) == 2
        pids = supervisor.pids
    assert not any(alive(pid) for pid in pids.values())
    assert eventually(lambda: not _members(group))
    assert not list((supervisor.var / "run").glob("*.pid"))


def test_stops_in_reverse_order_with_each_ones_own_signal(supervisor: Supervisor, tmp_path: Path) -> None:
    script = tmp_path / "noting.py"
    script.write_text(
        textwrap.dedent("""
        import pathlib, signal, sys, time
        def note(number, frame):
            with open(sys.argv[1], "a") as file:
                file.write(f"{sys.argv[2]} {number}\\n")
            sys.exit()
        signal.signal(signal.SIGTERM, note)
        signal.signal(signal.SIGINT, note)
        pathlib.Path(sys.argv[1] + sys.argv[2]).touch()
        time.sleep(60)
    """)
    )
    notes = tmp_path / "notes"

    def noting(name: str, stop_signal: signal.Signals) -> Process:
        ready = Path(f"{notes}{name}").exists
        command = [sys.executable, str(script), str(notes), name]
        return Process(name, command, ready=ready, stop_signal=stop_signal)

    with supervisor:
        supervisor.start(noting("first", signal.SIGINT), noting("second", signal.SIGTERM))
    assert notes.read_text() == f"second {int(signal.SIGTERM)}\nfirst {int(signal.SIGINT)}\n"


def test_kills_what_does_not_stop(supervisor: Supervisor, tmp_path: Path) -> None:
    mark = tmp_path / "deaf"
    deaf = "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    command = [sys.executable, "-c", f"{deaf}; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)", str(mark)]
    with supervisor:
        supervisor.start(Process("deaf", command, ready=mark.exists, grace=0.3))
        pid = supervisor.pids["deaf"]
    assert not alive(pid)


def test_starts_again_what_died_and_says_so(supervisor: Supervisor, said: list[str]) -> None:
    changes: list[dict[str, int]] = []
    supervisor.changed = lambda: changes.append(supervisor.pids)
    with supervisor:
        supervisor.start(Process("sleeper", SLEEP), Process("neighbour", SLEEP))
        before = supervisor.pids
        os.kill(before["sleeper"], signal.SIGKILL)
        supervisor.watch(5, until=lambda: bool(changes))
        after = supervisor.pids
        assert alive(after["sleeper"])
    assert changes == [after]
    assert after["sleeper"] != before["sleeper"]
    assert after["neighbour"] == before["neighbour"]
    assert len(said) == 1
    assert said[0].startswith("sleeper ended (SIGKILL); starting it again in 0.5 s")


def test_waits_longer_each_time_it_dies_at_once(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    once = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"
    with supervisor:
        supervisor.start(Process("brief", [sys.executable, "-c", once]))
        supervisor.watch(3)
    assert [line.split(" in ")[1].split(",")[0] for line in said] == ["0.5 s", "1 s", "2 s"]
    assert "exit 3" in said[0]
    assert len(starts.read_text()) == 3


def test_a_start_that_fails_is_one_line_with_the_logs_end(supervisor: Supervisor) -> None:
    command = [sys.executable, "-c", "print('cannot find the harbour'); raise SystemExit(2)"]
    with (
        pytest.raises(
            Failed, match=r"^boat ended with exit 2 at its start: cannot find the harbour \(see .*boat.log\)$"
        ),
        supervisor,
    ):
        supervisor.start(Process("boat", command, ready=lambda: False))


def test_a_start_that_never_gets_ready_ends(supervisor: Supervisor) -> None:
    with pytest.raises(Failed, match="sleeper is not ready after 1 s: it wrote nothing"), supervisor:
        supervisor.start(Process("sleeper", SLEEP, ready=lambda: False, deadline=1))


def test_an_unknown_program_is_one_line(supervisor: Supervisor) -> None:
    with pytest.raises(Failed, match="there is no program /nowhere/ghost"), supervisor:
        supervisor.start(Process("ghost", ["/nowhere/ghost"]))


def test_one_supervisor_at_a_time(supervisor: Supervisor, tmp_path: Path) -> None:
    with supervisor, pytest.raises(Failed, match=rf"already running \(pid {os.getpid()}\)"):
        Supervisor(tmp_path).__enter__()
    with Supervisor(tmp_path):
        pass


def test_killed_with_9_its_children_go_too(tmp_path: Path) -> None:
    parent, pid = _supervising(tmp_path, "import time; time.sleep(60)")
    parent.kill()
    parent.wait()
    assert eventually(lambda: not alive(pid))


def test_what_outlived_a_killed_supervisor_is_ended_at_the_next_start(tmp_path: Path, said: list[str]) -> None:
    ignoring = "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)]"
    deaf = f"import signal, time; {ignoring}; time.sleep(60)"
    parent, pid = _supervising(tmp_path, deaf)
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    assert alive(pid)
    following = Supervisor(tmp_path, say=said.append)
    following.leftover_seconds = 0.5
    with following:
        assert not alive(pid)
    assert said == [f"ending child (pid {pid}), left over from a start that was killed"]


def test_a_pid_that_was_used_again_is_left_alone(tmp_path: Path, said: list[str]) -> None:
    innocent = subprocess.Popen(SLEEP, process_group=0)
    try:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "web.pid").write_text(f"{innocent.pid} 1 another-boot\n")
        with Supervisor(tmp_path, say=said.append):
            assert alive(innocent.pid)
        assert said == []
    finally:
        innocent.kill()
        innocent.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    parent, pid = _supervising(tmp_path, "import time; time.sleep(60)")
    parent.send_signal(number)
    parent.wait(10)
    assert not alive(pid)


def test_a_long_log_is_put_aside_under_its_writer(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.supervisor._LOG_LIMIT", 1000)
    writing = "import time\nwhile True: print('x' * 100, flush=True); time.sleep(0.01)"
    log = supervisor.var / "log" / "writer.log"
    with supervisor:
        supervisor.start(Process("writer", [sys.executable, "-c", writing]))
        supervisor.watch(5, until=log.with_suffix(".log.1").exists)
        supervisor.watch(0.3)
    assert log.read_text().startswith("x")
    assert log.with_suffix(".log.1").stat().st_size >= 1000


def _supervising(var: Path, code: str) -> tuple[subprocess.Popen[str], int]:
    """A supervisor in a process of its own, with one child that runs this code; and the child's pid, once it does."""
    program = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from config.supervisor import Process, Stopped, Supervisor
        mark = Path({str(var / "running")!r})
        code = f"import pathlib; pathlib.Path({{str(mark)!r}}).touch(); " + {code!r}
        try:
            with Supervisor(Path({str(var)!r})) as supervisor:
                supervisor.start(Process("child", [sys.executable, "-c", code], ready=mark.exists))
                print(supervisor.pids["child"], flush=True)
                supervisor.watch(60)
        except Stopped:
            pass
    """)
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout:
        return parent, int(parent.stdout.readline())


def _members(group: int) -> list[int]:
    """The living processes of one process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp, *_ = stat.read_text().rpartition(")")[2].split()
            found += [int(stat.parent.name)] if int(pgrp) == group and state not in "ZX" else []
    return found
