"""The second factor: an app that shows a code every 30 seconds, and recovery codes for when it is lost."""

from __future__ import annotations

import re
from base64 import b32encode
from typing import Any

import segno
from django.db import transaction
from django.db.models import F
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from access.models import User

DIGITS, CODES = 6, 10


def is_set_up(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user.pk, confirmed=True).exists())


def is_theirs(user: Any, device_id: str) -> bool:
    """Whether the device is one that the person has set up, and has not removed since."""
    device = Device.from_persistent_id(device_id)
    return bool(device and device.user_id == user.pk and device.confirmed)


def passes(user: User, code: str) -> bool:
    """Whether the code proves the person, or they have set none up. Each code passes once.

    django_otp keeps in the session which device it was, by `user.otp_device`.
    """
    if not is_set_up(user):
        return True
    device = proven_by(user, plain(code))
    user.otp_device = device  # type: ignore[attr-defined]
    return device is not None


def proven_by(user: User, code: str) -> Any:
    kind = TOTPDevice if len(code) == DIGITS and code.isdecimal() else StaticDevice
    device = kind.objects.filter(user=user, confirmed=True).first()
    return verify_token(user, device.persistent_id, code) if device and code else None


def plain(code: str) -> str:
    """As it was made, however it was typed: recovery codes are shown in groups, apps show 123 456."""
    return re.sub(r"[\s-]", "", code).lower()


def begin(user: User) -> TOTPDevice:
    """A fresh secret, of no use until a code of it was given."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def pending(user: User) -> TOTPDevice:
    return TOTPDevice.objects.filter(user=user, confirmed=False).first() or begin(user)


def confirm(user: User, code: str) -> tuple[TOTPDevice, list[str]] | None:
    """Takes the secret into use and gives the recovery codes, which cannot be had again; None for a wrong code."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        device = None if is_set_up(user) else pending(user)
        if device is None or not device.verify_token(plain(code)):
            return None
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        return device, new_codes(user)


def new_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [StaticToken.random_token() for _ in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [f"{code[:4]}-{code[4:]}" for code in codes]


def codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def remove(user: User) -> bool:
    """Whether there was one. Ends the sessions of the person: see User.get_session_auth_hash."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        removed: int = TOTPDevice.objects.filter(user=user).delete()[0]
        User.objects.filter(pk=user.pk).update(factors_removed=F("factors_removed") + removed)
    user.refresh_from_db(fields=["factors_removed"])
    return removed > 0


def picture(device: TOTPDevice) -> str:
    """The QR code, as the address of an image. On white: apps do not read light codes on a dark ground."""
    return str(segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=4, light="#fff"))


def letters(device: TOTPDevice) -> str:
    """The secret for those who cannot point a camera at it, in groups of four."""
    secret = b32encode(device.bin_key).decode()
    return " ".join(re.findall(".{1,4}", secret))
