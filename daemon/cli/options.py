"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The config file. [default: $CLERKD_CONFIG, else /etc/clerkd/clerkd.toml]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
