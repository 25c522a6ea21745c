"""Times of day as the config writes them: hours and minutes, in the zone that the section names."""

from datetime import UTC, datetime, time


def time_of_day(words: str) -> time:
    """Read a time such as 07:00; ValueError where it is none, or names a zone of its own."""
    return datetime.strptime(words.strip(), "%H:%M").replace(tzinfo=UTC).time()


def span(words: str) -> tuple[time, time]:
    """Read two times such as 08:00-18:00; ValueError where they are not two."""
    starts, ends = map(time_of_day, words.split("-"))
    return starts, ends
