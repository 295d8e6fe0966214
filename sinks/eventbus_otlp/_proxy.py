"""Which proxy requests over HTTP go through, by the environment."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment

from eventbus._bounds import WrongSetting

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment wants for *url*, or ``None``.

    ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``ALL_PROXY``, in either case, and not for what
    ``NO_PROXY`` lists: names, which cover the names below them, addresses, networks as
    in ``10.0.0.0/8``, for URLs that have an address in place of a name, each with a
    port or without; ``*`` is all. Nor, as in Go, for ``localhost`` and the addresses
    of loopback, which a proxy would take for its own:
    https://pkg.go.dev/net/http#ProxyFromEnvironment. In a CGI process ``HTTP_PROXY``
    is a header of the request there, and does not count.

    Raises:
        WrongSetting: The proxy is of a kind that is not supported, SOCKS say, or no
            URL of a host and a port. The text has the variable's name alone.
    """
    parts = urlsplit(url)
    proxies = getproxies_environment()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    proxy = proxies.get(kind)
    if not proxy or _is_direct(parts, proxies.get("no", "")):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not _is_usable(proxy):
        raise WrongSetting(
            f"{_variable(kind)} must be the URL of an HTTP proxy, as in "
            "http://user:password@host:port, with other signs there written as %40 for "
            "'@'. Else set NO_PROXY, or trust_environment to false",
            "trust_environment",
        )
    return proxy


def _is_usable(proxy: str) -> bool:
    """Return whether *proxy* is a URL of nothing but credentials and a place."""
    try:
        parts = urlsplit(proxy)
        port = parts.port
        login = unquote(parts.username or "", errors="strict")
        password = unquote(parts.password or "", errors="strict")
        (login + password).encode("latin-1")  # as aiohttp sends them
    except ValueError:
        return False
    return (
        parts.scheme in _PORTS
        and bool(parts.hostname)
        and port != 0
        and parts.path in ("", "/")
        and not (parts.query or parts.fragment or ":" in login)
        and proxy.isprintable()
        and " " not in proxy
        and parts.netloc.count("@") < 2
    )


def _variable(kind: str) -> str:
    """Return which variable names the proxy for *kind*: one in small letters wins."""
    name = f"{kind}_proxy"
    return name if os.environ.get(name) else name.upper()


def _is_direct(url: SplitResult, exceptions: str) -> bool:
    if _is_loopback(url.hostname or ""):
        return True
    return any(_covers(one, url) for one in exceptions.split(","))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
