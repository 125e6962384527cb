"""python -m sandbox: the pretend vendors and the issuer, until SIGTERM or SIGINT."""

import argparse
import signal
import sys
import threading
from pathlib import Path

import grpc

from sandbox.dragon import Dragon, rpc
from sandbox.dragon.settings import Settings as DragonSettings
from sandbox.issuer import Issuer
from sandbox.messages import Vendor
from sandbox.nabla import Nabla
from sandbox.server import Server
from sandbox.subscriber import Subscriber
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
    add_dragon(parser)
    asked = parser.parse_args()
    if bool(asked.dragon_grpc_cert) != bool(asked.dragon_grpc_key):
        parser.error("--dragon-grpc-cert and --dragon-grpc-key go together")
    return asked


def add_suki(parser: argparse.ArgumentParser) -> None:
    usual = Settings()
    parser.add_argument("--suki-partner-id", default=usual.partner_id)
    parser.add_argument("--suki-partner-token", default=usual.partner_token, help="taken as it is, without a key")
    parser.add_argument("--suki-partner-key", type=Path, help="PEM file of the public key of the partner's own JWTs")
    parser.add_argument("--suki-single-token", action="store_true", help="calls must name the provider besides")
    parser.add_argument("--suki-webhook-url", default="")
    parser.add_argument("--suki-webhook-secret", default="sandbox-suki-webhook-secret")
    parser.add_argument("--store-host", default=usual.store_host, help="the host of the links to recordings")


def add_dragon(parser: argparse.ArgumentParser) -> None:
    usual = DragonSettings()
    parser.add_argument("--dragon-partner-id", default=usual.partner_id)
    parser.add_argument("--dragon-customer-id", default=usual.customer_id)
    parser.add_argument("--dragon-product-id", default=usual.product_id)
    parser.add_argument("--dragon-any-api-version", action="store_true", help="WebSockets need not name it")
    parser.add_argument("--dragon-grpc-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--dragon-grpc-cert", type=Path, help="PEM file of the certificate; without one, no TLS")
    parser.add_argument("--dragon-grpc-key", type=Path, help="PEM file of the certificate's private key")


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


def dragon(asked: argparse.Namespace, issuer: Issuer, stopping: threading.Event) -> Dragon:
    wanted = {
        "partner_id": asked.dragon_partner_id,
        "customer_id": asked.dragon_customer_id,
        "product_id": asked.dragon_product_id,
        "demands_api_version": not asked.dragon_any_api_version,
        "delay": asked.delay,
    }
    return Dragon(DragonSettings().changed(wanted), issuer, stopping)


def grpc_credentials(asked: argparse.Namespace) -> grpc.ServerCredentials | None:
    if not asked.dragon_grpc_cert:
        return None
    pair = (asked.dragon_grpc_key.read_bytes(), asked.dragon_grpc_cert.read_bytes())
    return grpc.ssl_server_credentials([pair])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    asked = arguments()
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    issuer = Issuer()
    copilot = dragon(asked, issuer, stopping)
    nabla, consumers = Nabla(asked.nabla_key, asked.delay, stopping), Subscriber(stopping)
    vendors: list[Vendor] = [nabla, suki(asked, stopping), copilot, issuer, consumers]
    with Server((asked.host, asked.port), vendors, stopping) as server:
        host, port = server.server_address[:2]
        issuer.url = asked.issuer_url or f"http://{host!s}:{port}/issuer"
        calls, grpc_port = rpc.serve(copilot, f"{asked.host}:{asked.dragon_grpc_port}", grpc_credentials(asked))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        say(f"sandbox listening on http://{host!s}:{port}")
        say(f"sandbox gRPC listening on {asked.host}:{grpc_port}")
        stopping.wait()
        server.shutdown()
        calls.stop(1).wait()


if __name__ == "__main__":
    main()
