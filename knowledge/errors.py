"""What the knowledge database refuses."""


class FenceError(Exception):
    """A fenced write found the row in another state than the writer believed; nothing was written."""


class SchemaError(Exception):
    """The database is missing or is not of the version that this program works with."""
