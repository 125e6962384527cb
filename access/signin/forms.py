"""What is asked at sign-in, to set up or remove the second factor, and for a new password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth import authenticate
from django.http import HttpRequest

from access.models import User
from access.signin import lockout


class CodeField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        attributes = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(max_length=50, widget=forms.TextInput(attributes), **options)


class SignInForm(AdminAuthenticationForm):
    """One form and one answer: it never says whether the name, the password or the code was wrong."""

    code = CodeField(required=False, label="Code (if you have set one up)")

    error_messages = {"invalid_login": "The name, the password or the code is not right.", "inactive": ""}

    def clean(self) -> dict[str, Any]:
        answers = self.cleaned_data
        name, password = answers.get("username"), answers.get("password")
        if name is not None and password:
            self.user_cache = authenticate(
                self.request, username=name, password=password, token=answers.get("code", "")
            )
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return answers


class ProvenForm(forms.Form):
    """Asks for the password again: a screen left open must not be enough. A wrong one counts as a failed sign-in."""

    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )

    def __init__(self, request: HttpRequest, user: User, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.request, self.user = request, user

    def is_proven(self, code: str = "") -> bool:
        name, password = self.user.get_username(), self.cleaned_data["password"]
        return authenticate(self.request, username=name, password=password, token=code) is not None


class ConfirmForm(ProvenForm):
    code = CodeField(label="The code that the app shows now")

    def clean_password(self) -> None:
        if not self.is_proven():
            raise forms.ValidationError("This is not your password.")


class RemoveForm(ProvenForm):
    code = CodeField(label="Code from the app, or a recovery code")

    def clean(self) -> dict[str, Any]:
        if not self.errors and not self.is_proven(self.cleaned_data["code"]):
            raise forms.ValidationError("The password or the code is not right.")
        return self.cleaned_data


class PasswordForm(AdminPasswordChangeForm):
    """A person's own choice, which nobody else knows."""

    def __init__(self, *arguments: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.request = request

    def clean_old_password(self) -> str:
        password = str(self.cleaned_data["old_password"])
        lockout.check_password(self.request, password)
        return password

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        if answers.get("new_password1") and answers["new_password1"] == answers.get("old_password"):
            self.add_error("new_password1", "This is the password that you have: choose another one.")
        return answers

    def save(self, commit: bool = True) -> Any:
        self.user.must_change_password = False
        return super().save(commit)
