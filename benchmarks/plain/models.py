"""One answer a `client_request_id`, with its transcript and its note."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class Row(models.Model):
    objects: ClassVar[Any] = models.Manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class Answer(Row):
    client_request_id = models.CharField(max_length=128, unique=True)
    request_id = models.CharField(max_length=200)
    error_code = models.IntegerField(null=True)
    error_message = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)


class Transcript(Row):
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE)
    items = models.JSONField()


class Note(Row):
    answer = models.OneToOneField(Answer, on_delete=models.CASCADE)
    title = models.TextField(blank=True)


class Section(Row):
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="sections")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=100)
    title = models.TextField(blank=True)
    text = models.TextField(blank=True)
