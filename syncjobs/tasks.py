"""What django-q2 calls: three one-liners."""

from syncjobs import worker


def pump() -> None:
    worker.pump()


def sweep() -> None:
    worker.sweep()


def canary() -> str:
    return "alive"
