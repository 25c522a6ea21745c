"""The tools with which a specialist works on the case's folder: in memory, until the turn settles.

They are ours, not the engine's Read, Write and Edit: those take any path of the machine (measured), so that one slip of
the guard would open all of it, and the main thread would have to be given them as well.
"""

from collections.abc import Callable, Mapping
from typing import Any

from claude_agent_sdk import SdkMcpTool
from pydantic import BaseModel, ValidationError

from daemon.agent.answers import error, lines, say
from daemon.agent.schemas import NOTHING, Content
from daemon.judgement import folder
from daemon.judgement.folder import EditFile, FolderError, ReadFile, WriteFile

LIST_FILES, READ_FILE, WRITE_FILE, EDIT_FILE = "list_files", "read_file", "write_file", "edit_file"
NAMES = (LIST_FILES, READ_FILE, WRITE_FILE, EDIT_FILE)
NOT_DONE = "It is not done: {}"
DONE = "It is written, and stays if this turn comes to its end."
LACKING = "This case has no folder now."


class Folder:
    """The folder at hand: the files as they were, and what was written over them in this turn."""

    def __init__(self, load: Callable[[], Mapping[str, str]]) -> None:
        """``load`` gives the files that stand; it is called when a specialist first looks."""
        self._load = load
        self._standing: Mapping[str, str] | None = None
        self.written: dict[str, str] = {}

    @property
    def files(self) -> dict[str, str]:
        """The files as they now are."""
        if self._standing is None:
            self._standing = self._load()
        return {**self._standing, **self.written}


def tools(at_hand: Callable[[], Folder | None]) -> list[SdkMcpTool[Any]]:
    """Make the tools, for the folder that is at hand when they are called."""

    async def list_files(_arguments: Content) -> Content:
        now = at_hand()
        return say(folder.listing(now.files)) if now else error(LACKING)

    async def read_file(arguments: Content) -> Content:
        return _done(at_hand(), lambda now: folder.read(now.files, ReadFile.model_validate(arguments)))

    async def write_file(arguments: Content) -> Content:
        def write(now: Folder) -> str:
            wanted = WriteFile.model_validate(arguments)
            now.written[wanted.name] = folder.written(now.files, wanted)
            return DONE

        return _done(at_hand(), write)

    async def edit_file(arguments: Content) -> Content:
        def edit(now: Folder) -> str:
            wanted = EditFile.model_validate(arguments)
            now.written[wanted.name] = folder.edited(now.files, wanted)
            return DONE

        return _done(at_hand(), edit)

    return [
        SdkMcpTool(LIST_FILES, "Specialists only: list the files of this case's folder.", NOTHING, list_files),
        SdkMcpTool(READ_FILE, "Specialists only: read a file of it.", _schema(ReadFile), read_file),
        SdkMcpTool(WRITE_FILE, "Specialists only: write a file of it, whole.", _schema(WriteFile), write_file),
        SdkMcpTool(EDIT_FILE, "Specialists only: replace `old`, found once, by `new`.", _schema(EditFile), edit_file),
    ]


def _schema(model: type[BaseModel]) -> Content:
    names = list(model.model_fields)
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}


def _done(now: Folder | None, act: Callable[[Folder], str]) -> Content:
    if now is None:
        return error(LACKING)
    try:
        return say(act(now))
    except ValidationError as problem:
        return error(NOT_DONE.format("\n".join(lines(problem))))
    except FolderError as problem:
        return error(NOT_DONE.format(problem))
