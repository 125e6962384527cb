"""Clinics and people, API keys, partners and the access log as staff see them."""

from django.contrib import admin
from django.contrib.auth.models import Group

from access import desk
from access.admin import keys, partners, people, record

__all__ = ["keys", "partners", "people", "record"]

desk.name_the_site()
admin.site.unregister(Group)  # roles are memberships
