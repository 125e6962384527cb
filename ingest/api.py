"""REST: sessions, their audio, and what is asked of vendors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from access import log
from access.idempotency import idempotent
from access.models import AccessEntry, Scope
from config.conditional import must_match, tagged
from config.fields import take_nothing
from config.paging import NewestFirst
from config.problems import RETRY_AFTER_SECONDS, Conflict, Gone, TooLarge, UnsupportedMedia, invalid
from config.rest import OfClinic
from ingest import asking, uploads
from ingest.filters import RequestFilters, SessionFilters
from ingest.lifecycle import lock
from ingest.models import AsyncRequest, Session
from ingest.probe import ACCEPTED, NotAudio
from ingest.serializers import AudioShown, NewRequest, NewSession, RequestShown, SessionChange, SessionShown
from ingest.sessions import NotNow, change_session, open_session

CHANGED = AccessEntry.Action.CHANGED
READ, WRITE = Scope.SESSIONS_READ, Scope.SESSIONS_WRITE
AUDIO_TYPE = re.compile(r"(audio/[\w.+-]+|application/octet-stream)\s*(;.*)?", re.IGNORECASE | re.ASCII)

LONGEST_WAIT_SECONDS = 60


def shown_requests() -> Any:
    """Requests as RequestShown needs them: two queries, however many they are."""
    ids = {"transcript_id": F("transcript__id"), "note_id": F("note__id")}
    return AsyncRequest.objects.annotate(**ids).prefetch_related("submissions")


class SessionList(OfClinic, generics.ListAPIView[Session]):
    """Lists the clinic's sessions, newest first."""

    queryset = Session.objects.all()
    serializer_class = SessionShown
    filterset_class = SessionFilters
    scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(request=NewSession, responses={201: SessionShown})
    @idempotent
    def post(self, request: Request) -> Response:
        """Opens a session: one consultation."""
        wanted = NewSession(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            session = open_session(self.clinic, **wanted.validated_data)
            log.record(request, CHANGED, [session], mode="opened")
        shown = SessionShown(session).data
        return tagged(shown, 201, {"Location": reverse("session", [session.pk], request=request)})


class SessionOne(OfClinic, generics.RetrieveAPIView[Session]):
    """Shows one session."""

    queryset = Session.objects.all()
    serializer_class = SessionShown
    scopes = {"GET": READ, "PATCH": WRITE}
    problems = {"PATCH": (409,)}
    preconditions = {"PATCH": True}

    @extend_schema(request=SessionChange, responses={200: SessionShown})
    def patch(self, request: Request, pk: UUID) -> Response:
        """Changes the clinic's own references of a session, or closes it: then it takes no more audio."""
        wanted = SessionChange(data=request.data)
        with transaction.atomic():
            session = self.get_object()
            wanted.is_valid(raise_exception=True)
            must_match(request, SessionShown(session).data)
            try:
                changed = change_session(session, **wanted.validated_data)
            except NotNow as error:
                raise Conflict(str(error)) from None
            session.refresh_from_db()
            log.record(request, CHANGED, [session] if changed else [], mode="edited")
        return tagged(SessionShown(session).data)

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.select_for_update(no_key=True) if self.request.method == "PATCH" else rows


class SessionAudio(OfClinic, generics.GenericAPIView[Session]):
    """The body never passes DRF's parsers: it is read as a stream."""

    queryset = Session.objects.all()
    scopes = {"GET": READ, "PUT": WRITE}
    problems = {"PUT": (409,)}
    parameters = {"GET": NewestFirst.parameters}

    @extend_schema(responses=AudioShown(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """Lists the session's audio, newest first, and how it sounds."""
        page: Any = self.paginate_queryset(self.get_object().audio.select_related("waveform"))
        return self.get_paginated_response(AudioShown(page, many=True).data)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={
            200: OpenApiResponse(AudioShown, description="These bytes are there already."),
            201: OpenApiResponse(AudioShown, description="Kept as the session's next audio."),
        },
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Keeps the body as the session's next audio; bytes that are there already are not kept twice."""
        session = self.get_object()
        if not AUDIO_TYPE.fullmatch(request.content_type):
            raise UnsupportedMedia(f"Send {ACCEPTED} as the body, with its Content-Type: audio/...")
        with upload_refusals():
            body = cast("BinaryIO", request._request)
            audio, created = uploads.keep_audio(session, body, by=log.actor(request))
        return Response(AudioShown(audio).data, status=201 if created else 200)


@contextmanager
def upload_refusals() -> Iterator[None]:
    try:
        yield
    except NotAudio as error:
        raise UnsupportedMedia(str(error)) from None
    except uploads.EmptyBody:
        raise invalid("body", "empty", "Send the audio as the body.") from None
    except uploads.AudioTooLarge:
        raise TooLarge(f"An audio file may hold {settings.AUDIO_MAX_BYTES} bytes.") from None
    except uploads.SessionClosed:
        raise Conflict("The session is closed and takes no more audio.") from None
    except Session.DoesNotExist:
        raise Gone from None


class SessionRequests(OfClinic, generics.GenericAPIView[Session]):
    queryset = Session.objects.all()
    scopes = {"POST": WRITE}

    @extend_schema(request=NewRequest, responses={202: RequestShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Asks a vendor for a transcript, a note or both of the session's audio."""
        session = self.get_object()
        wanted = NewRequest(data=request.data, context={"session": session})
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        with asking_refusals(), transaction.atomic():
            asked = asking.ask(
                session,
                vendor=given["vendor"],
                audio=given.get("audio"),
                all_audio=given.get("all_audio", False),
                wish=wanted.wish(),
                client_request_id=given.get("client_request_id"),
                submitted_elsewhere=given.get("submitted_elsewhere", False),
                ref=given.get("request_id", ""),
                by=log.actor(request),
            )
            log.record(request, CHANGED, [asked], mode="asked")
        return accepted(request, asked)


@contextmanager
def asking_refusals() -> Iterator[None]:
    try:
        yield
    except asking.Refused as error:
        errors: dict[str, list[ErrorDetail]] = {}
        for problem in error.problems:
            errors.setdefault(problem.field, []).append(ErrorDetail(problem.message, code=problem.code))
        raise ValidationError(errors) from None
    except asking.AlreadyUsed:
        raise Conflict("The clinic has used this client_request_id before.") from None
    except asking.NotNow as error:
        raise Conflict(str(error)) from None
    except AsyncRequest.DoesNotExist:  # it was removed since it was looked up
        raise Gone from None


def accepted(request: Request, asked: AsyncRequest, status: int = 202) -> Response:
    """The request as it stands now, and where and when to ask for it."""
    row = shown_requests().get(pk=asked.pk)
    headers = {"Location": reverse("request", [asked.pk], request=request)} if status == 202 else {}
    return tagged(RequestShown(row).data, status, headers | ask_again_after(row))


def ask_again_after(asked: AsyncRequest) -> dict[str, str]:
    """`Retry-After` of what is not finished: once it is sent, and the longer apart the longer it takes."""
    if asked.finished_at:
        return {}
    now = timezone.now()
    due = asked.current_submission.next_attempt_at or now
    longest, waited = LONGEST_WAIT_SECONDS, (now - (asked.waiting_since or now)).total_seconds() / 10
    seconds = max(RETRY_AFTER_SECONDS, math.ceil((due - now).total_seconds()), math.ceil(waited))
    return {"Retry-After": str(min(longest, seconds))}


class RequestList(OfClinic, generics.ListAPIView[AsyncRequest]):
    """Lists what the clinic asked of vendors, newest first."""

    queryset = shown_requests()
    serializer_class = RequestShown
    filterset_class = RequestFilters
    scopes = {"GET": READ}


class RequestOne(OfClinic, generics.RetrieveAPIView[AsyncRequest]):
    queryset = shown_requests()
    serializer_class = RequestShown
    scopes = {"GET": READ}

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Shows one request: its state, attempts, failure, and the ids of its transcript and note once they are there.

        While it is not finished, Retry-After says when to ask again.
        """
        asked = self.get_object()
        return Response(RequestShown(asked).data, headers=ask_again_after(asked))


class RequestAction(OfClinic, generics.GenericAPIView[AsyncRequest]):
    queryset = AsyncRequest.objects.all()
    scopes = {"POST": WRITE}
    preconditions = {"POST": False}

    def act(self, action: Callable[[AsyncRequest], AsyncRequest], request: Request, status: int, mode: str) -> Response:
        with asking_refusals(), transaction.atomic():
            asked = self.get_object()
            take_nothing(request)
            if "If-Match" in request.headers:
                lock(asked.pk)
                must_match(request, RequestShown(shown_requests().get(pk=asked.pk)).data)
            asked = action(asked)
            log.record(request, CHANGED, [asked], mode=mode)
        return accepted(request, asked, status)


class RequestRetry(RequestAction):
    @extend_schema(request=None, responses={202: RequestShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Asks the vendor again: a queued request at once, a failed or overdue one under a new client_request_id."""
        return self.act(lambda asked: asking.retry(asked, log.actor(request)), request, 202, "retried")


class RequestCancel(RequestAction):
    @extend_schema(request=None, responses={200: RequestShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Gives the request up: nothing more is sent, and an answer that comes after all is not applied."""
        return self.act(asking.cancel, request, 200, "cancelled")
