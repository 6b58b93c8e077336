"""Who visits, as far as a request tells and MONGO_SESSION_RECORD allows to keep."""

from typing import Any

from mongo_contrib.addresses import address_in, network_of

from . import user_agents
from .conf import conf

__all__ = ["Visitor"]

#: How many characters of a User-Agent header are kept, and looked at.
USER_AGENT_LENGTH = 512


class Visitor:
    """The client of a request. Making one costs nothing, nothing is looked at before asked for."""

    __slots__ = ("_meta",)

    def __init__(self, request: Any) -> None:
        # Not the request, which has the session that has this: a circle outlives its request.
        self._meta = request.META

    @property
    def address(self) -> str | None:
        """The IP address, see mongo_contrib.addresses."""
        return address_in(self._meta)

    @property
    def user_agent(self) -> str:
        """The User-Agent header, of bounded length and printable; "" if there is none."""
        text = str(self._meta.get("HTTP_USER_AGENT", ""))[:USER_AGENT_LENGTH]
        return " ".join("".join(each if each.isprintable() else " " for each in text).split())

    @property
    def device(self) -> str | None:
        """Browser and system in words, if they are known: "Firefox on Ubuntu"."""
        return user_agents.device_name(self.user_agent)

    def recorded(self) -> dict[str, str]:
        """What is kept of this visit: `address` (or its network), `user_agent`, `device`.

        Each only if MONGO_SESSION_RECORD has it and the request tells it.
        """
        record = conf.record
        found = {
            "address": self._recorded_address(record),
            "user_agent": self.user_agent if "user_agent" in record else None,
            "device": self.device if "device" in record else None,
        }
        return {name: value for name, value in found.items() if value}

    def _recorded_address(self, record: frozenset[str]) -> str | None:
        if not record & {"address", "network"}:
            return None
        address = self.address
        return network_of(address) if address and "network" in record else address
