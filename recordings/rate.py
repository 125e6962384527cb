"""How often a vendor is asked about an account's recordings: a token bucket in Redis, over all workers.

Whoever asks is given a turn and waits for it, so that however many wait, calls leave at the account's rate. Without
Redis each process gives its own turns, slowly.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from vendors.base import VendorError

log = logging.getLogger(__name__)

PREFIX = "listenpost:recordings:"
OPTION = "recordings_per_second"
USUAL, SLOWEST, FASTEST = 5.0, 0.01, 1000.0
#: How long a worker waits for its turn, and how long a person does.
PATIENCE, HURRY = 10.0, 4.0
ANSWER_SECONDS = 0.5
#: A turn without Redis, for all threads of a process.
ALONE_SECONDS = 1.0

# The key holds when the next turn would be, in microseconds. What nobody took in the past 0.4 s may be taken at once.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, patience = tonumber(ARGV[1]), tonumber(ARGV[2])
local turn = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - math.max(400000 - interval, 0))
local wait = math.max(turn - now, 0)
if wait > patience then return {0, wait} end
redis.call('SET', KEYS[1], string.format('%.0f', turn + interval), 'PX', math.ceil((wait + interval) / 1000) + 2000)
return {1, wait}
"""
_alone = threading.Lock()


def wait_for_turn(account_id: UUID, options: Any, patience: float = PATIENCE) -> None:
    """Returns when the account's vendor may be asked.

    Raises VendorError `vendor_busy`, with when to come again, where that is more than `patience` seconds away.
    """
    try:
        is_taken, wait = take(account_id, per_second(options), patience)
    except RedisError as error:
        log.warning("turns are given without Redis: %s", type(error).__name__)
        with _alone:
            time.sleep(ALONE_SECONDS)
        return
    if not is_taken:
        message = "Others of the clinic's recordings are asked for first: it waits for its turn."
        raise VendorError(message, permanent=False, code="vendor_busy", retry_after=wait)
    time.sleep(wait)


def take(account_id: UUID, rate: float, patience: float) -> tuple[bool, float]:
    """Whether a turn was taken, and how many seconds it is away. Raises RedisError."""
    interval = round(1_000_000 / rate)
    is_taken, wait = _script()(keys=[f"{PREFIX}{account_id}"], args=[interval, round(patience * 1_000_000)])
    return bool(is_taken), int(wait) / 1_000_000


def per_second(options: Any) -> float:
    """The account's own rate, or the usual one where it names none that makes sense."""
    wished = options.get(OPTION) if isinstance(options, dict) else None
    if isinstance(wished, bool) or not isinstance(wished, int | float) or not SLOWEST <= wished <= FASTEST:
        return USUAL
    return float(wished)


@cache
def _script() -> Any:
    patience: dict[str, Any] = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    client = Redis.from_url(settings.REDIS_URL, **patience, retry=Retry(NoBackoff(), 0))
    return client.register_script(TAKE)
