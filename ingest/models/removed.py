"""What is left to do of a removal."""

from __future__ import annotations

from django.db import models

from access.models import ClinicOwned


class RemovedFile(ClinicOwned):
    """A file whose rows are removed, until the storage has deleted it too. There are few of them, and for moments."""

    storage_key = models.CharField(max_length=200)
