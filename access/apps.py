from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"
    verbose_name = "People and access"

    def ready(self) -> None:
        from access.signin import record  # noqa: F401 (listens to Django's sign-in signals)
