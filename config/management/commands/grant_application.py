from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

ROWS = "SELECT, INSERT, UPDATE, DELETE"
ADDED_ONLY, NEVER_DELETED = "SELECT, INSERT", "SELECT, INSERT, UPDATE"


class Command(BaseCommand):
    help = (
        "Gives the application's database role what it needs on the tables as they are: run by the owner after migrate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role")

    def handle(self, *, role: str, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if not cursor.fetchone():
                raise CommandError(f"There is no database role {role!r}.")
            cursor.execute("SELECT current_user = %s", [role])
            if cursor.fetchone() == (True,):
                raise CommandError(f"{role!r} is the role this runs as: the owner cannot be held back.")
            cursor.execute("SELECT pg_has_role(%s, current_user, 'MEMBER')", [role])
            if cursor.fetchone() == (True,):
                raise CommandError(f"{role!r} may act as the owner: it cannot be held back. Take that from it first.")
            cursor.execute("SELECT current_database()")
            database = str(cursor.fetchone()[0])
            tables = connection.introspection.table_names(cursor)
            for statement in grants(role, database, tables):
                cursor.execute(statement)
        self.stderr.write(f"{role} may use {len(tables)} tables of {database}.")


def grants(role: str, database: str, tables: list[str]) -> Iterator[sql.Composed]:
    """What was granted before is taken back first: a table may have become append-only."""
    to, held = sql.Identifier(role), privileges()
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), to)
    # A temporary table could stand in front of an append-only one, for as long as the connection lasts.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(sql.Identifier(database), to)
    yield sql.SQL("REVOKE ALL ON SCHEMA public FROM {}").format(to)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(to)
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(to)
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(to)
    for table in tables:
        allowed = sql.SQL(held.get(table, ROWS))
        yield sql.SQL("GRANT {} ON TABLE public.{} TO {}").format(allowed, sql.Identifier(table), to)


def privileges() -> dict[str, str]:
    """Tables of models with `append_only` or `never_deleted`, and the record of migrations, which only those write."""
    held = {"django_migrations": "SELECT"}
    for model in apps.get_models():
        if getattr(model, "append_only", False):
            held[model._meta.db_table] = ADDED_ONLY
        elif getattr(model, "never_deleted", False):
            held[model._meta.db_table] = NEVER_DELETED
    return held
