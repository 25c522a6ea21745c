"""How a tool answers the model: in words, or with an error that says what to do."""

from pydantic import ValidationError

from daemon.agent.schemas import Content


def say(words: str) -> Content:
    """Answer."""
    return {"content": [{"type": "text", "text": words}]}


def error(words: str) -> Content:
    """Answer that it cannot be done."""
    return {**say(words), "is_error": True}


def lines(problem: ValidationError) -> list[str]:
    """Say what is wrong with the arguments, a line each."""
    return [f"- {'.'.join(map(str, item['loc'])) or 'the call'}: {item['msg']}" for item in problem.errors()]
