"""Pretend vendors on real sockets, with faults on demand. Imports nothing of the project."""
