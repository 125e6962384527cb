"""Who sits at the desk: an operator, a manager, a reviewer and a viewer of the clinic, and a manager of another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from access.models import AccessEntry, Clinic, Membership
from feed.models import Endpoint
from tests.factories import EndpointFactory, MembershipFactory, UserFactory, hashed_password


@pytest.fixture(autouse=True)
def unhashed_static_files(settings: Any) -> None:
    """The manifest is written by collectstatic, which tests do without."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture
def quick_hashes(settings: Any) -> Iterator[None]:
    """Passwords are hashed slowly on purpose; tests that sign in a hundred times need not wait for it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    hashed_password.cache_clear()
    yield
    hashed_password.cache_clear()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    AccessEntry.objects.filter(action="signed_in", actor_id=str(user.pk)).delete()  # what they do then is looked at
    return client


def member(clinic: Clinic, role: str) -> Client:
    return signed_in(MembershipFactory(clinic=clinic, role=role).user)


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(UserFactory(is_superuser=True))


@pytest.fixture
def manager(clinic: Clinic) -> Client:
    return member(clinic, Membership.Role.MANAGER)


@pytest.fixture
def reviewer(clinic: Clinic) -> Client:
    return member(clinic, Membership.Role.REVIEWER)


@pytest.fixture
def viewer(clinic: Clinic) -> Client:
    return member(clinic, Membership.Role.VIEWER)


@pytest.fixture
def colleague_elsewhere(other_clinic: Clinic) -> Client:
    """A manager, of another clinic."""
    return member(other_clinic, Membership.Role.MANAGER)


@pytest.fixture
def endpoint(clinic: Clinic) -> Endpoint:
    made: Endpoint = EndpointFactory(clinic=clinic)
    return made
