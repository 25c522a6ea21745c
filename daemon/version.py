"""The program's own version, as the installed distribution tells it."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Give the version, or a word that says that the program is not installed."""
    try:
        return version("clerkd")
    except PackageNotFoundError:
        return "uninstalled"
