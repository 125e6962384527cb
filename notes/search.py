"""Full text: each row is indexed in its own language (notes/indexing.py), and searched in it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TypeVar

from django.contrib.postgres.search import SearchQuery
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

CONFIGS = {"en": "english", "fr": "french", "es": "spanish"}
OTHERS = "simple"
#: PostgreSQL refuses a tsvector over 1 MiB, and hyphens and links can make one four times as large as its text.
INDEXED_BYTES = 200_000


def matching(rows: QuerySet[Row], words: str) -> QuerySet[Row]:
    """The rows that hold these words, as search engines read them: quotes, OR, a minus sign for without."""
    languages = {config: _in_language(language) for language, config in CONFIGS.items()}
    languages[OTHERS] = ~reduce(or_, languages.values())
    return rows.filter(reduce(or_, (_found(words, config) & spoken for config, spoken in languages.items())))


def _found(words: str, config: str) -> Q:
    return Q(search=SearchQuery(words, config=config, search_type="websearch"))


def _in_language(language: str) -> Q:
    return Q(language__iexact=language) | Q(language__istartswith=f"{language}-")
