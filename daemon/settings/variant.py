"""A variant of the config: a file that says only what is otherwise, for a replay."""

from pathlib import Path
from typing import Any

from daemon.errors import FatalError
from daemon.settings.documents import absolute
from daemon.settings.file import checked, locate, table_of
from daemon.settings.sections import Employee, Settings

ORDERS = Employee.model_fields["orders"].default
SECTIONS = ("employee", "model", "reading", "limits", "autonomy", "knowledge")
NOT_A_VARIANT = "a variant may change {} only: where mail comes from and goes to stays as it is"
OF_KNOWLEDGE = {"recall_tokens"}
KNOWN = "what is known is the service's; of [knowledge], a variant may change recall_tokens only"
CAPS = "the service's caps hold for a replay, too; of [limits], a variant may change dollars_per_turn only"


def load_variant(given: Path | None, path: Path) -> Settings:
    """Lay a variant's file over the config; raise FatalError with one line for each thing that is wrong in it.

    A path in it counts from where the variant lies.
    """
    if not path.exists():
        message = f"{path}: there is no such file; a variant says in TOML what is otherwise than in the config"
        raise FatalError(message)
    base, changes = locate(given), table_of(path)
    foreign = sorted(changes.keys() - set(SECTIONS))
    if foreign:
        message = f"{path}: {foreign[0]}: {NOT_A_VARIANT.format(', '.join(f'[{name}]' for name in SECTIONS))}"
        raise FatalError(message)
    caps = _section(changes, "limits").keys() - {"dollars_per_turn"}
    if caps:
        message = f"{path}: limits.{min(caps)}: {CAPS}"
        raise FatalError(message)
    told = _section(changes, "knowledge").keys() - OF_KNOWLEDGE
    if told:
        message = f"{path}: knowledge.{min(told)}: {KNOWN}"
        raise FatalError(message)
    raw = table_of(base)
    raw["employee"] = _absolute({"orders": str(ORDERS), **raw["employee"]}, base)
    _locate_documents(_section(raw, "knowledge"), base)
    if "name" in _section(changes, "model") and "prices" not in _section(changes, "model"):
        _section(raw, "model").pop("prices", None)  # they are another model's
    for name, section in changes.items():
        raw[name] = {**raw.get(name, {}), **_absolute(section, path)} if isinstance(section, dict) else section
    return checked(raw, path)


def _section(raw: dict[str, Any], name: str) -> dict[str, Any]:
    section = raw.get(name)
    return section if isinstance(section, dict) else {}


def _locate_documents(knowledge: dict[str, Any], base: Path) -> None:
    """Name the documents by their whole paths: they stay where the config says."""
    if isinstance(knowledge.get("documents"), list):
        knowledge["documents"] = [
            absolute(each, base) if isinstance(each, str) else each for each in knowledge["documents"]
        ]


def _absolute(section: dict[str, Any], path: Path) -> dict[str, Any]:
    """Name standing orders and specialists by their whole path, where they are named."""
    named = {key: section[key] for key in ("orders", "specialists") if isinstance(section.get(key), str)}
    return {**section, **{key: str((path.parent / name).resolve()) for key, name in named.items()}}
