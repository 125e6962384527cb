"""System checks: what must hold before the service starts, each with an id and a hint."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution


@register(Tags.security)
def credential_keys(**_: Any) -> list[CheckMessage]:
    """listenpost.E001: vendors' credentials cannot be encrypted."""
    try:
        keys = [Fernet(key) for key in settings.CREDENTIAL_KEYS]
    except ValueError:
        keys = []
    if keys:
        return []
    hint = "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
    return [Error("CREDENTIAL_KEYS must hold one or more Fernet keys.", hint=hint, id="listenpost.E001")]


@register(Tags.security)
def weak_secret_key(**_: Any) -> list[CheckMessage]:
    """listenpost.E002: sessions could be forged."""
    if settings.DEBUG or len(settings.SECRET_KEY) >= 40:
        return []
    return [Error("SECRET_KEY is shorter than 40 characters.", hint="Give a long random one.", id="listenpost.E002")]


@register(Tags.security)
def playback_redirect(**_: Any) -> list[CheckMessage]:
    """listenpost.E004: whoever is to send recordings does not have them."""
    is_s3 = settings.STORAGES["default"]["BACKEND"].endswith(".S3Storage")
    if not settings.PLAYBACK_REDIRECT or is_s3 == (settings.PLAYBACK_REDIRECT == "s3"):
        return []
    hint = "Leave it empty, or give s3 where STORAGE_URL is s3://..., x-accel:/... where it is file:///..."
    return [Error("PLAYBACK_REDIRECT does not go with STORAGE_URL.", hint=hint, id="listenpost.E004")]


@register(Tags.security, deploy=True)
def plain_http(**_: Any) -> list[CheckMessage]:
    """listenpost.W001: patients' words would cross a network in clear."""
    plain = [name for name in ("PUBLIC_URL", "DOOR_URL") if urlsplit(getattr(settings, name)).scheme != "https"]
    hint = "Put a TLS proxy in front and give its https address; plain http is for one machine alone."
    return [Caution(f"{name} is not https.", hint=hint, id="listenpost.W001") for name in plain]


@register(Tags.security, deploy=True)
def debug_is_on(**_: Any) -> list[CheckMessage]:
    """listenpost.E003: error pages would show settings and rows."""
    if not settings.DEBUG:
        return []
    return [Error("DEBUG is on.", hint="Unset DEBUG.", id="listenpost.E003")]
