"""Be the Python server of PyPI's secantusdb: `python_server.py SITE PORT STORAGE [--no-sync]`.

Run by its path, as a process of its own: secantus is GPL-2.0-only and is never imported into
a process that serves users. Started through its Python API because its daemon ignores the
setting for the TTL sweep.
"""

import signal
import sys

DAY = 24 * 60 * 60


def main(site: str, port: str, storage: str, *options: str) -> None:
    # Appended, so that nothing beside the package can hide a module of this interpreter.
    sys.path.append(site)
    from secantus import SecantusDBServer

    # Blocked before the server starts its threads, which inherit that: it waits for us.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = SecantusDBServer(
        host="127.0.0.1",
        port=int(port),
        storage_path=storage,
        cache_size="256M",
        sync_on_commit="--no-sync" not in options,
        ttl_sweep_seconds=60.0,
        # Fail points, for tests of retries.
        enable_test_commands=True,
        # Its default of five minutes would cut the idle connections of a driver's pool.
        client_idle_timeout_s=DAY,
    )
    server.start()
    signal.sigwait({signal.SIGTERM})
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
