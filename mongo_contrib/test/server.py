"""Which server a connection talks to, in one line for people."""

from __future__ import annotations

from typing import Any

# What a project is most likely to ask `needs(...)` for; the line names those that are there.
CAPABILITIES = (
    "transactions",
    "change_streams",
    "validators",
    "index_collation",
    "text_index",
    "hashed_index",
    "wildcard_index",
)


def describe_server(connection: Any) -> str:
    """Kind, version, topology, address and capabilities of the server behind ``connection``."""
    client = connection.client
    info = client.server_info()
    hello = client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        topology = "sharded"
    elif "setName" in hello:
        topology = f"replica set {hello['setName']}"
    else:
        topology = "standalone"
    host, port = hello["me"].rsplit(":", 1) if "me" in hello else client.address
    supported = [name for name in CAPABILITIES if connection.features.has(name)]
    return (
        f"{_kind(info)}, {topology}, at {host}:{port}; supports {', '.join(supported) or 'little'}"
    )


def _kind(info: dict[str, Any]) -> str:
    if "secantusVersion" in info:
        compiler = info.get("buildEnvironment", {}).get("cc", "")
        flavour = "Rust" if "rust" in compiler else "Python"
        return f"Secantus {info['secantusVersion']} ({flavour}), as MongoDB {info['version']}"
    return f"MongoDB {info['version']}"
