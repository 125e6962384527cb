"""Imported first by a process that is no `manage.py` command: the settings are loaded and the models ready."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
