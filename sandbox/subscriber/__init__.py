"""A pretend consumer of webhooks, such as an EHR: it verifies, keeps and answers, or misbehaves on demand."""

from sandbox.subscriber.vendor import Subscriber

__all__ = ["Subscriber"]
