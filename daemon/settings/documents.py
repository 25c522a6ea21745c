"""Where the patterns of ``knowledge.documents`` lead, seen from the config file."""

import glob
import os
from pathlib import Path

from daemon.errors import FatalError
from daemon.judgement.documents import divided, objection
from daemon.settings.sections import Settings

A_FOLDER = "{} is a folder; name the files in it, such as '{}/*.md'"
OWN_STATE = "{} leads into service.state, where mail and secrets lie; keep the documents elsewhere"


def absolute(pattern: str, config: Path) -> str:
    """Take a pattern as relative to the config file. Links in its folder are followed anew at each look."""
    folder = "" if pattern.startswith("/") else f"{glob.escape(str(config.parent.absolute()))}/"
    return os.path.normpath(f"{folder}{pattern}")


def with_documents(settings: Settings, config: Path) -> Settings:
    """Give settings whose patterns are whole paths; raise FatalError where one cannot be meant."""
    patterns = tuple(absolute(pattern, config) for pattern in settings.knowledge.documents)
    lines = [
        f"{config}: knowledge.documents.{place}: {problem}"
        for place, pattern in enumerate(patterns)
        if (problem := _problem(pattern, settings.service.state))
    ]
    if lines:
        raise FatalError("\n".join(lines))
    knowledge = settings.knowledge.model_copy(update={"documents": patterns})
    return settings.model_copy(update={"knowledge": knowledge})


def _problem(pattern: str, state: Path) -> str | None:
    if Path(pattern).is_dir():
        return A_FOLDER.format(pattern, pattern)
    if Path(divided(pattern)[0]).resolve().is_relative_to(state.resolve()):
        return OWN_STATE.format(pattern)
    return objection(pattern)
