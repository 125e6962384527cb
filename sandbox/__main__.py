"""python -m sandbox: the pretend vendors and the issuer, until SIGTERM or SIGINT."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from sandbox.issuer import Issuer
from sandbox.messages import Vendor
from sandbox.nabla import Nabla
from sandbox.server import Server
from sandbox.suki import Suki
from sandbox.suki.settings import Settings
from sandbox.suki.webhooks import Webhook


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Pretend scribe vendors on real sockets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002, help="0 takes any free port")
    parser.add_argument("--nabla-key", default="sandbox-nabla-key", help="the server key that submits must carry")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds between a submit and its callback")
    parser.add_argument("--issuer-url", default="", help="the issuer's iss, if not http://<host>:<port>/issuer")
    add_suki(parser)
    return parser.parse_args()


def add_suki(parser: argparse.ArgumentParser) -> None:
    usual = Settings()
    parser.add_argument("--suki-partner-id", default=usual.partner_id)
    parser.add_argument("--suki-partner-token", default=usual.partner_token, help="taken as it is, without a key")
    parser.add_argument("--suki-partner-key", type=Path, help="PEM file of the public key of the partner's own JWTs")
    parser.add_argument("--suki-single-token", action="store_true", help="calls must name the provider besides")
    parser.add_argument("--suki-webhook-url", default="")
    parser.add_argument("--suki-webhook-secret", default="sandbox-suki-webhook-secret")
    parser.add_argument("--store-host", default=usual.store_host, help="the host of the links to recordings")


def suki(asked: argparse.Namespace, stopping: threading.Event) -> Suki:
    wanted = {
        "partner_id": asked.suki_partner_id,
        "partner_token": asked.suki_partner_token,
        "partner_key": asked.suki_partner_key.read_text() if asked.suki_partner_key else "",
        "single_token": asked.suki_single_token,
        "store_host": asked.store_host,
        "delay": asked.delay,
    }
    webhook = Webhook(asked.suki_webhook_url, asked.suki_webhook_secret) if asked.suki_webhook_url else None
    return Suki(Settings().changed(wanted), webhook, stopping)


def main() -> None:
    asked = arguments()
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    issuer = Issuer()
    vendors: list[Vendor] = [Nabla(asked.nabla_key, asked.delay, stopping), suki(asked, stopping), issuer]
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
