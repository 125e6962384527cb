"""Clinics and people (for operators), and who is what in the clinic (for managers)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm, UsernameField
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from access import desk, log, people
from access.models import AccessEntry, Clinic, Membership, User
from access.signin.people import SignInPage

SIGNS = "Letters, digits and @ . + - _ only."


class MembershipInline(desk.StackedInline):
    model = Membership
    verbose_name, verbose_name_plural = "role in a clinic", "roles in clinics"
    extra = 0
    fields = ("user", "clinic", "role")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class NewPersonForm(UserCreationForm):  # type: ignore[type-arg]
    class Meta(UserCreationForm.Meta):
        help_texts = {"username": SIGNS}


class PersonChangeForm(UserChangeForm):  # type: ignore[type-arg]
    """Of the password it shows nothing: not that it is kept as a hash, nor how that begins."""

    password = None  # type: ignore[assignment]

    class Meta(UserChangeForm.Meta):
        field_classes = {
            **UserChangeForm.Meta.field_classes,
            "first_name": desk.NameField,
            "last_name": desk.NameField,
        }
        labels = {"is_active": "May sign in", "is_staff": "Staff", "is_superuser": "Operator"}
        help_texts = {
            "username": SIGNS,
            "is_active": "Off: signed out at once, and never let in again until it is on.",
            "is_staff": "Everybody who works here. Off: these pages are closed to them.",
            "is_superuser": "Sees and changes everything, in all clinics.",
        }


class SetPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Everybody has a password: there is no other way in."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields.pop("usable_password", None)


class ClinicForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Clinic
        fields = ("name", "slug", "time_zone")
        field_classes = {"name": desk.NameField}


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
    form = ClinicForm
    adding = "Add a clinic"
    empty = "There is no clinic yet. Add the first one."
    list_display = ("name", "slug", "time_zone", desk.moment_of_all("created_at", "created"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        log.note(log.actor(request), AccessEntry.Action.CHANGED, obj.pk, "clinic", [str(obj.pk)])


@admin.register(User)
class PersonAdmin(SignInPage, HoldingModelAdmin, UserAdmin):  # type: ignore[type-arg]
    form = PersonChangeForm
    add_form = NewPersonForm
    add_form_template = None
    change_password_form = SetPasswordForm
    change_user_password_template = "admin/access/user/password.html"  # noqa: S105 (a page)
    adding = "Add a user"
    list_display = (
        *("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser"),
        desk.moment_of_all("last_login", "last signed in"),
    )
    list_filter = ("is_active", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Access",
            {
                "fields": ("is_active", "is_staff", "is_superuser"),
                "description": "What staff see comes from their clinics, below. Operators see all.",
            },
        ),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2")}),)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.must_change_password = obj.must_change_password or not change
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)
        for mode in people.changes(obj, form.changed_data) if change else ["created"]:
            people.note_everywhere(log.actor(request), obj.pk, mode)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if response.status_code == 302:
                is_their_own = id == str(request.user.pk)
                User.objects.filter(pk=id).update(must_change_password=not is_their_own)
                people.note_everywhere(log.actor(request), int(id), "password set")
        return response


class RoleForm(desk.DeskForm):
    role = forms.ChoiceField(choices=Membership.Role.choices, widget=forms.RadioSelect)


class PersonForm(desk.ClinicForm):
    username = UsernameField(max_length=150, validators=[User.username_validator, desk.check_name], help_text=SIGNS)
    role = forms.ChoiceField(choices=Membership.Role.choices, widget=forms.RadioSelect)


class NewPasswordForm(desk.DeskForm):
    lead = (
        "A new password is made and shown once, for you to hand over. The old one ends, and the person is signed out "
        "everywhere; they choose their own when they sign in."
    )


@admin.register(Membership)
class MembershipAdmin(desk.ManagedModelAdmin):
    """Who is what in the clinic."""

    readers = Membership.Role.MANAGER
    adding = "Add a person"
    unseen = "If you did not see the password, “New password” makes another."
    ends = {"remove": "The person sees nothing of the clinic from then on. A manager can add them again."}
    list_display = ("user", "role", desk.moment("created_at", "since"), "may_sign_in")
    list_filter = ("role",)
    list_select_related = ("clinic", "user")
    actions = ("remove",)
    pages = {"role": "Change the role", "password": "New password"}
    refusals = (people.Refused,)

    def name(self, membership: Membership) -> str:
        return membership.user.get_username()

    @admin.display(description="may sign in")
    def may_sign_in(self, membership: Membership) -> str:
        return "yes" if membership.user.is_active and membership.user.is_staff else "no: the operator has closed it"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.of_their_clinics(request, Membership.objects.order_by("-pk"))

    def buttons(self, membership: Membership) -> list[str]:
        return [] if membership.user.is_superuser else ["role", "password", "remove"]

    def add(self, request: HttpRequest) -> HttpResponse:
        def do(answers: dict[str, Any]) -> desk.Done:
            membership, password = people.add(**answers, by=log.actor(request))
            return desk.Done(membership, f"{membership.user} is here", "First password", password)

        return self.asked(request, PersonForm(request), self.adding, do)

    def role_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        membership = self.managed(request, object_id)

        def do(answers: dict[str, Any]) -> desk.Done:
            people.change_role(membership, answers["role"], by=log.actor(request))
            return desk.Done(membership, "The role is changed: it counts from now on.")

        return self.asked(request, RoleForm(request, {"role": membership.role}), self.pages["role"], do, membership)

    def password_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        membership = self.managed(request, object_id)

        def do(_: dict[str, Any]) -> desk.Done:
            password = people.renew_password(membership, by=log.actor(request))
            return desk.Done(membership, f"{membership.user} has a new password", "New password", password)

        return self.asked(request, NewPasswordForm(request), self.pages["password"], do, membership)

    @admin.action(permissions=["manage"], description="Remove from the clinic")
    def remove(self, request: HttpRequest, memberships: QuerySet[Membership]) -> None:
        by = log.actor(request)
        done = "The person sees nothing of the clinic any more."
        self.each(request, memberships, lambda membership: people.remove(membership, by=by), done, logs=True)
