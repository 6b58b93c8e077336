"""A local MongoDB server for development and tests, behind hosts like "embedded:var/mongodb".

acquire() starts the best server of this machine in a process of its own, shared by all
processes that ask for the same directory, and stopped after the last of them.
"""

from .servers import ServerKind
from .users import Server, acquire, describe, release

__all__ = ["Server", "ServerKind", "acquire", "describe", "release"]
