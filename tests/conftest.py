"""Fixtures for everybody. What needs Django is imported inside: the vendors' and the sandbox's tests run without it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

    from access.models import Clinic
    from tests.rest.api import Api


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="fifty rounds of faults and twenty times the fuzzing")
    parser.addoption("--seed", type=int, help="what chance in tests/faults begins with")


def pytest_configure(config: pytest.Config) -> None:
    """Static files are collected where the service is set up: pages under test need none, and whitenoise finds none.

    Tests of refusals are many, quick and of one address: that is what tests/rest/test_limits.py limits alone.
    """
    from django.conf import settings

    config.addinivalue_line("filterwarnings", "ignore:No directory at:UserWarning")
    if settings.configured:
        plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
        settings.STATIC_ROOT = str(Path(__file__).parent / "no-static-files")
        settings.RATE_REFUSED = settings.RATE_SIGN_IN = None


@pytest.fixture(autouse=True)
def nothing_refused_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test's refusals left to be written a minute later would fall to another, that knows no such clinic."""
    if refusals := sys.modules.get("access.refusals"):
        monkeypatch.setattr(refusals, "ledger", refusals.Ledger())


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The test database, also where no test is marked for it: the flows' processes write there, not the tests."""
    from django.test.utils import setup_databases, teardown_databases

    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def storage(settings: Any, tmp_path: Path) -> Path:
    """Audio is kept in a folder of this test's own."""
    files = settings.STORAGES["default"] | {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    files["OPTIONS"] = {"location": str(tmp_path / "storage"), "allow_overwrite": True}
    settings.STORAGES = settings.STORAGES | {"default": files}
    settings.UPLOAD_DIR = str(tmp_path / "uploads")
    return tmp_path / "storage"


@pytest.fixture
def clinic(db: None) -> Clinic:
    from tests.factories import ClinicFactory

    return ClinicFactory(slug="harbour", name="Harbour practice")


@pytest.fixture
def other_clinic(db: None) -> Clinic:
    from tests.factories import ClinicFactory

    return ClinicFactory(slug="hill", name="Hill practice")


@pytest.fixture
def api(clinic: Clinic) -> Api:
    """A REST client of the clinic that may do everything."""
    from tests.rest.api import Api

    return Api.of(clinic)


@pytest.fixture
def stranger(other_clinic: Clinic) -> Api:
    """The like of `api`, of another clinic."""
    from tests.rest.api import Api

    return Api.of(other_clinic)
