"""Keeps the processes of one installation running: started in order, restarted when they die, stopped in reverse.

Each child leads a process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then stops them in
order, where a shared group would end the database under the workers' feet. Killed with -9, the kernel passes the
children their stop signal; what outlives even that is found by its record under `run/` at the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TextIO

_LOG_LIMIT = 20 * 1024 * 1024
_TICK_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failed(Exception):
    """What went wrong, in one line for the person at the terminal."""


class Stopped(BaseException):
    """Somebody asked us to end; carries the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Process:
    """One program to keep running. `prepare` runs before every start; `ready` says whether it serves.

    `retry_seconds`: how long a first start that ends at once is tried again (a database whose predecessor was killed
    needs a moment). `user`: the uid it runs under, when it must not be ours.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    ready: Callable[[], bool] | None = None
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    cwd: Path = Path("/")
    user: int | None = None
    deadline: float = 180
    grace: float = 15
    retry_seconds: float = 0


class Supervisor:
    """Runs processes for one folder: logs in `var/log`, records of what runs in `var/run`, one supervisor at a time.

    `changed` is called after every restart, with the new pids in `pids`.
    """

    first_backoff, longest_backoff, steady_seconds = 0.5, 10.0, 30.0
    leftover_seconds = 10.0

    def __init__(
        self, var: Path, *, say: Callable[[str], None] = say, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.var, self.say, self.changed = var, say, changed
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        for folder in (self.var, self.var / "log", self.var / "run"):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.var / "supervisor.lock")
        self._handlers = {number: signal.signal(number, _stop) for number in STOP_SIGNALS}
        for record in sorted((self.var / "run").glob("*.pid")):
            end_leftover(record, self.say, self.leftover_seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(self._children):
            child.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._lock.close()

    @property
    def pids(self) -> dict[str, int]:
        return {child.process.name: child.popen.pid for child in self._children if child.popen}

    def start(self, *processes: Process) -> None:
        """Starts them and waits until all serve; raises Failed with the log's last lines when one does not."""
        fresh = [_Child(process, self.var) for process in processes]
        self._children += fresh
        for child in fresh:
            child.spawn()
        for child in fresh:
            self._await(child, fresh)

    def _await(self, child: _Child, starting: list[_Child]) -> None:
        process, begun = child.process, time.monotonic()
        while not child.is_ready():
            waited = time.monotonic() - begun
            if child.ended() is not None:
                if waited > process.retry_seconds:
                    raise Failed(f"{process.name} ended with {child.ended()} at its start: {child.tail()}")
                time.sleep(0.5)
                child.spawn()
            elif waited > process.deadline:
                raise Failed(f"{process.name} is not ready after {process.deadline:.0f} s: {child.tail()}")
            self._tick(starting)
            time.sleep(_TICK_SECONDS)

    def watch(self, seconds: float | None = None, until: Callable[[], bool] = lambda: False) -> None:
        """Keeps everything running, for so many seconds or until told to stop."""
        end = time.monotonic() + seconds if seconds is not None else None
        while not until() and (end is None or time.monotonic() < end):
            self._tick()
            time.sleep(_TICK_SECONDS)

    def _tick(self, starting: Sequence[_Child] = ()) -> None:
        restarted = [child.revive(self.say) for child in self._children if child not in starting]
        if any(restarted):
            self.changed()


class _Child:
    """One process as it runs: its Popen, and when to start it again should it have died."""

    def __init__(self, process: Process, var: Path) -> None:
        self.process = process
        self.popen: subprocess.Popen[bytes] | None = None
        self.log = var / "log" / f"{process.name}.log"
        self.record = var / "run" / f"{process.name}.pid"
        self.backoff, self.started, self.due = Supervisor.first_backoff, 0.0, 0.0
        self.swept = False

    def spawn(self) -> None:
        process = self.process
        if process.prepare:
            process.prepare()
        _rotate(self.log)
        with self.log.open("ab") as log:
            try:
                self.popen = subprocess.Popen(  # noqa: S603
                    dying_with_us(process.command, process.stop_signal),
                    env=dict(process.env),
                    cwd=process.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                    user=process.user,
                    group=process.user,
                    extra_groups=None if process.user is None else [],
                )
            except OSError as error:
                raise Failed(f"{process.name} cannot be started: {error}") from None
        self.record.write_text(f"{self.popen.pid} {_birth(self.popen.pid)}\n")
        self.started, self.due, self.swept = time.monotonic(), 0.0, False

    def ended(self) -> str | None:
        """How it ended (`exit 1`, `SIGKILL`); None while it runs."""
        code = self.popen.poll() if self.popen else None
        if code is None:
            return None
        self._end_group()
        return f"exit {code}" if code >= 0 else signal.Signals(-code).name

    def is_ready(self) -> bool:
        return self.ended() is None and (self.process.ready is None or self.process.ready())

    def revive(self, say: Callable[[str], None]) -> bool:
        """True when it had died and was started again. The wait doubles until it has run steadily."""
        now = time.monotonic()
        how = self.ended()
        if how is None:
            _rotate(self.log)
            return False
        if not self.due:
            self.backoff = Supervisor.first_backoff if now - self.started > Supervisor.steady_seconds else self.backoff
            self.due = now + self.backoff
            say(f"{self.process.name} ended ({how}); starting it again in {self.backoff:g} s, see {self.log}")
            self.backoff = min(self.backoff * 2, Supervisor.longest_backoff)
        if now < self.due:
            return False
        self.spawn()
        return True

    def stop(self) -> None:
        if self.popen and self.ended() is None:
            self.popen.send_signal(self.process.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(self.process.grace)
            self._end_group()
            self.popen.wait()
        self.record.unlink(missing_ok=True)

    def tail(self) -> str:
        """The log's last two lines, shortened, and where the rest is."""
        lines = [line.strip()[:200] for line in _end_of(self.log).splitlines() if line.strip()]
        return f"{' | '.join(lines[-2:]) or 'it wrote nothing'} (see {self.log})"

    def _end_group(self) -> None:
        """Ends what the process had started itself and left behind; once, before its pid can be used again."""
        if self.popen and not self.swept:
            self.swept = self.popen.poll() is not None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)


def end_leftover(record: Path, say: Callable[[str], None], seconds: float) -> None:
    """Ends the process that a record names, if it is that process still and not another under a used-again pid."""
    pid, _, birth = record.read_text().strip().partition(" ")
    if pid.isdigit() and birth and _birth(int(pid)) == birth:
        say(f"ending {record.stem} (pid {pid}), left over from a start that was killed")
        _end(int(pid), birth, seconds)
    record.unlink(missing_ok=True)


def _end(pid: int, birth: str, patience: float) -> None:
    # All of ours close at SIGINT: PostgreSQL, Valkey, granian and Celery.
    for number, seconds in ((signal.SIGINT, patience), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        end = time.monotonic() + seconds
        while _birth(pid) == birth and time.monotonic() < end:
            time.sleep(_TICK_SECONDS)
    if _birth(pid) == birth:
        raise Failed(f"pid {pid} of an earlier start cannot be ended; end it by hand")


def _birth(pid: int) -> str:
    """When a process began, in a form that no other process of that pid has; empty when it is dead."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if state in "ZX" else f"{fields[18]} {boot}"


@functools.cache
def _setpriv() -> str | None:
    """The program that asks the kernel for a signal at our death, where it can (util-linux's can, busybox's cannot)."""
    path = shutil.which("setpriv")
    if path is None:
        return None
    tried = subprocess.run([path, "--pdeathsig", "TERM", "--", "true"], capture_output=True, check=False)  # noqa: S603
    return path if tried.returncode == 0 else None


def dying_with_us(command: Sequence[str], number: signal.Signals) -> list[str]:
    """The command, arranged to get this signal when its parent dies, however that dies."""
    if shutil.which(command[0]) is None:
        raise Failed(f"there is no program {command[0]}")
    setpriv = _setpriv()
    return [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--", *command] if setpriv else list(command)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def _locked(path: Path) -> TextIO:
    """Takes the folder's lock. It ends with this process, however that ends; children do not inherit it."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        with file:
            raise Failed(f"already running (pid {file.read().strip()}) on {path.parent}: stop that first") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _rotate(log: Path) -> None:
    """Copies a log that has grown too long aside and empties it; its writers append, so they need not know."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def _end_of(path: Path, size: int = 4096) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode(errors="replace")
