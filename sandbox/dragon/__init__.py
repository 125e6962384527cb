"""A pretend Dragon Copilot: ambient audio by REST, WebSocket and gRPC, and its data exchange."""

from sandbox.dragon.vendor import Dragon

__all__ = ["Dragon"]
