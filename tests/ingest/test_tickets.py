"""Addresses that prove themselves."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import uuid4

import pytest
from pytest_django import Settings

from ingest import tickets

OLD, NEW = "o" * 40, "n" * 40


def test_a_ticket_names_its_row() -> None:
    row = uuid4()
    assert tickets.read_callback(tickets.for_callback(row)) == row
    assert tickets.read_file(tickets.for_file(row, seconds=5)) == row


def test_a_changed_byte_anywhere_proves_nothing() -> None:
    raw = bytearray(urlsafe_b64decode(tickets.for_callback(uuid4()) + "=="))
    for place in range(len(raw)):
        spoilt = bytes(byte ^ (1 if here == place else 0) for here, byte in enumerate(raw))
        assert tickets.read_callback(urlsafe_b64encode(spoilt).rstrip(b"=").decode()) is None


@pytest.mark.parametrize("text", ["", "A", "AAAA", "=", "\x00", "é", "A" * 10_000, "-_-_"])
def test_garbage_proves_nothing(text: str) -> None:
    assert tickets.read_callback(text) is None
    assert tickets.read_file(text) is None


def test_another_spelling_of_the_same_bytes_is_no_ticket() -> None:
    ticket = tickets.for_callback(uuid4())
    assert len(ticket) % 4  # so that the last character has bits to spare
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = {ticket[:-1] + last for last in alphabet} - {ticket}
    assert not [other for other in others if tickets.read_callback(other)]


def test_a_file_opens_no_callback_and_the_other_way_round() -> None:
    row = uuid4()
    assert tickets.read_callback(tickets.for_file(row, seconds=60)) is None
    assert tickets.read_file(tickets.for_callback(row)) is None


def test_a_files_ticket_ends() -> None:
    assert tickets.read_file(tickets.for_file(uuid4(), seconds=-1)) is None


def test_rotating_keys_leaves_tickets_that_are_out_valid(settings: Settings) -> None:
    settings.TICKET_KEYS = {1: OLD}
    row = uuid4()
    out = tickets.for_callback(row)
    settings.TICKET_KEYS = {1: OLD, 2: NEW}
    assert tickets.read_callback(out) == row
    assert tickets.for_callback(row) != out
    settings.TICKET_KEYS = {2: NEW}
    assert tickets.read_callback(out) is None
