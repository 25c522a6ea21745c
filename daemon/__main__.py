"""Lets ``python -m daemon`` be the command ``clerkd``."""

from daemon.cli import main

main()
