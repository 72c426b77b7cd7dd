"""Where a model of Ollama is called, and how: pure decisions, the environment is read by the caller."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

CLOUD_HOST = "ollama.com"
"""Ollama Cloud, also for a caller who writes just `ollama.com`."""

_DEFAULT_PORT = "11434"
_CLOUD_SUFFIX = re.compile(r"[-:]cloud$", re.IGNORECASE)


@dataclass(frozen=True)
class OllamaEndpoint:
    """Where one model is called and how."""

    url: str
    """Address without a trailing slash and without `/v1`, e.g. `http://127.0.0.1:11434`."""
    authorization: str | None = field(repr=False)
    """Value of the `Authorization` header; None when the server wants none."""
    model: str
    """The model's name as this server knows it."""

    @property
    def is_cloud(self) -> bool:
        """Whether the server is Ollama Cloud, the only one that may see `OLLAMA_API_KEY`."""
        return _is_cloud(self.url)

    @property
    def is_key_missing(self) -> bool:
        """The server is Ollama Cloud, but there is no key for it."""
        return self.is_cloud and self.authorization is None


def ollama_endpoint(
    model_name: str,
    *,
    base_url: str | None,
    api_key: str | None,
    environment_host: str | None,
    environment_key: str | None,
) -> OllamaEndpoint:
    """Decides where a model is called.

    The order: `base_url`, then Ollama Cloud for a name with the `-cloud` suffix (or tag `cloud`), then
    `OLLAMA_HOST`, then `http://127.0.0.1:11434`.

    Raises:
        ValueError: If `base_url` or `OLLAMA_HOST` is no address.
    """
    local_name = _CLOUD_SUFFIX.sub("", model_name)
    if base_url:
        url, authorization = parse_ollama_host(base_url)
    elif local_name != model_name:
        url, authorization = parse_ollama_host(CLOUD_HOST)
    else:
        url, authorization = parse_ollama_host(environment_host or "")
    is_cloud = _is_cloud(url)
    key = (api_key or environment_key) if is_cloud else (api_key if base_url else None)
    return OllamaEndpoint(
        url=url,
        authorization=f"Bearer {key}" if key else authorization,
        # The suffix is how an Ollama server tells cloud models from its own; the cloud knows them without it.
        model=local_name if is_cloud else model_name,
    )


def parse_ollama_host(text: str) -> tuple[str, str | None]:
    """Reads an address in any of the forms that `OLLAMA_HOST` may have.

    Follows `envconfig.Host` of ollama/ollama: without a scheme it is `http` on port 11434, with one it is that
    scheme's port; `0.0.0.0` and `[::]` are addresses to listen on, so a client goes to the loopback instead.

    Returns:
        The address, and the value of an `Authorization` header if the address has a user.

    Raises:
        ValueError: If the text is no address.
    """
    address = text.strip().strip("\"'")
    if "://" in address:
        with_scheme = address
    elif address == CLOUD_HOST:
        with_scheme = f"https://{address}"
    else:
        with_scheme = f"http://{_with_default_port(address)}"
    try:
        parts = urlsplit(with_scheme)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    # An @ behind the host is the real one's: a password with a bare slash has ended the address too early.
    is_cut_short = "@" in parts.path
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in with_scheme or is_cut_short:
        hidden = re.sub(r"(?s)^.*@", "***@", address)
        raise ValueError(
            "The address of the Ollama server could not be read: expected a host, host:port or http(s) URL, "
            f"got {hidden!r}"
        )
    is_default_port = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    path = re.sub(r"/v1$", "", parts.path.rstrip("/"))
    host = _connectable(parts.hostname)
    return f"{parts.scheme}://{host}{'' if is_default_port else f':{port}'}{path}", _basic(parts)


def _is_cloud(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.hostname == CLOUD_HOST


def _with_default_port(address: str) -> str:
    authority, slash, path = address.partition("/")
    credentials, at, host = authority.rpartition("@")
    return f"{credentials}{at}{_host_with_port(host)}{slash}{path}"


def _host_with_port(host: str) -> str:
    if host == "":
        return f"127.0.0.1:{_DEFAULT_PORT}"
    if re.fullmatch(r":\d+", host):
        return f"127.0.0.1{host}"
    if not host.startswith("[") and host.count(":") > 1:
        return f"[{host}]:{_DEFAULT_PORT}"
    has_port = re.search(r":\d+$", re.sub(r"^\[.*\]", "", host)) is not None
    return host if has_port else f"{host}:{_DEFAULT_PORT}"


def _connectable(hostname: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(hostname, hostname)
    return f"[{host}]" if ":" in host else host


def _basic(parts: SplitResult) -> str | None:
    if not parts.username:
        return None
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"
