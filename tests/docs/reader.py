"""A reader who does what a page says, command by command, in a shell and a folder of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.docs.likeness import Known, Unlike, meet, meet_text
from tests.docs.page import FILES, Block, Step

PATIENCE, COMMAND_SECONDS = 60.0, 120
CURLRC = 'silent\nshow-error\nmax-time = 60\ndump-header = "{}"\n'


@dataclass(frozen=True)
class Answer:
    status: int | None
    headers: dict[str, str]
    body: str


class Reader:
    """`known`: what the page's $NAMES stand for; the shell has them as variables."""

    def __init__(self, folder: Path, env: dict[str, str], known: Known) -> None:
        self.folder, self.env, self.known = folder, env, dict(known)
        self.heads = folder / ".heads"
        (folder / ".curlrc").write_text(CURLRC.format(self.heads))
        self._started: list[int] = []

    def do(self, step: Step) -> None:
        """Raises Unlike when it does not answer as the page says, for all one's patience."""
        if step.block.language in FILES:
            name = step.block.text.split()[1]
            (self.folder / name).write_text(step.block.text)
            return
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.check(step)
                return
            except Unlike as unlike:
                if not step.may_be_repeated or time.monotonic() > end:
                    raise Unlike(f"line {step.block.line}: {unlike}") from None
            time.sleep(0.3)

    def check(self, step: Step) -> None:
        answer, known = self.run(step.block.text), dict(self.known)
        if not step.answers and (answer.status or 200) >= 400:
            raise Unlike(f"answered {answer.status}: {answer.body}")
        for expected in step.answers:
            compare(expected, answer, known)
        self.known = known

    def run(self, command: str) -> Answer:
        """Its output goes to files: what it leaves running in the background would hold a pipe open."""
        self.heads.unlink(missing_ok=True)
        out, errors = self.folder / ".out", self.folder / ".errors"
        env = self.env | self.known | {"CURL_HOME": str(self.folder)}
        with out.open("w") as to, errors.open("w") as wrong:
            shell = ["sh", "-ec", command]
            child = subprocess.Popen(shell, cwd=self.folder, env=env, stdout=to, stderr=wrong, start_new_session=True)
        self._started.append(child.pid)
        if child.wait(COMMAND_SECONDS):
            raise Unlike(f"ended with {child.returncode}: {errors.read_text()}")
        status, headers = self.head()
        return Answer(status, headers, without_heads(out.read_bytes().decode(errors="replace")))

    def head(self) -> tuple[int | None, dict[str, str]]:
        """Of the last answer, if curl had any."""
        if not self.heads.exists():
            return None, {}
        last = self.heads.read_text().replace("\r", "").strip().split("\n\n")[-1]
        first, *lines = last.splitlines()
        named = (line.partition(":") for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in named}

    def stop(self) -> None:
        """Whatever the page has left running."""
        for group in self._started:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def without_heads(output: str) -> str:
    """What `curl -i` writes before the body."""
    while output.startswith("HTTP/"):
        output = output.partition("\r\n\r\n")[2]
    return output


def compare(expected: Block, answer: Answer, known: Known) -> None:
    if expected.language == "json":
        meet(json.loads(expected.text), as_json(answer.body), known)
    elif expected.language == "text":
        text = expected.text.strip().replace("…\n", "…").replace("\n…", "…")
        meet_text(text, answer.body.strip(), known, "the output")
    else:
        first, *lines = expected.text.strip().splitlines()
        if answer.status != int(first.split()[1]):
            raise Unlike(f"answered {answer.status}: {answer.body}")
        for name, _, value in (line.partition(": ") for line in lines):
            meet_text(value, answer.headers.get(name.lower(), "missing"), known, name)


def as_json(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise Unlike(f"no JSON: {body[:500]!r}") from None
