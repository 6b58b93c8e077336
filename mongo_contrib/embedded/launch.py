"""Become the server: a small script between the supervisor and the server's own program.

Run by its path, in an isolated interpreter: `python -I launch.py LOCK SUPERVISOR COMMAND...`,
where LOCK is the inherited, locked file descriptor of server.lock and SUPERVISOR a process id.
It stays the same process when it becomes the server, so that the lock is now the server's, and
says by whom it is held.
"""

import ctypes
import os
import signal
import sys

# <linux/prctl.h>; the setting survives the exec.
PR_SET_PDEATHSIG = 1


def die_with(supervisor: int) -> None:
    """Ask the kernel to kill this process when the supervisor dies, where it can do that.

    Elsewhere (macOS) a server whose supervisor was killed lives on until the next start in its
    directory ends it. Killing loses nothing: every server here syncs before it acknowledges.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        sys.exit("The supervisor is gone.")


def main(lock: str, supervisor: str, *command: str) -> None:
    os.ftruncate(int(lock), 0)
    os.pwrite(int(lock), str(os.getpid()).encode(), 0)
    die_with(int(supervisor))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
