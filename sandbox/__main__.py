"""python -m sandbox: the pretend vendors and the issuer, until SIGTERM or SIGINT."""

import argparse
import signal
import sys
import threading

from sandbox.issuer import Issuer
from sandbox.messages import Vendor
from sandbox.nabla import Nabla
from sandbox.server import Server


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Pretend scribe vendors on real sockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002, help="0 takes any free port")
    parser.add_argument("--nabla-key", default="sandbox-nabla-key", help="the server key that submits must carry")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds between a submit and its callback")
    parser.add_argument("--issuer-url", default="", help="the issuer's iss, if not http://<host>:<port>/issuer")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    issuer = Issuer()
    vendors: list[Vendor] = [Nabla(asked.nabla_key, asked.delay, stopping), issuer]
    with Server((asked.host, asked.port), vendors, stopping) as server:
        host, port = server.server_address[:2]
        issuer.url = asked.issuer_url or f"http://{host!s}:{port}/issuer"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        sys.stdout.write(f"sandbox listening on http://{host!s}:{port}\n")
        sys.stdout.flush()
        stopping.wait()
        server.shutdown()


if __name__ == "__main__":
    main()
