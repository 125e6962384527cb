"""Accounts at vendors: that they are there, never their credentials."""

from __future__ import annotations

from django.contrib import admin

from access import desk
from ingest.models import VendorAccount


@admin.register(VendorAccount)
class VendorAccountAdmin(desk.ClinicModelAdmin):
    """Made and replaced by the command connect_vendor."""

    heavy = ("encrypted_credentials",)
    list_display = ("vendor", "base_url", desk.moment("updated_at", "updated"))
