"""What others can be told about sessions."""

from typing import Any

from django.dispatch import Signal

from mongo_contrib.bridge import in_bridge, wait

__all__ = ["new_device", "send"]

#: Sent after a log-in from a device (a browser) that is not known to be the user's. Arguments:
#:
#: sender       the class of the session store
#: request      the request that logged in
#: user_id      the user's primary key, as text
#: session_id   what listings call the session
#: device       "Firefox on Ubuntu", or None where that is unknown or not recorded
#: address      the visitor's IP address or network, or None where it is unknown or not recorded
#: first        whether the user had no other device before
#:
#: The user is logged in, whatever a receiver does: its error is logged by Django.
new_device = Signal()


def send(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Send a signal to all receivers, also from code that native() runs; log their errors."""
    if in_bridge():
        wait(signal.asend_robust(sender, **arguments))
    else:
        signal.send_robust(sender, **arguments)
