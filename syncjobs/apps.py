from django.apps import AppConfig


class SyncjobsConfig(AppConfig):
    name = "syncjobs"
    default_auto_field = "django.db.models.BigAutoField"
