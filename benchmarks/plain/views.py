"""What a team would write first: the callback is validated, taken apart and stored before it is answered."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.plain.models import Answer, Note, Section, Transcript
from benchmarks.plain.serializers import CallbackSerializer


class CallbackView(APIView):
    def post(self, request: Request) -> Response:
        serializer = CallbackSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        stored = store(**serializer.validated_data)
        return Response({"status": "stored" if stored else "duplicate"})


@transaction.atomic
def store(
    client_request_id: str, transcript: Any = None, note: dict[str, Any] | None = None, **facts: str | int
) -> bool:
    """False when that answer was there already."""
    answer, is_new = Answer.objects.get_or_create(client_request_id=client_request_id, defaults=facts)
    if not is_new:
        return False
    if transcript is not None:
        Transcript.objects.create(answer=answer, items=transcript)
    if note is not None:
        kept = Note.objects.create(answer=answer, title=note.get("title", ""))
        sections = enumerate(note["sections"], start=1)
        Section.objects.bulk_create(Section(note=kept, position=at, **section) for at, section in sections)
    return True
