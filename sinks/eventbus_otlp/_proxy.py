"""Which proxy requests over HTTP go through, by the environment."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment

from eventbus import ConfigError

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment wants for *url*, or ``None``.

    ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``ALL_PROXY``, in either case, and not for what
    ``NO_PROXY`` lists: names, which cover the names below them, addresses, networks as
    in ``10.0.0.0/8``, for URLs that have an address in place of a name, each with a
    port or without; ``*`` is all. In a CGI process ``HTTP_PROXY`` is a header of the
    request there, and does not count.

    Raises:
        ConfigError: The proxy is of a kind that is not supported, SOCKS say.
    """
    parts = urlsplit(url)
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or any(
        _covers(one, parts) for one in proxies.get("no", "").split(",")
    ):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = urlsplit(proxy).scheme
    if scheme not in _PORTS:
        raise ConfigError(
            f"A proxy must be an http:// or https:// URL, got {scheme}://… from the "
            "environment. Set NO_PROXY, or trust_environment to false"
        )
    return proxy


def _covers(exception: str, url: SplitResult) -> bool:
    """Return whether an *exception* of ``NO_PROXY`` is for the far side of *url*."""
    name, colon, port = exception.strip().lower().rpartition(":")
    if not (colon and port.isdecimal() and not (":" in name and name[:1] != "[")):
        name = exception.strip().lower()
    elif int(port) != (url.port or _PORTS.get(url.scheme)):
        return False
    name, host = name.strip("[]").lstrip("."), (url.hostname or "").lower()
    if "/" in name:
        return _is_in_network(host, name)
    return name == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))


def _is_in_network(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
