"""A pretend Nabla: `listen_async` of API version 2024-04-22."""

from sandbox.nabla.vendor import Nabla

__all__ = ["Nabla"]
