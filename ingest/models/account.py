"""A clinic's credentials at one vendor."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from access.models import ClinicOwned
from config import secrets
from config.outbound import outbound
from config.tokens import SharedTokens
from vendors import connect
from vendors.base import Account, Vendor, VendorError


class VendorAccount(ClinicOwned):
    """Credentials are encrypted under CREDENTIAL_KEYS and never shown again."""

    vendor = models.CharField(max_length=20)
    base_url = models.URLField(max_length=500)
    options = models.JSONField(default=dict, blank=True, help_text="The vendor's own settings, such as region.")
    partner = models.CharField(max_length=200, blank=True, help_text="Accounts of one partner share their webhooks.")
    encrypted_credentials = models.BinaryField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["vendor", "partner"], name="account_by_partner", condition=~Q(partner=""))]
        constraints = [models.UniqueConstraint(fields=["clinic", "vendor"], name="one_account_a_vendor")]

    def __str__(self) -> str:
        return f"{self.vendor} ({self.pk})"

    def seal(self, credentials: dict[str, Any]) -> None:
        self.encrypted_credentials = secrets.encrypt(credentials)

    def opened(self) -> Account:
        """The account as an adapter takes it, its credentials in clear. Raises secrets.InvalidToken."""
        credentials = secrets.decrypt(bytes(self.encrypted_credentials))
        return Account(base_url=self.base_url, credentials=credentials, options=self.options)

    def connected(self) -> Vendor:
        """The vendor as this account sees it. Raises VendorError where CREDENTIAL_KEYS no longer open the account."""
        try:
            account = self.opened()
        except secrets.InvalidToken:
            message = "The clinic's credentials cannot be decrypted: connect the vendor again."
            raise VendorError(message, permanent=True, code="account_unreadable") from None
        return connect(self.vendor, account, outbound(), SharedTokens())
