"""Where a request comes from, as far as it can be known, and what an address is a part of."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from .conf import conf

__all__ = ["address_in", "client_address", "network_of"]

# The longest that can be right: IPv6 with an IPv4 tail, a scope id, brackets and a port.
_LONGEST = 100

# One household may have as much as a /48 of IPv6; a narrower network would still name it. Of IPv4
# a /24 is what is customary.
_NETWORKS = {4: 24, 6: 48}


def client_address(request: Any) -> str | None:
    """The visitor's IP address in its shortest spelling, or None where nothing tells it.

    By default that of the connection. Behind reverse proxies, each of which appends to
    X-Forwarded-For whom it serves, MONGO_TRUSTED_PROXIES says how many there are: what is
    further left in that header may be the visitor's invention and does not count.
    """
    return address_in(request.META)


def address_in(meta: Mapping[str, Any]) -> str | None:
    """See client_address(), for who has kept a request's META only."""
    proxies, header = conf.trusted_proxies, meta.get("HTTP_X_FORWARDED_FOR")
    if proxies and header:
        appended = header.rsplit(",", proxies)[-proxies:]
        # Fewer: the request came past one of the proxies, so whom the header names is anybody's
        # word. Whose connection it was is not.
        if len(appended) == proxies:
            return _normalised(appended[0])
    return _normalised(meta.get("REMOTE_ADDR"))


def network_of(address: str) -> str:
    """The network that an address of client_address() is in: 203.0.113.0/24, 2001:db8:1::/48."""
    parsed = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((parsed, _NETWORKS[parsed.version]), strict=False))


def _normalised(text: Any) -> str | None:
    # Servers on a Unix socket have an empty address, or "unix:".
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    host = text.strip()
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        if port and not port.startswith(":"):
            return None
    elif host.count(":") == 1:  # some proxies append the port to IPv4
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
