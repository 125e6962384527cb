"""Full text: each row is indexed in its own language, and searched in it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Model, Q, QuerySet, Value

Row = TypeVar("Row", bound=Model)

CONFIGS = {"en": "english", "fr": "french", "es": "spanish"}
OTHERS = "simple"
#: PostgreSQL refuses a tsvector over 1 MiB, and hyphens and links can make one four times as large as its text.
INDEXED_BYTES = 200_000


#: A row's `search` in SQL, of what `searched` gives.
VECTOR = "to_tsvector(%s::regconfig, %s)"


def searched(language: str, *texts: str) -> tuple[str, str]:
    """The name of the language's configuration, and the texts as far as they are indexed."""
    words = "\n".join(texts).encode()[:INDEXED_BYTES].decode(errors="ignore")
    return CONFIGS.get(language.partition("-")[0].lower(), OTHERS), words


def vector(language: str, *texts: str) -> SearchVector:
    """The expression to store in a row's `search`, in create() and update() alike."""
    config, words = searched(language, *texts)
    return SearchVector(Value(words), config=config)


def matching(rows: QuerySet[Row], words: str) -> QuerySet[Row]:
    """The rows that hold these words, as search engines read them: quotes, OR, a minus sign for without."""
    languages = {config: _in_language(language) for language, config in CONFIGS.items()}
    languages[OTHERS] = ~reduce(or_, languages.values())
    return rows.filter(reduce(or_, (_found(words, config) & spoken for config, spoken in languages.items())))


def _found(words: str, config: str) -> Q:
    return Q(search=SearchQuery(words, config=config, search_type="websearch"))


def _in_language(language: str) -> Q:
    return Q(language__iexact=language) | Q(language__istartswith=f"{language}-")
