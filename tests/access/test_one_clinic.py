"""What belongs together is of one clinic: the database refuses anything else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from access.models import Clinic
from tests import factories

OWNED = [
    factories.AudioFactory,
    factories.AsyncRequestFactory,
    factories.SubmissionFactory,
    factories.CallbackFactory,
    factories.TranscriptFactory,
    factories.NoteFactory,
    factories.NoteVersionFactory,
    factories.RecordingFactory,
    factories.DeliveryFactory,
]


@pytest.mark.django_db
@pytest.mark.parametrize("factory", OWNED, ids=lambda factory: factory.__name__)
def test_a_row_cannot_move_to_another_clinic_than_what_it_belongs_to(factory: Any, other_clinic: Clinic) -> None:
    row = factory(number=2) if factory is factories.NoteVersionFactory else factory()
    with pytest.raises(IntegrityError, match="clinic"), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(clinic=other_clinic)
    row.refresh_from_db()
    assert row.clinic_id != other_clinic.pk
