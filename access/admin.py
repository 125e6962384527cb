"""Clinics and people (for operators), API keys and the access log (for managers)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone

from access import desk
from access.models import AccessEntry, ApiKey, Clinic, Membership, User

desk.name_the_site()
admin.site.unregister(Group)  # roles are memberships


class MembershipInline(desk.StackedInline):
    model = Membership
    extra = 0
    fields = ("user", "clinic", "role")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(Clinic)
class ClinicAdmin(desk.OperatorModelAdmin):
    list_display = ("name", "slug", "time_zone", "created_at")
    fields = ("name", "slug", "time_zone")
    inlines = (MembershipInline,)


@admin.register(User)
class PersonAdmin(desk.OperatorModelAdmin, UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Access",
            {
                "fields": ("is_active", "is_staff", "is_superuser"),
                "description": "Staff sign in here; what they see comes from their memberships. Superusers see all.",
            },
        ),
    )
    filter_horizontal = ()
    inlines = (MembershipInline,)
    readonly_fields = ("last_login", "date_joined")


@admin.register(Membership)
class MembershipAdmin(desk.ClinicModelAdmin):
    """Who is what in the clinic. Managers read it; operators change it on the person's page."""

    readers = Membership.Role.MANAGER
    list_display = ("user", "role", desk.moment("created_at", "since"))
    list_filter = ("role",)
    list_select_related = ("clinic", "user")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.of_their_clinics(request, Membership.objects.order_by("-pk"))


@admin.register(ApiKey)
class ApiKeyAdmin(desk.ClinicModelAdmin):
    readers = Membership.Role.MANAGER
    heavy = ("digest",)
    list_display = (
        "name",
        "prefix",
        "may",
        desk.moment("created_at", "created"),
        desk.moment("last_used_at", "last used"),
        desk.moment("expires_at", "expires"),
        desk.moment("revoked_at", "revoked"),
    )
    actions = ("revoke",)

    def buttons(self, key: ApiKey) -> list[str]:
        return [] if key.revoked_at else ["revoke"]

    @admin.display(description="may")
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.action(permissions=["manage"], description="Revoke")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        self.each(request, keys, revoke, "The key is revoked: whoever used it is refused from now on.")


def revoke(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


@admin.register(AccessEntry)
class AccessEntryAdmin(desk.ClinicModelAdmin):
    readers = Membership.Role.MANAGER
    list_display = (desk.moment("created_at", "when"), "who", "action", "object_type", "objects_named", "address")
    list_filter = ("action", desk.Since)

    def get_queryset(self, request: HttpRequest) -> Any:
        people = User.objects.annotate(as_text=Cast("pk", CharField())).filter(as_text=OuterRef("actor_id"))
        return super().get_queryset(request).annotate(username=Subquery(people.values("username")[:1]))

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        return entry.username or f"{entry.get_actor_kind_display()} {entry.actor_id}"

    @admin.display(description="which")
    def objects_named(self, entry: AccessEntry) -> str:
        first, more = str(entry.object_ids[0]), len(entry.object_ids) - 1
        return f"{first} and {more} more" if more else first
