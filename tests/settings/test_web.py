"""Where the pages are served: read, or refused in words."""

from pathlib import Path

import pytest

from daemon.settings import load
from tests.settings.configs import good, refused


@pytest.mark.parametrize(
    ("keys", "address", "hosts"),
    [
        ({}, "http://127.0.0.1:8620", ("127.0.0.1", "localhost")),
        ({"host": '"::1"'}, "http://[::1]:8620", ("::1", "localhost")),
        ({"host": '"localhost"', "port": "80"}, "http://localhost:80", ("localhost",)),
        ({"url": '"https://clerkd.example.com/"'}, "https://clerkd.example.com",
         ("clerkd.example.com", "127.0.0.1", "localhost")),
        ({"host": '"0.0.0.0"', "url": '"https://clerkd.example.com"'}, "https://clerkd.example.com",
         ("clerkd.example.com", "0.0.0.0")),
    ],
)  # fmt: skip
def test_it_knows_its_address_and_its_names(
    tmp_path: Path, keys: dict[str, str], address: str, hosts: tuple[str, ...]
) -> None:
    """As a browser knows it: of its own host and port, or of the proxy's."""
    web = load(good(tmp_path, **{f"web__{key}": value for key, value in keys.items()})).web
    assert (web.address, web.hosts) == (address, hosts)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "clerkd.example.com", "::"])
def test_it_refuses_to_send_passwords_in_the_clear(tmp_path: Path, host: str) -> None:
    """Beyond this machine there must be TLS before it."""
    said = refused(tmp_path, "web.host", f'"{host}"')
    assert said == (
        f"web: host: at {host} others on the network could read along; keep 127.0.0.1, or put a proxy with TLS before "
        'it and say url = "https://..."'
    )


def test_it_refuses_an_address_on_which_no_browser_would_stay_signed_in(tmp_path: Path) -> None:
    """The cookie is kept over TLS, or on this machine, alone."""
    said = refused(tmp_path, "web.url", '"http://clerkd.example.com"')
    assert "url: http://clerkd.example.com is not encrypted" in said


@pytest.mark.parametrize("url", ["https://clerkd.example.com/pages", "https://", "clerkd.example.com", "https://a b"])
def test_it_refuses_what_is_no_address_of_a_site(tmp_path: Path, url: str) -> None:
    """The pages stand at the root of a site of their own."""
    assert refused(tmp_path, "web.url", f'"{url}"').startswith("web.url: String should match pattern")
