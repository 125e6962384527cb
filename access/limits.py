"""How much one program or one address may ask, counted in Redis and open when Redis is down.

Fixed windows by the clock, the cheapest strategy of `limits` that is exact: its one atomic script counts up and lets
the key expire. As the window's number is part of the key, that count tells what is left and the clock when it ends: one
round trip, where the sliding window takes two (and four commands in each). Across the end of a window somebody may have
twice the rate for a moment, which is nothing to a limit that keeps one program from taking the whole service.

Refused proofs are counted by address, and past RATE_REFUSED answered 429 in place of 401. Each is still looked at: many
programs share a clinic's address, and one of them with an old key must not shut out the others. That is cheap enough:
made-up keys cost no query (access.keys), made-up tokens ten a second in all (access.programs.Trust).
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from limits import RateLimitItem
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from access import log
from access.refusals import neighbourhood
from config import problems

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 0.2
REST_SECONDS = 5.0
PREFIX = "listenpost:rate"
STANDINGS = "listenpost.standings"
#: In the scope of a request that is looked at once more, as it waits for the next event: it was counted.
AGAIN = "listenpost.again"


class Policy(StrEnum):
    KEY = "key"
    ADDRESS = "address"
    REFUSED = "refused"
    SIGN_IN = "sign-in"


SETTINGS = {
    Policy.KEY: "RATE_PER_KEY",
    Policy.ADDRESS: "RATE_PER_ADDRESS",
    Policy.REFUSED: "RATE_REFUSED",
    Policy.SIGN_IN: "RATE_SIGN_IN",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands with one limit. `used`: of this window."""

    policy: Policy
    rate: RateLimitItem
    used: int
    seconds_left: float

    @property
    def is_over(self) -> bool:
        return self.used > self.rate.amount

    @property
    def remaining(self) -> int:
        return max(0, self.rate.amount - self.used)

    @property
    def wait(self) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, math.ceil(self.seconds_left))


class TooMany(Throttled):
    default_detail = "This is more than the limit allows."
    extra_detail_singular = "Try again in {wait} second."
    extra_detail_plural = "Try again in {wait} seconds."

    def __init__(self, standing: Standing) -> None:
        super().__init__(standing.wait)
        self.seconds = standing.wait


class Meter:
    """Counts in one Redis; knows nothing while that fails. Safe for threads.

    What failed is left alone for `rest_seconds`, and then tried by one caller for all: a dead Redis costs one time-out
    in that time, and a line in the log when it begins and when it ends.
    """

    def __init__(self, url: str, rest_seconds: float = REST_SECONDS) -> None:
        self.url, self.rest_seconds = url, rest_seconds
        self._turn = threading.Lock()
        self._is_failing, self._rests_until = False, float("-inf")

    @cached_property
    def storage(self) -> RedisStorage:
        options: dict[str, Any] = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
        options |= {"retry": Retry(NoBackoff(), 0)}  # the client's own would wait for seconds
        return RedisStorage(self.url, key_prefix=PREFIX, **options)

    def add(self, key: str, seconds: int, amount: int = 1) -> int | None:
        """Counts so many more, and says how many there are."""
        return self._ask(lambda: self.storage.incr(key, seconds, amount))

    def _ask(self, work: Callable[[], int]) -> int | None:
        if self._is_failing and not self._may_try():
            return None
        try:
            found = work()
        except Exception as error:  # whatever ails Redis or its address, no request fails by it
            self._note(type(error).__name__)
            return None
        if self._is_failing:
            self._note("")
        return found

    def _may_try(self) -> bool:
        with self._turn:
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + self.rest_seconds
            return True

    def _note(self, trouble: str) -> None:
        with self._turn:
            is_news, self._is_failing = bool(trouble) != self._is_failing, bool(trouble)
            self._rests_until = time.monotonic() + self.rest_seconds if trouble else float("-inf")
        if is_news:
            logger.warning(f"rate limits are off: {trouble} at Redis" if trouble else "rate limits are on again")


@lru_cache(maxsize=8)
def meter(url: str) -> Meter:
    return Meter(url)


def add(policy: Policy, who: str | None, amount: int = 1) -> Standing | None:
    """Counts so many more of somebody's. None where nothing is limited, or nothing known."""
    rate: RateLimitItem | None = getattr(settings, SETTINGS[policy])
    if rate is None or who is None:
        return None
    seconds = rate.get_expiry()
    window, passed = divmod(time.time(), seconds)
    used = meter(settings.REDIS_URL).add(rate.key_for(policy.value, who, int(window)), seconds, amount)
    if used is None:
        return None
    if used - amount <= rate.amount < used:  # one of each window is
        logger.warning("over the limit: %s %s", policy.value, who)
    return Standing(policy, rate, used, seconds - passed)


def spend(request: HttpRequest | Request, policy: Policy, who: str | None) -> None:
    """Counts the request, for the headers of its answer too. Raises TooMany."""
    standing = add(policy, who, 0 if AGAIN in request.META.get("asgi.scope", ()) else 1)
    if standing is None:
        return
    request.META.setdefault(STANDINGS, []).append(standing)
    if standing.is_over:
        raise TooMany(standing)


def refused(request: HttpRequest | Request) -> None:
    """Counts a proof that does not hold. Raises TooMany."""
    spend(request, Policy.REFUSED, neighbourhood(log.address(request)))


class LimitsMiddleware:
    """Counts by address what comes for /api/ and who signs in; tells programs where they stand."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            response = self._limited(request, Policy.ADDRESS, problems.respond)
            return _told(response, request.META.get(STANDINGS, ()))
        if request.method == "POST" and request.path == reverse("admin:login"):
            return self._limited(request, Policy.SIGN_IN, lambda refusal: _page(request, refusal))
        return self.get_response(request)

    def _limited(self, request: HttpRequest, policy: Policy, refuse: Callable[[TooMany], HttpResponse]) -> HttpResponse:
        try:
            spend(request, policy, neighbourhood(log.address(request)))
        except TooMany as refusal:
            return refuse(refusal)
        return self.get_response(request)


def _told(response: HttpResponse, standings: Iterable[Standing]) -> HttpResponse:
    """With the headers of the tightest limit. Source: draft-ietf-httpapi-ratelimit-headers."""
    if tightest := min(standings, key=lambda standing: standing.remaining, default=None):
        name, rate = tightest.policy.value, tightest.rate
        response["RateLimit-Policy"] = f'"{name}";q={rate.amount};w={rate.get_expiry()}'
        response["RateLimit"] = f'"{name}";r={tightest.remaining};t={tightest.wait}'
    return response


def _page(request: HttpRequest, refusal: TooMany) -> HttpResponse:
    response = render(request, "429.html", {"seconds": refusal.seconds}, status=429)
    response["Retry-After"] = str(refusal.seconds)
    return response


# --- For the door. The threads are few and its own: Redis may keep one waiting for as long as ANSWER_SECONDS, and
# neither the event loop nor what reads files may wait with it.
_threads = ThreadPoolExecutor(4, "limits")


async def admit(program_id: UUID | str) -> float | None:
    """Counts one request of a program's. Seconds to wait when it is over RATE_PER_KEY, else None."""
    standing = await asyncio.get_running_loop().run_in_executor(_threads, add, Policy.KEY, str(program_id))
    return standing.wait if standing and standing.is_over else None


class Tally:
    """Refused entries, counted here at once and in Redis in sums: a forged proof must cost no round trip of ours.

    Another process hears of them SEND_SECONDS later.
    """

    SEND_SECONDS, MOST_SENDERS = 0.2, 10_000

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._window = -1
        self._known: dict[str, int] = {}
        self._unsent: dict[str, int] = {}
        self._thread = ThreadPoolExecutor(1, "refusals")
        self._is_sending = False

    def add(self, who: str | None) -> float | None:
        """Counts one more. Seconds to wait when there are more than RATE_REFUSED, else None."""
        rate: RateLimitItem | None = settings.RATE_REFUSED
        if rate is None or who is None:
            return None
        window, passed = divmod(time.time(), rate.get_expiry())
        used = self._count(who, int(window))
        return max(1, math.ceil(rate.get_expiry() - passed)) if used > rate.amount else None

    def known(self, who: str) -> int:
        """How many everybody had counted when last asked."""
        return self._known.get(who, 0)

    def _count(self, who: str, window: int) -> int:
        with self._turn:
            if window != self._window:
                self._window, self._known, self._unsent = window, {}, {}
            if who not in self._unsent and len(self._unsent) >= self.MOST_SENDERS:
                return 0
            self._unsent[who] = self._unsent.get(who, 0) + 1
            if not self._is_sending:
                self._is_sending = True
                self._thread.submit(self._send)
            return self.known(who) + self._unsent[who]

    def _send(self) -> None:
        time.sleep(self.SEND_SECONDS)
        with self._turn:
            window, unsent, self._unsent, self._is_sending = self._window, self._unsent, {}, False
        for who, number in unsent.items():
            standing = add(Policy.REFUSED, who, number)
            with self._turn:
                if standing and window == self._window:
                    self._known[who] = standing.used


tally = Tally()


def count_refusal(address: str | None) -> float | None:
    """Counts one refused entry. Seconds to wait when the address is over RATE_REFUSED by it, else None."""
    return tally.add(neighbourhood(address))
