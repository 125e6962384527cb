"""The scribe vendors: one line each. Whoever needs one asks `connect` and speaks the protocol of `vendors.base`."""

from __future__ import annotations

from vendors.base import Account, Tokens, Vendor
from vendors.dragon.adapter import DragonVendor
from vendors.nabla.adapter import NablaVendor
from vendors.outbound import Outbound
from vendors.suki.adapter import SukiVendor

VENDORS: dict[str, type[Vendor]] = {
    NablaVendor.name: NablaVendor,
    SukiVendor.name: SukiVendor,
    DragonVendor.name: DragonVendor,
}


def connect(name: str, account: Account, outbound: Outbound, tokens: Tokens) -> Vendor:
    """The vendor called `name`, as this account sees it. Nothing is sent yet. Raises KeyError for an unknown name.

    Whatever the vendor sends, the account's secrets go to the account's own addresses alone.
    """
    return VENDORS[name](account, outbound.trusting(*VENDORS[name].addresses(account)), tokens)
