"""Clinics and people (for operators), and who is what in the clinic (for managers)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UsernameField
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from access import desk, log, people
from access.models import AccessEntry, Clinic, Membership, User
from access.signin.people import SignInPage


class MembershipInline(desk.StackedInline):
    model = Membership
    extra = 0
    fields = ("user", "clinic", "role")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class HoldingModelAdmin(desk.OperatorModelAdmin):
    """What has memberships: their changes are written to the access log."""

    inlines = (MembershipInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        memberships = Membership.objects.filter(**{formset.fk.name: formset.instance})
        before = people.held(memberships)
        super().save_formset(request, form, formset, change)
        people.note_changes(before, people.held(memberships.all()), by=log.actor(request))


@admin.register(Clinic)
class ClinicAdmin(HoldingModelAdmin):
    list_display = ("name", "slug", "time_zone", "created_at")
    fields = ("name", "slug", "time_zone")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        log.note(log.actor(request), AccessEntry.Action.CHANGED, obj.pk, "clinic", [str(obj.pk)])


@admin.register(User)
class PersonAdmin(SignInPage, HoldingModelAdmin, UserAdmin):  # type: ignore[type-arg]
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
    readonly_fields = ("last_login", "date_joined")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for mode in people.powers(obj, form.changed_data) if change else ["created"]:
            people.note_everywhere(log.actor(request), obj.pk, mode)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if response.status_code == 302:
                people.note_everywhere(log.actor(request), int(id), "password set")
        return response


class RoleForm(desk.DeskForm):
    role = forms.ChoiceField(choices=Membership.Role.choices)


class PersonForm(desk.ClinicForm):
    username = UsernameField(
        max_length=150, validators=[User.username_validator], help_text="Letters, digits and @ . + - _ only."
    )
    role = forms.ChoiceField(choices=Membership.Role.choices)


@admin.register(Membership)
class MembershipAdmin(desk.ManagedModelAdmin):
    """Who is what in the clinic."""

    readers = Membership.Role.MANAGER
    list_display = ("user", "role", desk.moment("created_at", "since"))
    list_filter = ("role",)
    list_select_related = ("clinic", "user")
    actions = ("remove",)
    pages = {"role": "Change the role"}
    refusals = (people.Refused,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.of_their_clinics(request, Membership.objects.order_by("-pk"))

    def buttons(self, membership: Membership) -> list[str]:
        return [] if membership.user.is_superuser else ["role", "remove"]

    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> HttpResponse:
            membership, password = people.add(**answers, by=log.actor(request))
            return self.show_secret(request, membership, f"{membership.user} is here", "First password", password)

        return self.asked(request, PersonForm(request), "Add a person", do)

    def role_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        membership = self.managed(request, object_id)

        def do(answers: dict[str, Any]) -> HttpResponse:
            people.change_role(membership, answers["role"], by=log.actor(request))
            return HttpResponseRedirect(desk.address_of(membership))

        return self.asked(request, RoleForm(request, {"role": membership.role}), "Change the role", do, membership)

    @admin.action(permissions=["manage"], description="Remove from the clinic")
    def remove(self, request: HttpRequest, memberships: QuerySet[Membership]) -> None:
        by = log.actor(request)
        done = "The person sees nothing of the clinic any more."
        self.each(request, memberships, lambda membership: people.remove(membership, by=by), done, logs=True)
