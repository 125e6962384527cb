"""A pretend consumer of webhooks, such as an EHR: it verifies, keeps and answers, or misbehaves on demand."""

from sandbox.subscriber.subscriber import Subscriber

__all__ = ["Subscriber"]
