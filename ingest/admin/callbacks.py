"""Answers received: looked at, processed again, never edited."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path

from access import desk, log
from access.models import AccessEntry
from ingest.admin import replays, telling
from ingest.admin.filters import OfReplay, OfVendor, WithProblem
from ingest.models import Callback
from ingest.processing import CAN_GO_AGAIN

SHOWN_BYTES = 256 * 1024


@admin.register(Callback)
class CallbackAdmin(desk.ClinicModelAdmin):
    empty = "No vendor has answered yet. Answers come some minutes after a request was sent."
    heavy = ("body",)
    list_display = (
        desk.moment("received_at", "received"),
        desk.vendor,
        desk.mark,
        "problem",
        "length",
        "attempts",
        "for_request",
    )
    list_filter = ("state", OfVendor, WithProblem, desk.Since, desk.Between, OfReplay)
    list_select_related = ("clinic", "request__session")
    facts = (
        desk.vendor,
        "proven_by",
        "event_id",
        "content_type",
        "length",
        "attempts",
        desk.moment("received_at", "received"),
        desk.moment("processed_at", "processed"),
        desk.moment("next_attempt_at", "next attempt"),
    )
    actions = ("process_again",)
    # Thousands may rest after one fault, and a replay does no harm: nobody has to see each of them first.
    action_form: ClassVar[Any] = ActionForm

    def get_queryset(self, request: HttpRequest) -> Any:
        kept = ExpressionWrapper(Q(body__isnull=False), output_field=BooleanField())
        return super().get_queryset(request).annotate(has_body=kept)

    def name(self, callback: Callback) -> str:
        return f"From {callback.vendor}"

    @admin.display(description="size")
    def length(self, callback: Callback) -> str:
        return filesizeformat(callback.size)

    @admin.display(description="request")
    def for_request(self, callback: Callback) -> str:
        return desk.link(callback.request) if callback.request else ""

    def page(self, request: HttpRequest, callback: Any) -> dict[str, Any]:
        may_read = callback.has_body and self.has_manage_permission(request, callback)
        return {"may_read_body": may_read, "fetching": telling.fetching(callback)}

    def buttons(self, callback: Any) -> list[str]:
        can_go_again = callback.has_body and callback.state in CAN_GO_AGAIN and callback.clinic_id
        return ["process_again"] if can_go_again else []

    @admin.action(permissions=["manage"], description="Process again")
    def process_again(self, request: HttpRequest, callbacks: QuerySet[Callback]) -> None:
        replays.process_again(request, callbacks)

    # --- The body: patients' words, so on a page of its own, and each reading is logged
    def get_urls(self) -> list[URLPattern]:
        body = path("<uuid:object_id>/body/", self.admin_site.admin_view(self.body_view), name="ingest_callback_body")
        return [body, *super().get_urls()]

    def body_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        callback = self.get_object(request, str(object_id))
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not self.has_manage_permission(request, callback):
            raise PermissionDenied
        log.record(request, AccessEntry.Action.READ, [callback])
        body = bytes(callback.body or b"")
        facts = {
            "body": body[:SHOWN_BYTES].decode("utf-8", errors="replace"),
            "is_cut": len(body) > SHOWN_BYTES,
            "name": f"Body from {callback.vendor}",
        }
        return self.show(request, callback, "body", facts)
