"""The tables of the knowledge database. A state is stored as the word that the daemon's judgement gives it."""

from knowledge.tables.decisions import Action, Approval, Correction, Decision, Feedback, Notice
from knowledge.tables.log import Link, LogEntry, LogWord
from knowledge.tables.mail import Connection, Cursor, MaildirFile, Message, RawMail
from knowledge.tables.memory import Document, Fact, Passage, PassageVector, Print
from knowledge.tables.people import Case, CaseFile, CaseNote, IssueLink, Person, PersonAddress, Promise, SharedIssue
from knowledge.tables.service import Condition, Order, Service
from knowledge.tables.session import AgentSession, Handoff, Replay, ReplayTurn, ToolCall, Turn, Upkeep
from knowledge.tables.web import Look, SignIn, User, Visit

__all__ = [
    "Action",
    "AgentSession",
    "Approval",
    "Case",
    "CaseFile",
    "CaseNote",
    "Condition",
    "Connection",
    "Correction",
    "Cursor",
    "Decision",
    "Document",
    "Fact",
    "Feedback",
    "Handoff",
    "IssueLink",
    "Link",
    "LogEntry",
    "LogWord",
    "Look",
    "MaildirFile",
    "Message",
    "Notice",
    "Order",
    "Passage",
    "PassageVector",
    "Person",
    "PersonAddress",
    "Print",
    "Promise",
    "RawMail",
    "Replay",
    "ReplayTurn",
    "Service",
    "SharedIssue",
    "SignIn",
    "ToolCall",
    "Turn",
    "Upkeep",
    "User",
    "Visit",
]
