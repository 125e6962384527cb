"""The whole service and the sandbox as processes, on databases that the environment names, or else on its own:
`python -m tests.flows.stack <file>` writes the pids there once all serve, and again after every restart, and into
env.json beside it the environment that they run in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from config.installation import ROOT, Installation, Place, answers, given, one_line
from config.supervisor import Process


def main(file: Path) -> None:
    place = Place.from_environment()
    with Installation(place) as installation:
        installation.start_servers()
        if not given("DATABASE_URL"):
            installation.manage("migrate", "--noinput", owner=True)
        application = str(urlsplit(installation.env["DATABASE_URL"]).username)
        installation.manage("grant_application", application, owner=True)
        address = ("127.0.0.1", place.sandbox_port)
        command = [sys.executable, "-m", "sandbox", "--port", str(address[1]), "--delay", "0.3"]
        command += ["--dragon-grpc-port", str(place.sandbox_grpc_port)]
        ready = answers(*address, "/control/health")
        installation.start_services(Process("sandbox", command, env=installation.env, cwd=ROOT, ready=ready))

        def write() -> None:
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(installation.supervisor.pids))
            fresh.rename(file)

        env = installation.env | {"DATABASE_OWNER_URL": installation.owner_url}
        file.with_name("env.json").write_text(json.dumps(env))
        installation.supervisor.changed = write
        write()
        installation.supervisor.watch()


if __name__ == "__main__":
    with one_line():
        main(Path(sys.argv[1]))
