"""Accounts at vendors: that they are there, never their credentials."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from access import desk, log
from access.models import Clinic
from ingest import accounts
from ingest.models import VendorAccount
from vendors import VENDORS

unreported = method_decorator([sensitive_post_parameters("credentials"), sensitive_variables()])


class Credentials(forms.CharField):
    """What is typed is never shown again, not even after a mistake."""

    def __init__(self) -> None:
        hint = "A JSON object as the vendor wants it. It is encrypted, and never shown again."
        unseen = desk.Unseen(attrs={"rows": 8, "autocomplete": "off", "spellcheck": "false"})
        super().__init__(max_length=20_000, widget=unseen, help_text=hint)

    def clean(self, value: Any) -> Any:
        try:
            return accounts.read(super().clean(value))
        except accounts.Refused as refusal:
            raise ValidationError(str(refusal)) from None


class AccountForm(desk.ClinicForm):
    vendor = forms.ChoiceField(choices=[(name, vendor.title) for name, vendor in sorted(VENDORS.items())])
    credentials = Credentials()


class CredentialsForm(desk.DeskForm):
    credentials = Credentials()


@admin.register(VendorAccount)
class VendorAccountAdmin(desk.ManagedModelAdmin):
    """Managers give credentials. Addresses and options are the operator's, by connect_vendor: who chooses where a
    token is sent has the token."""

    heavy = ("encrypted_credentials",)
    adding = "Connect a vendor"
    empty = "No vendor is connected yet: notes come from vendors, so connect one first."
    list_display = (desk.vendor, "sent_to", desk.moment("updated_at", "updated"))
    facts = (desk.vendor, "sent_to", "webhooks_to", desk.moment("updated_at", "updated"))
    pages = {"credentials": "Replace the credentials"}
    refusals = (accounts.Refused,)

    def name(self, account: VendorAccount) -> str:
        return desk.vendor(account)

    @admin.display(description="base URL")
    def sent_to(self, account: VendorAccount) -> str:
        """As text: a link would open a vendor's programs in a browser."""
        return account.base_url

    @admin.display(description="webhooks come to")
    def webhooks_to(self, account: VendorAccount) -> str:
        return accounts.webhook_url(account)

    def buttons(self, account: VendorAccount) -> list[str]:
        return ["credentials"]

    @unreported
    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> desk.Done:
            if VendorAccount.objects.filter(clinic=answers["clinic"], vendor=answers["vendor"]).exists():
                raise accounts.Refused("The clinic has its account there: replace the credentials on its page.")
            return self.connect(request, **answers)

        return self.asked(request, AccountForm(request), self.adding, do)

    @unreported
    def credentials_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        account = self.managed(request, object_id)
        facts = {"clinic": account.clinic, "vendor": account.vendor}
        form = CredentialsForm(request)
        return self.asked(
            request, form, "Replace the credentials", lambda answers: self.connect(request, **facts, **answers), account
        )

    def connect(self, request: HttpRequest, clinic: Clinic, vendor: str, credentials: dict[str, Any]) -> desk.Done:
        account = accounts.connect(clinic, vendor, credentials, by=log.actor(request))
        said = "The credentials are kept, encrypted."
        if VENDORS[vendor].subscribes:
            said += (
                f" {VENDORS[vendor].title} has to be told where to announce results, and by which secret: have the "
                "operator run connect_vendor with --subscribe."
            )
        return desk.Done(account, said)
