"""Programs that prove themselves by tokens: trusted issuers (for operators), the clinic's allow list (for managers)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from access import desk, log, partners, roles
from access.admin.keys import ProgramForm, expiry, may, revoke
from access.models import AllowedApplication, Membership, TrustedIssuer


class IssuerForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = TrustedIssuer
        field_classes = {"name": desk.NameField}
        fields = ("name", "url", "is_trusted")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        partners.check_url(url)
        return url


@admin.register(TrustedIssuer)
class TrustedIssuerAdmin(desk.OperatorModelAdmin):
    form = IssuerForm
    adding = "Trust an issuer"
    empty = "No issuer is trusted yet: programs come with API keys alone."
    list_display = ("name", "url", "is_trusted", desk.moment_of_all("created_at", "created"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Another address would be another issuer, and the allow lists' lines would be its applications."""
        return ("url",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        partners.note(obj, log.actor(request))


class ApplicationForm(ProgramForm):
    issuer = forms.ModelChoiceField(TrustedIssuer.objects.filter(is_trusted=True))
    application_id = forms.CharField(max_length=200, help_text="What its tokens say in `azp`, `appid` or `sub`.")
    audience = forms.CharField(max_length=500, help_text="What its tokens for this clinic say in `aud`.")

    field_order = ("clinic", "name", "issuer", "application_id", "audience")

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.fields["issuer"].label_from_instance = lambda issuer: f"{issuer.name}: {issuer.url}"  # type: ignore[attr-defined]


@admin.register(AllowedApplication)
class AllowedApplicationAdmin(desk.ManagedModelAdmin):
    """Managers revoke. Operators add: a line takes the application's tokens with that audience for one clinic."""

    readers = Membership.Role.MANAGER
    adding = "Allow an application"
    empty = "No partner's application may call yet. The operator allows them."
    ends = {"revoke": "The application is refused from then on. The operator can allow it again."}
    list_display = (
        "name",
        "application_id",
        may,
        desk.moment("created_at", "allowed"),
        desk.moment("last_used_at", "last used"),
        desk.moment("expires_at", "expires"),
        desk.moment("revoked_at", "revoked"),
    )
    list_select_related = ("clinic", "issuer")
    facts = ("name", "application_id", "audience", "issued_by", *list_display[2:])
    actions = ("revoke",)
    refusals = (partners.Refused,)

    def name(self, line: AllowedApplication) -> str:
        return line.name

    @admin.display(description="issuer")
    def issued_by(self, line: AllowedApplication) -> str:
        return line.issuer.name

    def buttons(self, line: AllowedApplication) -> list[str]:
        return [] if line.revoked_at else ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return roles.is_operator(request)

    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> desk.Done:
            facts = {name: answers[name] for name in ("application_id", "audience", "name", "scopes")}
            facts |= {"expires_at": expiry(answers["days"]), "by": log.actor(request)}
            line = partners.allow(answers["clinic"], answers["issuer"], **facts, replaces=False)
            return desk.Done(line, "The application may call from now on.")

        return self.asked(request, ApplicationForm(request), self.adding, do)

    @admin.action(permissions=["manage"], description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[AllowedApplication]) -> None:
        revoke(self, request, rows, "It is revoked: the application is refused from now on.")
