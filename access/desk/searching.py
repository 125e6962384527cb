"""Lists that are searched by words of patients.

No such word stands in an address: the box is posted, and what it says comes back in the address sealed, for the person
who asked and for as long as a session may last. Filters and pages then go on with it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils.crypto import salted_hmac
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from access import log
from access.desk.base import ClinicModelAdmin, Context
from access.desk.display import in_words, in_zone
from access.desk.lists import zone_of
from access.models import AccessEntry, ClinicOwned

AGAIN = "That search has ended. Type its words again."
#: Asks for a search that takes its time.
THOROUGHLY = "thoroughly"
NOT_SO = "Search for words of 200 letters in all, or fewer."
Column = Callable[[Any], Any]


class SearchAgain(Exception):
    """What stands in the address is no search of this person's, or no longer."""


# --- Words in an address
def keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    macs = [salted_hmac("access.desk.searching", b"", secret, algorithm="sha256") for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(mac.digest())) for mac in macs])


def seal(request: HttpRequest, words: str) -> str:
    return keys().encrypt(f"{request.user.pk} {words}".encode()).decode()


def unseal(request: HttpRequest, sealed: str) -> str:
    """Raises SearchAgain."""
    try:
        text = keys().decrypt(sealed.encode(), ttl=settings.SESSION_LONGEST_SECONDS).decode()
    except InvalidToken:
        raise SearchAgain from None
    person, _, words = text.partition(" ")
    if person != str(request.user.pk):
        raise SearchAgain
    return words


# --- What is found
@dataclass(frozen=True)
class Excerpt:
    """Where a row has the words. `by`: who says it, or the section it stands in. `parts`: texts, each with whether it
    is a match. `source`: the row whose words these are, for the access log.
    """

    by: str
    parts: Sequence[tuple[bool, str]]
    source: ClinicOwned

    def __html__(self) -> SafeString:
        parts = ((format_html("<mark>{}</mark>", text) if is_match else text,) for is_match, text in self.parts)
        by = format_html("<strong>{}:</strong> ", self.by) if self.by else ""
        return format_html('<p class="lp-excerpt">{}{}</p>', by, format_html_join("", "{}", parts))


class Found(Protocol):
    """What certain words find."""

    def rows(self) -> QuerySet[Any]:
        """All there are, which may be many."""

    def newest(self, most: int, *, thoroughly: bool) -> tuple[Sequence[UUID], datetime | None]:
        """Ids of so many of them, and the moment before which time was too short to look, if it was."""

    def excerpts(self, rows: Sequence[Any]) -> Mapping[UUID, Excerpt]:
        """By the ids of these rows, where each has the words, as far as it can be shown."""


def excerpted(field: str) -> Column:
    """A list column with the field's value, and below it the row's excerpt where it was searched for."""

    @admin.display(description=field)
    def column(row: Any) -> Any:
        value = in_words(getattr(row, field))
        return format_html("{}{}", value, row.excerpt) if getattr(row, "excerpt", None) else value

    column.__name__ = field
    column.shows_excerpt = True  # type: ignore[attr-defined]
    return column


@admin.display(description="words found")
def excerpt(row: Any) -> Any:
    """A list column with the row's excerpt alone."""
    return format_html("{}", getattr(row, "excerpt", None) or "")


class FoundList(ChangeList):
    """A page of what was found. Each row gets its excerpt, and the access log its readings.

    `back_to`: by the clinic's clocks, what came before it was not looked through.
    """

    MOST = 250
    found: Found | None = None
    back_to = ""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        return {name: value for name, value in super().get_filters_params(params).items() if name != THOROUGHLY}

    @property
    def is_thorough(self) -> bool:
        return THOROUGHLY in self.params

    @property
    def thorough(self) -> str:
        """The query that looks further back."""
        return self.get_query_string({THOROUGHLY: "yes"}, [PAGE_VAR])

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.query = unseal(request, self.query) if self.query else ""
        rows = super().get_queryset(request, exclude_parameters)
        if not self.query:
            return rows
        page: Any = self.model_admin
        self.found = page.find(request, rows, self.query)
        ids, ended = self.found.newest(self.MOST, thoroughly=self.is_thorough)
        self.back_to = in_zone(ended, zone_of(request)) if ended else ""
        return rows.filter(pk__in=ids)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.found is None:
            return
        self.paginator.MOST, self.paginator.all_rows = self.MOST, self.found.rows()
        if request.method in ("GET", "HEAD"):
            self.result_list = self.read_out(request, self.found, list(self.result_list))

    def read_out(self, request: HttpRequest, found: Found, rows: list[Any]) -> list[Any]:
        excerpts = found.excerpts(rows)
        for row in rows:
            row.excerpt = excerpts.get(row.pk)
        read = {row.pk: row for row in (*rows, *(excerpt.source for excerpt in excerpts.values()))}
        log.record(request, AccessEntry.Action.READ, read.values(), mode="search")
        return rows


class SearchedModelAdmin(ClinicModelAdmin):
    """A list with a box for words. `searched`: where these are looked for.

    Matches are shown in a column made by `excerpted`, else in one of their own.
    """

    searched: ClassVar[str] = ""
    search_fields = ("search",)

    class Media:
        css: ClassVar[Mapping[str, Sequence[str]]] = {"all": ["listenpost/search.css"]}
        js: ClassVar[Sequence[str]] = ["listenpost/search.js"]

    def find(self, request: HttpRequest, rows: QuerySet[Any], words: str) -> Found:
        raise NotImplementedError

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        has_place = any(getattr(column, "shows_excerpt", False) for column in columns)
        return columns if has_place or SEARCH_VAR not in request.GET else [*columns, excerpt]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FoundList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """FoundList finds."""
        return queryset, False

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_search"
        return [path("search/", self.admin_site.admin_view(self.search_view), name=name), *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Whoever had to sign in meanwhile comes with a GET, and without the words."""
        given = request.POST.copy()
        words = " ".join(given.pop(SEARCH_VAR, [""])).strip()
        try:
            words = forms.CharField(max_length=200, required=False).clean(words)
        except ValidationError:
            messages.warning(request, NOT_SO)
            words = ""
        return self.to_list(request, given, **{SEARCH_VAR: seal(request, words)} if words else {})

    def to_list(self, request: HttpRequest, narrowed: QueryDict, **more: str) -> HttpResponse:
        """The list as it was narrowed, from its first page."""
        filters = {name: str(value) for name, value in narrowed.items()}
        query = QueryDict(mutable=True)
        query.update(
            {name: value for name, value in filters.items() if self.lookup_allowed(name, value, request)} | more
        )
        return HttpResponseRedirect(f"{self.list_address()}?{query.urlencode()}".rstrip("?"))

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except SearchAgain:
            messages.warning(request, AGAIN)
            return self.to_list(request, request.GET)
