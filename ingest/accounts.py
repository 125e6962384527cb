"""A clinic's accounts at vendors: made, and given other credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from access import log
from access.log import Actor
from access.models import AccessEntry, Clinic
from config import secrets
from ingest import inquiries
from ingest.models import VendorAccount
from vendors import VENDORS


class Refused(Exception):
    """These credentials cannot be used. The text says why, and repeats none of them. `field`: of the form."""

    field = "credentials"


def read(text: str) -> dict[str, Any]:
    """Credentials as somebody typed them: a JSON object. Raises Refused."""
    try:
        credentials = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("The credentials are not JSON.") from None
    if not isinstance(credentials, dict):
        raise Refused("The credentials must be a JSON object.")
    return credentials


def webhook_url(account: VendorAccount) -> str:
    """Where the vendor posts its signed webhooks for this account; empty where it has none."""
    vendor = VENDORS.get(account.vendor)
    return (
        f"{settings.DOOR_URL}/callbacks/{account.vendor}/accounts/{account.pk}"
        if vendor and vendor.signs_webhooks
        else ""
    )


def connect(
    clinic: Clinic,
    vendor: str,
    credentials: Mapping[str, Any],
    *,
    by: Actor,
    base_url: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> VendorAccount:
    """The clinic's account at the vendor, from now on with these credentials. Raises Refused.

    `base_url`, `options`: None leaves them as they are; a new account gets the vendor's own address.
    """
    if vendor not in VENDORS:
        raise Refused("This version of Listenpost does not know the vendor.")
    if wrong := [*VENDORS[vendor].check_credentials(credentials), *VENDORS[vendor].check_options(options or {})]:
        raise Refused(" ".join(wrong))
    given: dict[str, Any] = {"base_url": base_url, "options": options}
    facts = {name: value for name, value in given.items() if value is not None}
    facts["encrypted_credentials"] = secrets.encrypt(dict(credentials))
    facts["partner"] = VENDORS[vendor].partner(credentials)[:200]
    with transaction.atomic():
        account, is_new = VendorAccount.objects.update_or_create(
            clinic=clinic,
            vendor=vendor,
            defaults=facts,
            create_defaults={"base_url": VENDORS[vendor].home(options or {}), **facts},
        )
        log.record(by, AccessEntry.Action.GRANTED, [account], mode="connected" if is_new else "credentials replaced")
        inquiries.ask_refused_again(account.pk)
    return account


def seal_anew(account: VendorAccount, *, by: Actor) -> bool:
    """Puts the credentials under the newest key; False where they are already. Raises secrets.InvalidToken.

    Credentials that somebody replaces meanwhile are looked at again, never overwritten.
    """
    rows = VendorAccount.objects.filter(pk=account.pk)
    while (old := rows.values_list("encrypted_credentials", flat=True).first()) is not None:
        if secrets.is_newest(bytes(old)):
            return False
        with transaction.atomic():
            if rows.filter(encrypted_credentials=old).update(encrypted_credentials=secrets.rotate(bytes(old))):
                log.record(by, AccessEntry.Action.CHANGED, [account], mode="encrypted anew")
                return True
    return False
