"""Vendors' short-lived tokens: shared by all processes, to be read with a key alone, and gone after their time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as configured
from redis import Redis

from config import tokens
from config.tokens import PREFIX, SharedTokens

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-that-suki-gave"
ELSEWHERE = """
import django, sys
django.setup()
from config.tokens import SharedTokens
print(SharedTokens().get(sys.argv[1]))
SharedTokens().put(sys.argv[1], "newer", 60)
"""


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis.from_url(configured.REDIS_URL) as client:
        yield client


@pytest.fixture
def key(redis: Redis) -> Iterator[str]:
    """Nobody's yet."""
    made = f"test:{uuid4()}"
    yield made
    redis.delete(PREFIX + made)


def test_what_one_process_keeps_another_finds(key: str) -> None:
    SharedTokens().put(key, TOKEN, 60)
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    told = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, key],
        cwd=ROOT,
        env=env,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == TOKEN
    assert SharedTokens().get(key) == "newer"


def test_two_keys_have_two_tokens(key: str) -> None:
    SharedTokens().put(key, TOKEN, 60)
    assert SharedTokens().get(f"{key}:other") is None


def test_the_token_is_nowhere_to_be_read(key: str, redis: Redis) -> None:
    SharedTokens().put(key, TOKEN, 60)
    kept = redis.dump(PREFIX + key)
    assert kept
    for found in redis.scan_iter(f"{PREFIX}*"):
        assert TOKEN.encode() not in found + (redis.get(found) or b"")
    assert TOKEN.encode() not in kept


def test_it_is_gone_after_its_seconds(key: str, redis: Redis) -> None:
    SharedTokens().put(key, TOKEN, 0.2)
    assert SharedTokens().get(key) == TOKEN
    assert 0 < redis.pttl(PREFIX + key) <= 200
    time.sleep(0.25)
    assert SharedTokens().get(key) is None
    assert not redis.exists(PREFIX + key)


def test_a_life_of_no_time_at_all_is_no_error(key: str) -> None:
    SharedTokens().put(key, TOKEN, 0.0001)
    time.sleep(0.01)
    assert SharedTokens().get(key) is None


def test_a_token_whose_key_was_rotated_away_reads_as_none(key: str, settings: Any) -> None:
    old, new = configured.CREDENTIAL_KEYS, Fernet.generate_key().decode()
    SharedTokens().put(key, TOKEN, 60)
    settings.CREDENTIAL_KEYS = [new, *old]
    assert SharedTokens().get(key) == TOKEN
    settings.CREDENTIAL_KEYS = [new]
    assert SharedTokens().get(key) is None
    SharedTokens().drop(key, TOKEN)
    SharedTokens().put(key, "newer", 60)
    assert SharedTokens().get(key) == "newer"


def test_what_is_no_token_of_ours_reads_as_none(key: str, redis: Redis) -> None:
    redis.set(PREFIX + key, TOKEN)
    assert SharedTokens().get(key) is None


def test_a_refused_token_is_dropped(key: str, redis: Redis) -> None:
    SharedTokens().put(key, TOKEN, 60)
    SharedTokens().drop(key, TOKEN)
    assert SharedTokens().get(key) is None
    assert not redis.exists(PREFIX + key)


def test_one_that_another_has_renewed_meanwhile_is_not(key: str) -> None:
    SharedTokens().put(key, "newer", 60)
    SharedTokens().drop(key, TOKEN)
    assert SharedTokens().get(key) == "newer"


def test_nor_one_that_is_renewed_at_the_very_moment(key: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(200):
            SharedTokens().put(key, TOKEN, 60)
            wait([pool.submit(SharedTokens().drop, key, TOKEN), pool.submit(SharedTokens().put, key, "newer", 60)])
            assert SharedTokens().get(key) == "newer"


def test_without_redis_there_is_none_and_nobody_minds(key: str, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    tokens._redis.cache_clear()
    try:
        SharedTokens().put(key, TOKEN, 60)
        SharedTokens().drop(key, TOKEN)
        assert SharedTokens().get(key) is None
    finally:
        tokens._redis.cache_clear()
