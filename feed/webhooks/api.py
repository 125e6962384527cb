"""REST: where a clinic's other systems want to be told, and what was sent there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from access import log
from access.idempotency import idempotent
from access.models import Scope
from config.conditional import etag, must_match, tagged
from config.fields import take_nothing
from config.problems import RETRY_AFTER_SECONDS, Conflict, invalid
from config.rest import OfClinic
from feed.models import Delivery, Endpoint
from feed.webhooks import addresses, endpoints, replays
from feed.webhooks.filters import DeliveryFilters
from feed.webhooks.refusals import NotNow, Refused
from feed.webhooks.serializers import (
    DeliveryShown,
    NewReplay,
    NewSecret,
    NewWebhook,
    SecretShown,
    WebhookChange,
    WebhookMade,
    WebhookShown,
    WebhookStandingShown,
)

READ, WRITE = Scope.EVENTS_READ, Scope.WEBHOOKS_WRITE


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise invalid(error.field, error.code, error.message) from None
    except NotNow as error:
        raise Conflict(error.message) from None


class WebhookList(OfClinic, generics.ListAPIView[Endpoint]):
    """Lists the clinic's webhooks, newest first."""

    queryset = Endpoint.objects.all()
    serializer_class = WebhookShown
    scopes = {"GET": READ, "POST": WRITE}
    problems = {"POST": (409,)}

    @extend_schema(request=NewWebhook, responses={201: WebhookMade})
    @idempotent
    def post(self, request: Request) -> Response:
        """Makes a webhook: from now on events are posted there, signed by Standard Webhooks; in no promised order."""
        wanted = NewWebhook(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refusals():
            addresses.check(wanted.validated_data["url"])
            made, secret = endpoints.create(self.clinic, **wanted.validated_data, by=log.actor(request))
        shown, location = WebhookShown(made).data, reverse("webhook", [made.pk], request=request)
        return Response({**shown, "secret": secret}, status=201, headers={"Location": location, "ETag": etag(shown)})


class WebhookOne(OfClinic, generics.RetrieveAPIView[Endpoint]):
    """Shows one webhook: what it is told of, and whether it is on."""

    queryset = Endpoint.objects.all()
    serializer_class = WebhookShown
    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    problems = {"PATCH": (409,), "DELETE": (409,)}
    preconditions = {"PATCH": True, "DELETE": True}

    @extend_schema(request=WebhookChange, responses={200: WebhookShown})
    def patch(self, request: Request, pk: UUID) -> Response:
        """Changes a webhook, or switches it off or on; what happens while it is off is sent by a replay alone."""
        endpoint = self.get_object()
        wanted = WebhookChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        with refusals():
            if "url" in given:
                addresses.check(given["url"])
            held = endpoints.change(endpoint, by=log.actor(request), guard=self.matches, **given)
        return tagged(WebhookShown(held).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Removes a webhook and its deliveries: nothing is sent there any more."""
        with refusals():
            endpoints.remove(self.get_object(), by=log.actor(request), guard=self.matches)
        return Response(status=204)

    def matches(self, held: Endpoint) -> None:
        must_match(self.request, WebhookShown(held).data)


class WebhookStanding(OfClinic, generics.RetrieveAPIView[Endpoint]):
    """Shows how a webhook is doing: what waits, whether deliveries arrive, and how far a replay has come."""

    queryset = Endpoint.objects.all()
    serializer_class = WebhookStandingShown
    scopes = {"GET": READ}


class WebhookAction(OfClinic, generics.GenericAPIView[Endpoint]):
    queryset = Endpoint.objects.all()
    scopes = {"POST": WRITE}
    problems = {"POST": (409,)}


class WebhookSecret(WebhookAction):
    @extend_schema(request=NewSecret, responses={200: SecretShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Makes a new secret; for some hours deliveries are signed with the old one too."""
        endpoint, wanted = self.get_object(), NewSecret(data=request.data)
        wanted.is_valid(raise_exception=True)
        overlap = timedelta(hours=wanted.validated_data["overlap_hours"])
        with refusals():
            secret = endpoints.rotate(endpoint, overlap=overlap, by=log.actor(request))
        return Response({"secret": secret})


class WebhookTest(WebhookAction):
    @extend_schema(request=None, responses={202: DeliveryShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Sends a webhook.test to this webhook alone: Location shows what became of it."""
        endpoint = self.get_object()
        take_nothing(request)
        with refusals():
            made = endpoints.test(endpoint, by=log.actor(request))
        return accepted_delivery(request, made)


class WebhookReplay(WebhookAction):
    scopes = {"POST": WRITE, "DELETE": WRITE}
    problems = {"POST": (409,), "DELETE": (409,)}

    @extend_schema(request=NewReplay, responses={202: WebhookStandingShown})
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        """Sends a time's events once more, delivered before or not: Location shows how far it is.

        A replay that is under way takes in this time, too.
        """
        endpoint, wanted = self.get_object(), NewReplay(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        with refusals():
            replays.replay(endpoint, given["since"], given.get("until"), by=log.actor(request))
        location = reverse("webhook-standing", [pk], request=request)
        return accepted(WebhookStandingShown(self.get_object()).data, location)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Ends the replay under way, if there is one; what it has made due already is sent."""
        with refusals():
            replays.stop(self.get_object(), by=log.actor(request))
        return Response(status=204)


class OfWebhook(OfClinic):
    """The deliveries of one webhook of the clinic's."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.filter(endpoint=self.kwargs["pk"]) if "pk" in self.kwargs else rows


class DeliveryList(OfWebhook, generics.ListAPIView[Delivery]):
    queryset = Delivery.objects.all()
    serializer_class = DeliveryShown
    filterset_class = DeliveryFilters
    scopes = {"GET": READ}

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lists what was sent, or is to be sent, to a webhook, newest first."""
        get_object_or_404(Endpoint.objects.for_clinic(self.clinic), pk=kwargs["pk"])
        return self.list(request)


class DeliveryOne(OfWebhook, generics.RetrieveAPIView[Delivery]):
    """Shows one delivery: its tries, what the last was answered, and when the next is."""

    queryset = Delivery.objects.all()
    serializer_class = DeliveryShown
    lookup_url_kwarg = "delivery"
    scopes = {"GET": READ}


class DeliveryAgain(OfWebhook, generics.GenericAPIView[Delivery]):
    queryset = Delivery.objects.all()
    lookup_url_kwarg = "delivery"
    scopes = {"POST": WRITE}
    problems = {"POST": (409,)}

    @extend_schema(request=None, responses={202: DeliveryShown})
    @idempotent
    def post(self, request: Request, pk: UUID, delivery: UUID) -> Response:
        """Sends it once more, delivered before or not, under the same webhook-id."""
        again = self.get_object()
        take_nothing(request)
        with refusals():
            replays.redeliver(again, by=log.actor(request))
        return accepted_delivery(request, self.get_object())


def accepted_delivery(request: Request, delivery: Delivery) -> Response:
    location = reverse("webhook-delivery", [delivery.endpoint_id, delivery.pk], request=request)
    return accepted(DeliveryShown(delivery).data, location)


def accepted(shown: Any, location: str) -> Response:
    """What is at `location` as it is now: there, and when, to look what became of it."""
    return tagged(shown, 202, {"Location": location, "Retry-After": str(RETRY_AFTER_SECONDS)})
