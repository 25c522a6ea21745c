"""Authentication-Results as RFC 8601 (section 2.2) writes it: comments, quoted strings and all, in linear time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

TOKEN = re.compile(r'[;=]|"(?:[^"\\]|\\.)*+"|[^\s;="()]+|(?P<comment>\()|(?P<space>\s+)', re.DOTALL)
COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Result:
    """What one method came to: ``dmarc``, ``pass``, and properties such as ``header.from``, all in lower case."""

    method: str
    result: str
    properties: dict[str, str]


def writer(value: str) -> str:
    """Give the authserv-id of the server that wrote the field, in lower case; empty where none can be read.

    Some servers leave it out, against the RFC, and begin with the first result; that is no name.
    """
    try:
        head = list(takewhile(lambda word: word != ";", _tokens(value)))
    except ValueError:
        return ""
    match head:
        case [name]:
            return _unquoted(name).lower()
        case [name, version] if version.isdigit():
            return _unquoted(name).lower()
        case _:
            return ""


def results(value: str) -> list[Result]:
    """Give the results of a field; raise ValueError where it cannot be read without doubt."""
    return [_result(statement) for statement in _statements(value)[1:] if statement not in ([], ["none"])]


def _statements(value: str) -> list[list[str]]:
    statements: list[list[str]] = [[]]
    for word in _tokens(value):
        if word == ";":
            statements.append([])
        else:
            statements[-1].append(word)
    return statements


def _result(statement: list[str]) -> Result:
    pairs = list(_pairs(statement))
    if statement[1:2] != ["="] or not pairs:
        message = "a result has no method"
        raise ValueError(message)
    (method, result), *properties = pairs
    if len(dict(properties)) < len(set(properties)):
        message = "a property has two values"
        raise ValueError(message)
    return Result(method.partition("/")[0], result, dict(properties))


def _pairs(statement: list[str]) -> Iterator[tuple[str, str]]:
    """Give names with their values; an equals sign within a value, as base64 has it, begins no pair."""
    at = 0
    while at + 2 < len(statement):
        name, sign, value = statement[at : at + 3]
        is_pair = sign == "=" and "=" not in (name, value)
        if is_pair:
            yield name.lower(), _unquoted(value).lower()
        at += 3 if is_pair else 1


def _tokens(value: str) -> Iterator[str]:
    """Give words, quoted strings and signs without the comments; raise ValueError where one does not end."""
    at = 0
    while at < len(value):
        token = TOKEN.match(value, at)
        if token is None:
            message = "a quoted string or a comment has no beginning or no end"
            raise ValueError(message)
        at = _comment_end(value, token.end()) if token["comment"] else token.end()
        if not token["comment"] and not token["space"]:
            yield token[0]


def _comment_end(value: str, at: int) -> int:
    """Find where a comment ends; comments nest (RFC 5322, 3.2.2)."""
    depth = 1
    for mark in COMMENT_MARK.finditer(value, at):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if not depth:
            return mark.end()
    message = "a comment does not end"
    raise ValueError(message)


def _unquoted(token: str) -> str:
    return ESCAPED.sub(r"\1", token[1:-1]) if token.startswith('"') else token
