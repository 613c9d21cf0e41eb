#!/usr/bin/env python3
"""Django's command line: `manage.py help` lists the product's commands under [exalate] and [syncjobs]."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exalate.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
