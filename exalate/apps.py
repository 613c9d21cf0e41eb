from django.apps import AppConfig


class ExalateConfig(AppConfig):
    name = "exalate"

    def ready(self) -> None:
        from exalate import checks  # noqa: F401  (registers the checks)
