"""What every app's admin is made of. They import from here alone, so that an admin theme stays a one-line choice."""

from access.desk.base import ClinicModelAdmin, ModelAdmin, OperatorModelAdmin, StackedInline, name_the_site
from access.desk.counts import Count, register_count
from access.desk.display import (
    address_of,
    clock,
    in_clinic_time,
    link,
    mark,
    moment,
    reference,
    short,
)
from access.desk.forms import ClinicForm, DeskForm, ManagedModelAdmin, Unseen
from access.desk.lists import Asked, Since

__all__ = [
    "Asked",
    "ClinicForm",
    "ClinicModelAdmin",
    "Count",
    "DeskForm",
    "ManagedModelAdmin",
    "ModelAdmin",
    "OperatorModelAdmin",
    "Since",
    "StackedInline",
    "Unseen",
    "address_of",
    "clock",
    "in_clinic_time",
    "link",
    "mark",
    "moment",
    "name_the_site",
    "reference",
    "register_count",
    "short",
]
