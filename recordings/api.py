"""REST: recordings, as vendors keep them and as they are kept here. Whoever listens, or is given a link, is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import APIException, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from access import log as access_log
from access.idempotency import idempotent, idempotent_until
from access.log import Actor
from access.models import AccessEntry, Scope
from config import files
from config.conditional import tagged
from config.fields import take_nothing
from config.headers import RANGE
from config.problems import RETRY_AFTER_SECONDS, Conflict, Gone, invalid
from config.rest import OfClinic, gone
from recordings import handing, links, listening, playing, services
from recordings.filters import RecordingFilters
from recordings.models import Recording, RecordingPart
from recordings.serializers import LinksShown, NewRecording, RecordingShown
from recordings.services import Kept
from recordings.whole import Apart
from vendors import VENDORS
from vendors.base import VendorError

log = logging.getLogger(__name__)

READ = {"GET": Scope.RECORDINGS_READ}
#: What programs may ask for that take whatever bytes there are.
BYTES = "application/octet-stream"
AUDIO: Any = {
    (200, playing.CONTENT_TYPE, BYTES): OpenApiTypes.BINARY,
    (206, playing.CONTENT_TYPE, BYTES): OpenApiTypes.BINARY,
    302: OpenApiResponse(description="It is kept in S3, and this service lets S3 send it: follow the link at once."),
    416: OpenApiResponse(description="It has none of the bytes that Range asks for."),
}
DOWNLOAD = OpenApiParameter("download", bool, default=False, description="For saving: the links are good for an hour.")


class VendorFails(APIException):
    status_code = 503
    default_code = "vendor_error"

    def __init__(self, error: VendorError) -> None:
        super().__init__(error.message)
        self.wait = max(int(error.retry_after or 0), RETRY_AFTER_SECONDS)


@contextmanager
def refusals(recording: Recording) -> Iterator[None]:
    try:
        yield
    except VendorError as error:
        raise refusal(error) from None
    except Apart:
        raise Conflict("Its parts are of different kinds: play each of them by itself.") from None
    except playing.NoSuchPart:
        raise NotFound("The recording has no part of this number.") from None
    except files.Missing:
        log.error("recording %s is not in the storage", recording.pk)
        raise NotFound("The recording is not in the storage any more.") from None


def refusal(error: VendorError) -> APIException:
    match error.code:
        case links.GONE:
            return Gone("The vendor has deleted the recording, and there is no copy of it.")
        case links.PENDING:
            return NotFound("The vendor is still processing the recording. Ask again in some minutes.")
    return VendorFails(error)


class RecordingList(OfClinic, generics.ListAPIView[Recording]):
    """Lists the clinic's recordings, newest first."""

    queryset = Recording.objects.all()
    serializer_class = RecordingShown
    filterset_class = RecordingFilters
    scopes = {**READ, "POST": Scope.SESSIONS_WRITE}
    problems = {"POST": (410,)}

    @extend_schema(request=NewRecording, responses={202: RecordingShown})
    @idempotent
    def post(self, request: Request) -> Response:
        """Adopts a recording that was made elsewhere, by an SDK or another system: it is copied from now on."""
        wanted = NewRecording(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            try:
                recording = services.adopt(self.kept(wanted.validated_data))
            except services.OfAnother:
                raise Conflict("The vendor's recording belongs to another session of the clinic.") from None
            access_log.record(request, AccessEntry.Action.CHANGED, [recording], mode="adopted")
        headers = {"Location": reverse("recording", [recording.pk], request=request)}
        return tagged(RecordingShown(recording).data, 202, headers | {"Retry-After": str(RETRY_AFTER_SECONDS)})

    def kept(self, given: Any) -> Kept:
        """Raises ValidationError for what is not the clinic's, or may not be kept."""
        session = self.of_clinic("ingest.Session", pk=given["session"])
        if session is None:
            gone(self.clinic.pk, given["session"])
            raise invalid("session", "does_not_exist", "The clinic has no such session.")
        if not session.consent:
            raise invalid("session", "no_consent", "The patient did not agree to this session being written up.")
        if session.kind not in VENDORS[given["vendor"]].keeps_recordings:
            raise invalid("session", "no_recording", "The vendor keeps no recordings of sessions of this kind.")
        account = self.of_clinic("ingest.VendorAccount", vendor=given["vendor"])
        if account is None:
            raise invalid("vendor", "not_connected", "The clinic has no account at this vendor.")
        return Kept(
            clinic_id=self.clinic.pk,
            session_id=session.pk,
            account_id=account.pk,
            vendor=account.vendor,
            ref=given["ambient_session_id"],
            clinician_ref=session.clinician_ref,
            ended_at=session.started_at or session.created_at,
        )

    def of_clinic(self, model: str, **named: Any) -> Any:
        return apps.get_model(model)._default_manager.filter(clinic=self.clinic, **named).first()


class RecordingOne(OfClinic, generics.RetrieveAPIView[Recording]):
    """Shows one recording: where it is, and until when the vendor has it."""

    queryset = Recording.objects.all()
    serializer_class = RecordingShown
    scopes = READ


class RecordingLink(OfClinic, generics.GenericAPIView[Recording]):
    queryset = Recording.objects.select_related("account")
    scopes = {"POST": Scope.RECORDINGS_READ}
    parameters = {"POST": ("download",)}

    @extend_schema(request=None, responses={200: LinksShown}, parameters=[DOWNLOAD])
    @idempotent_until(handing.ends)
    def post(self, request: Request, pk: UUID) -> Response:
        """Gives fresh links to its parts: ours once there is a copy, the vendor's until then. Goes into the log."""
        download = is_download(request.query_params.get("download", "false"))
        recording = self.get_object()
        take_nothing(request)
        with refusals(recording):
            given = handing.given(recording, download=download, by=access_log.actor(request))
        mode = "download" if download else "play"
        access_log.record(request, AccessEntry.Action.LINKED, [recording], mode=mode)
        return Response(LinksShown(given).data)


def is_download(text: str) -> bool:
    if text not in ("true", "false"):
        raise invalid("download", "invalid", "Give true or false.")
    return text == "true"


# --- Listening
class Whatever(BaseContentNegotiation):
    """Players ask for audio/*; a problem is JSON whatever they ask for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class RecordingAudio(OfClinic, generics.GenericAPIView[Recording]):
    queryset = Recording.objects.select_related("account")
    content_negotiation_class = Whatever
    scopes = READ
    problems = {"GET": (409,)}

    @extend_schema(responses=AUDIO, parameters=[RANGE])
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The whole recording as one WAV file, all of it or by Range. Goes into the access log, once a listening."""
        return self.play(request)

    def play(self, request: Request, number: int | None = None) -> HttpResponseBase:
        recording = self.get_object()
        with refusals(recording):
            answer = playing.respond(request._request, recording, number, may_lead_away=True)
        if request.headers.get("Accept") == BYTES and answer.get("Content-Type") == playing.CONTENT_TYPE:
            answer["Content-Type"] = BYTES
        return noted(request, answer, recording, access_log.actor(request))


def noted(
    request: Request, answer: HttpResponseBase, recording: Recording, by: Actor, mode: str = ""
) -> HttpResponseBase:
    """The answer, once whoever listens is in the log."""
    if request.method == "GET" and answer.status_code not in listening.UNHEARD:
        listening.note(request.headers.get("Range", ""), recording, by, mode)
    return answer


class RecordingPartAudio(RecordingAudio):
    @extend_schema(responses=AUDIO, parameters=[RANGE])
    def get(self, request: Request, pk: UUID, number: int) -> HttpResponseBase:  # type: ignore[override]
        """One part of it, by its sequence number, as the vendor made it."""
        return self.play(request, number)


class LinkedPart(APIView):
    """A link of ours. It proves itself: no key is asked for."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    content_negotiation_class = Whatever

    @extend_schema(exclude=True)
    def get(self, request: Request, ticket: str) -> HttpResponseBase:
        """One part of a recording, by a link that was given for it, until that expires."""
        opened = handing.read(ticket, access_log.address(request))
        parts = RecordingPart.objects.filter(state=RecordingPart.State.ARCHIVED).select_related("recording__account")
        part = parts.filter(pk=opened.part_id).first() if opened else None
        if opened is None or part is None:
            raise NotFound("There is no such link, or its time is over. Ask for another one.")
        with refusals(part.recording):
            answer = playing.respond(request._request, part.recording, part.number)
        return noted(request, answer, part.recording, opened.by, mode="link")
