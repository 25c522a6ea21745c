"""What is wrong with a file of the config, in words: the key as it stands there, and what is allowed."""

SECRETS = frozenset(
    {"password", "api_key", "client_secret", "token", "secret_key", "env", "env_secrets", "headers", "header_secrets"}
)

RULE = 2  # the place of a rule's number in a location


def where(location: tuple[int | str, ...], *, lone: bool = False) -> str:
    """Name a key as it stands in the file: a lone mailbox has no number, and the kind of a thing is no key."""
    names = list(location)
    if names[:1] == ["mailbox"] and len(names) > 1:
        names[:2] = ["mailbox" if lone else f"mailbox[{names[1]}]"]
        del names[1:2]
        if names[1:2] == ["sign_in"]:
            del names[2:3]
    if names[:2] == ["autonomy", "wider"] and len(names) > RULE:
        names[1:3] = [f"wider[{names[2]}]"]
    return ".".join(map(str, names)) or "the file"


def what(item: dict[str, object]) -> str:
    """Say what is wrong; the value is shown only where it cannot be a secret."""
    if item["type"] == "extra_forbidden":
        return "unknown key; see config/clerkd.toml for every key that there is"
    if item["type"] == "union_tag_not_found":
        return "way is missing and has no default"
    if item["type"] == "missing":
        return "is missing and has no default"
    message = str(item["msg"]).removeprefix("Value error, ")
    value = item.get("input")
    location = item["loc"]
    secret = isinstance(location, tuple) and not SECRETS.isdisjoint(location)
    shown = isinstance(value, (str, int, float, bool)) and item["type"] != "value_error" and not secret
    return f"{message} (found {value!r})" if shown else message
