from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from django.utils import timezone

from access import keys
from access.models import ApiKey, Clinic


def test_a_token_finds_its_key_and_clinic(clinic: Clinic) -> None:
    key, token = keys.create(clinic, name="EHR", scopes=["notes:read"])
    assert re.fullmatch(r"lp_[^_]{12}_.{43}", token)
    found = keys.find(token)
    assert found == key
    assert found.clinic == clinic


def test_the_secret_is_kept_as_its_digest_alone(clinic: Clinic) -> None:
    _, token = keys.create(clinic, name="EHR", scopes=["notes:read"])
    row = ApiKey.objects.get()
    assert bytes(row.digest) == hashlib.sha256(token.split("_", 2)[2].encode()).digest()
    assert token not in str(vars(row))


def test_keys_that_have_ended_are_not_found(clinic: Clinic) -> None:
    now = timezone.now()
    _, expired = keys.create(clinic, name="EHR", scopes=["notes:read"], expires_at=now)
    _, lasting = keys.create(clinic, name="EHR", scopes=["notes:read"], expires_at=now + timedelta(hours=1))
    assert keys.find(expired) is None
    assert keys.find(lasting) is not None
    ApiKey.objects.update(revoked_at=now)
    assert keys.find(lasting) is None


def test_tokens_with_underscores_in_their_secret_are_found(clinic: Clinic) -> None:
    tokens = [keys.create(clinic, name="EHR", scopes=["notes:read"])[1] for _ in range(20)]
    assert all(keys.find(token) for token in tokens)
