"""Stands where the engine expects an MCP server of a specialist, and only carries bytes to and from the daemon.

It is run as a file by an isolated interpreter and imports nothing of the project. The engine hands its own environment,
the API key in it, to each server that it starts (measured): so it starts none but this one. Its arguments are the
directory of the daemon's socket (a socket's whole path may be too long) and the name of the server.
"""

import os
import select
import socket
import sys

CHUNK = 65_536


def main() -> None:
    """Carry until one of the two ends."""
    directory, name = sys.argv[1:]
    os.chdir(directory)
    with socket.socket(socket.AF_UNIX) as gate:
        gate.connect("gate")
        gate.sendall(f"{name}\n".encode())
        while True:
            ready, _, _ = select.select([0, gate.fileno()], [], [])
            from_engine = 0 in ready
            chunk = os.read(0, CHUNK) if from_engine else gate.recv(CHUNK)
            if not chunk:
                return
            if from_engine:
                gate.sendall(chunk)
            else:
                _write(chunk)


def _write(chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(1, chunk) :]


if __name__ == "__main__":
    main()
