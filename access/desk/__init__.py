"""What every app's admin is made of. They import from here alone, so that an admin theme stays a one-line choice."""

from access.desk.base import ClinicModelAdmin, ModelAdmin, OperatorModelAdmin, StackedInline, name_the_site
from access.desk.counts import Count, register_count
from access.desk.display import (
    NO_CLINIC,
    address_of,
    clock,
    in_clinic_time,
    link,
    mark,
    moment,
    moment_of_all,
    reference,
    short,
    vendor,
)
from access.desk.fields import NameField, Unseen, check_name
from access.desk.forms import ClinicForm, DeskForm, Done, ManagedModelAdmin
from access.desk.lists import Asked, Between, By, CappedPaginator, Since, day_of
from access.desk.searching import Excerpt, Found, SearchedModelAdmin, excerpt, excerpted

__all__ = [
    "NO_CLINIC",
    "Asked",
    "Between",
    "By",
    "CappedPaginator",
    "ClinicForm",
    "ClinicModelAdmin",
    "Count",
    "DeskForm",
    "Done",
    "Excerpt",
    "Found",
    "ManagedModelAdmin",
    "ModelAdmin",
    "NameField",
    "OperatorModelAdmin",
    "SearchedModelAdmin",
    "Since",
    "StackedInline",
    "Unseen",
    "address_of",
    "check_name",
    "clock",
    "day_of",
    "excerpt",
    "excerpted",
    "in_clinic_time",
    "link",
    "mark",
    "moment",
    "moment_of_all",
    "name_the_site",
    "reference",
    "register_count",
    "short",
    "vendor",
]
