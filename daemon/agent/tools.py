"""The employee's tools: they read, or stage their effect in memory for the turn at hand. Nothing leaves here."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool, create_sdk_mcp_server
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.agent import folder as folders
from daemon.agent import schemas
from daemon.agent.answers import error, lines, say
from daemon.agent.folder import Folder
from daemon.agent.schemas import LONGEST_NOTE, NOTHING, PAGE, QUERY, Content
from daemon.judgement import facts, issues
from daemon.judgement.decision import Decision, Latitude, outside_bounds
from daemon.judgement.facts import Correct, Remember, Sheet
from daemon.judgement.handoffs import NO_MAIL, OutsideCall, Specialist
from daemon.judgement.outlasting import HandOver, Outlasting, outlasting
from daemon.judgement.outlasting import objection as handing_objection
from daemon.judgement.promises import Standing, objection
from daemon.judgement.walls import Ground

SERVER = "clerkd"
LOOK_AT_CASE, SEARCH_DECISIONS, DECIDE = "look_at_case", "search_decisions", "decide"
LIST_OPEN_MATTERS, NOTE_CASES = "list_open_matters", "note_cases"
RECALL, REMEMBER, CORRECT = "recall", "remember", "correct"
HAND_OVER = "hand_over"
NAMES = (LOOK_AT_CASE, SEARCH_DECISIONS, RECALL, LIST_OPEN_MATTERS, REMEMBER, CORRECT, DECIDE, NOTE_CASES)
NOT_ASKED = "Notes are not asked for now."

NOT_ACCEPTED = "The decision was not accepted."
NOTED = "It is noted. Go on with the mail, and decide."
NOT_REMEMBERED = "It is not remembered: {}."
NOT_HANDED = "It is not handed over: {}"
HANDED = "It is handed over when this turn settles, and the report comes later. Go on with the mail, and decide."
NEAR = (
    "It is not remembered yet, for these stand near it:\n{}\nCall again with `relation`: add, if it is new beside "
    "them; supersede with the number in `fact`, if it takes that one's place; same, if it says the same."
)


def tool(name: str) -> str:
    """Name one of our tools as the engine does."""
    return f"mcp__{SERVER}__{name}"


ALLOWED = tuple(map(tool, NAMES))


@dataclass(frozen=True)
class Reads:
    """What the tools may see in this turn; the harness, not the model, chose case, person and mailbox.

    ``folders`` are those of the mailbox at hand: the tools' description names those of all mailboxes. ``promises`` is
    what a decision may say of promises, ``issues`` the shared ones that were told, ``sheet`` what may be remembered,
    ``letter`` the mail as a specialist gets it, ``files`` gives those of the case's folder, ``dollars`` is what the
    turn may cost, ``rounds`` counts clerkd's own messages in the case since its last mail. ``ground`` says what
    texts of ours to a server outside may stand on, by what that server has said itself, and our instructions.
    """

    case: Callable[[], str]
    search: Callable[[str], str]
    recall: Callable[[str], str]
    matters: Callable[[int], str]
    promises: Standing
    sheet: Sheet
    letter: str
    issues: frozenset[int] = frozenset()
    ground: Callable[[Sequence[str], str, Collection[str]], Ground] = lambda _texts, _told, _orders: Ground()
    folders: tuple[str, ...] = ()
    files: Callable[[], Mapping[str, str]] = dict
    dollars: float = 0.0
    rounds: int = 0


@dataclass
class Staged:
    """What the model has staged in this turn: the last valid decision counts.

    ``granted`` are the dollars that each handoff may cost of this turn's, ``outlasting`` those of them that it leaves
    open. ``callers`` says which specialist makes a call outside, by the call's number, ``calls`` what came of each.
    """

    reads: Reads
    folder: Folder
    decision: Decision | None = None
    remembered: list[Remember] = field(default_factory=list)
    corrected: list[Correct] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    granted: list[float] = field(default_factory=list)
    outlasting: list[Outlasting] = field(default_factory=list)
    callers: dict[str, str] = field(default_factory=dict)
    calls: list[OutsideCall] = field(default_factory=list)

    def objection(self, wanted: Remember | Correct) -> str | None:
        """Say why it cannot be remembered beside what was staged so far."""
        replaced = [each.fact for each in self.remembered if each.relation == "supersede" and each.fact]
        closed = frozenset([*replaced, *(each.fact for each in self.corrected)])
        count = len(self.remembered) + len(self.corrected)
        return facts.objection(self.reads.sheet, wanted.quote, wanted.fact, closed, count)

    def near(self, wanted: Remember) -> list[str]:
        """Show the facts that say much the same, where the model has not said yet how the new one stands to them."""
        sheet = self.reads.sheet
        numbers = [] if wanted.relation else facts.nearest(wanted.text, sheet)
        return [facts.fact_line(number, sheet.standing[number]) for number in numbers]


@dataclass
class Notes:
    """What the session notes for its successor, on the cases that it may: the last valid call counts."""

    cases: frozenset[int]
    taken: dict[int, str] = field(default_factory=dict)


class CaseNote(BaseModel):
    """A note on one case."""

    model_config = ConfigDict(extra="forbid")
    case: int
    note: Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE)]


class CaseNotes(BaseModel):
    """The arguments of ``note_cases``."""

    model_config = ConfigDict(extra="forbid")
    notes: tuple[CaseNote, ...]


class Desk:
    """Holds the turn at hand for the tools; between turns it is empty, and every tool answers with an error."""

    def __init__(
        self,
        latitude: Latitude,
        *,
        workspace: bool = False,
        specialists: Iterable[Specialist] = (),
        only: Collection[str] | None = None,
    ) -> None:
        """``latitude`` is what a decision may name; with ``workspace``, cases have a folder.

        ``specialists`` are those whose reports come behind the turn. With ``only``, no other tools than these are here.
        """
        self._latitude = latitude
        self._workspace = workspace
        self._specialists = {each.name: each for each in specialists}
        self._only = only
        self._turn: Staged | None = None
        self._notes: Notes | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Name the tools that whoever sits at the desk may call, as the engine does."""
        if self._only is not None:
            return tuple(map(tool, self._only))
        return (*ALLOWED, tool(HAND_OVER)) if self._specialists else ALLOWED

    @property
    def at_hand(self) -> Staged | None:
        """The turn at hand; none between turns."""
        return self._turn

    def begin(self, reads: Reads) -> Staged:
        """Lay an empty sheet on the desk."""
        self._turn = Staged(reads, Folder(reads.files))
        return self._turn

    def begin_notes(self, cases: frozenset[int]) -> Notes:
        """Lay out an empty sheet for notes; no mail is at hand then."""
        self._notes = Notes(cases)
        return self._notes

    def end(self) -> None:
        """Clear the desk: a late call finds nothing to write on."""
        self._turn = self._notes = None

    def server(self) -> McpSdkServerConfig:
        """Build the in-process MCP server; its order never changes within a session (prompt cache)."""
        return create_sdk_mcp_server(SERVER, tools=self._tools())

    def frozen(self) -> list[Content]:
        """Describe the tools as the CLI freezes them with a session's first turn."""
        return [{"name": tool.name, "words": tool.description, "schema": tool.input_schema} for tool in self._tools()]

    def _tools(self) -> list[SdkMcpTool[Any]]:
        decision = schemas.decision_schema(self._latitude)
        files = folders.tools(lambda: self._turn.folder if self._turn else None) if self._workspace else []
        search, matters, decide = SEARCH_DECISIONS, LIST_OPEN_MATTERS, DECIDE
        known = list(self._specialists.values())
        handing = [SdkMcpTool(HAND_OVER, schemas.handing_words(known), schemas.handing_schema(known), self.hand_over)]
        every = [
            SdkMcpTool(LOOK_AT_CASE, "Show this case's earlier messages and decisions.", NOTHING, self.look_at_case),
            SdkMcpTool(search, "Search this sender's earlier messages by words.", QUERY, self.search_decisions),
            SdkMcpTool(
                RECALL, "Recall what this sender and we said, and our documents, in your words.", QUERY, self.recall
            ),
            SdkMcpTool(matters, "List by page what is not settled and which cases are open.", PAGE, self.list_matters),
            SdkMcpTool(REMEMBER, "Remember a fact about this sender, from this mail.", schemas.REMEMBER, self.remember),
            SdkMcpTool(CORRECT, "Put a fact right that this mail speaks against.", schemas.CORRECT, self.correct),
            SdkMcpTool(decide, "Record your decision on the mail at hand. Call it once.", decision, self.decide),
            SdkMcpTool(NOTE_CASES, "Note what a successor must know. Only when asked.", schemas.NOTES, self.note_cases),
            *(handing if known else []),
            *files,
        ]
        return every if self._only is None else [each for each in every if each.name in self._only]

    async def look_at_case(self, _arguments: Content) -> Content:
        """Show the case of the mail at hand."""
        return self._read(lambda turn: turn.reads.case())

    async def search_decisions(self, arguments: Content) -> Content:
        """Search the sender's earlier messages."""
        return self._read(lambda turn: turn.reads.search(str(arguments.get("words", ""))))

    async def recall(self, arguments: Content) -> Content:
        """Recall by words what the sender and we said, and what the company has written down."""
        return self._read(lambda turn: turn.reads.recall(str(arguments.get("words", ""))))

    async def remember(self, arguments: Content) -> Content:
        """Stage a fact, or say what is wrong with it, or which facts stand near it."""

        def stage(turn: Staged) -> Content | None:
            wanted = Remember.model_validate(arguments)
            if problem := turn.objection(wanted):
                return error(NOT_REMEMBERED.format(problem))
            if near := turn.near(wanted):
                return error(NEAR.format("\n".join(near)))
            if wanted.relation != "same" and wanted.text not in [each.text for each in turn.remembered]:
                turn.remembered.append(wanted)
            return None

        return self._learn(stage)

    async def correct(self, arguments: Content) -> Content:
        """Stage what is said against a fact, or say what is wrong with it."""

        def stage(turn: Staged) -> Content | None:
            wanted = Correct.model_validate(arguments)
            if problem := turn.objection(wanted):
                return error(NOT_REMEMBERED.format(problem))
            turn.corrected.append(wanted)
            return None

        return self._learn(stage)

    async def list_matters(self, arguments: Content) -> Content:
        """Show a page of what is open."""
        page = arguments.get("page", 1)
        number = page if isinstance(page, int) else 1
        return self._read(lambda turn: turn.reads.matters(number))

    async def note_cases(self, arguments: Content) -> Content:
        """Take notes for the successor, or say what is wrong with them."""
        if self._notes is None:
            return error(NOT_ASKED)
        try:
            given = {item.case: item.note for item in CaseNotes.model_validate(arguments).notes}
        except ValidationError as problem:
            return error("\n".join(["The notes were not accepted. Correct them and call again:", *lines(problem)]))
        unknown = sorted(given.keys() - self._notes.cases)
        if unknown:
            return error(f"The notes were not accepted: {unknown} are not among the cases that you were asked about.")
        self._notes.taken = given
        return say("The notes are taken. End your turn.")

    async def hand_over(self, arguments: Content) -> Content:
        """Stage a handoff that outlasts the turn, or say what is wrong with it."""
        turn = self._turn
        if turn is None:
            return error(NO_MAIL)
        try:
            wanted = HandOver.model_validate(arguments)
        except ValidationError as problem:
            return error("\n".join([NOT_HANDED.format("correct it and call again:"), *lines(problem)]))
        if refusal := handing_objection(
            wanted, self._specialists, turn.outlasting, len(turn.granted), turn.reads.rounds
        ):
            return error(NOT_HANDED.format(refusal))
        turn.outlasting.append(outlasting(wanted, self._specialists))
        turn.granted.append(0.0)  # it costs nothing of this turn: its own dollars are reserved when it begins
        return say(HANDED)

    async def decide(self, arguments: Content) -> Content:
        """Stage the decision, or say what is wrong with it."""
        if self._turn is None:
            return error(NO_MAIL)
        try:
            decision = Decision.model_validate(arguments)
        except ValidationError as problem:
            return error(
                "\n".join(["The decision was not accepted. Correct it and call decide again:", *lines(problem)])
            )
        reads = self._turn.reads
        refusal = (
            outside_bounds(decision, replace(self._latitude, folders=reads.folders))
            or objection(decision, reads.promises)
            or issues.objection(decision, reads.issues)
        )
        if refusal:
            return error(f"{NOT_ACCEPTED} Correct it and call decide again: {refusal}")
        return self._stage(self._turn, decision)

    def _read(self, read: Callable[[Staged], str]) -> Content:
        if self._turn is None:
            return error(NO_MAIL)
        return say(read(self._turn))

    def _learn(self, stage: Callable[[Staged], Content | None]) -> Content:
        """Stage what is to be remembered, or give the error that stands against it."""
        if self._turn is None:
            return error(NO_MAIL)
        try:
            return stage(self._turn) or say(NOTED)
        except ValidationError as problem:
            return error("\n".join([NOT_REMEMBERED.format("correct it and call again"), *lines(problem)]))

    def _stage(self, turn: Staged, decision: Decision) -> Content:
        if turn.decision is not None:
            turn.notes.append("a second call of decide replaced the first")
        turn.decision = decision
        return say("The decision is recorded. End your turn.")
