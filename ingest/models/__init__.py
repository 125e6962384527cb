"""What goes out to vendors and what comes back: sessions and their audio, requests and their submissions, callbacks."""

from ingest.models.account import VendorAccount
from ingest.models.callback import Callback, Replay
from ingest.models.heartbeat import Heartbeat
from ingest.models.inquiry import Inquiry
from ingest.models.removed import RemovedFile
from ingest.models.request import AsyncRequest, Submission
from ingest.models.session import Audio, Session
from ingest.models.utterance import Utterance

__all__ = [
    "AsyncRequest",
    "Audio",
    "Callback",
    "Heartbeat",
    "Inquiry",
    "RemovedFile",
    "Replay",
    "Session",
    "Submission",
    "Utterance",
    "VendorAccount",
]
