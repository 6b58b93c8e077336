"""The log of commands: the logger "mongo_contrib.commands", and callbacks for test tools."""

from pymongo import monitoring


class CommandLog(monitoring.CommandListener):
    """Placeholder of the first slice."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def started(self, event: monitoring.CommandStartedEvent) -> None: ...

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...
