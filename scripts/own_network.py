"""Run a command in a network of its own that has nothing but loopback: `python scripts/own_network.py COMMAND …`.

Ray's ports are open to whoever reaches the address that it listens on. Linux lets root make a network, and on most
machines everyone (`unshare --map-root-user`). Where it may not be done, the command runs in the machine's own, and
stderr says so.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

_INSIDE = "--inside"
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == [_INSIDE]:
        raise_loopback()
        os.execvp(words[1], words[1:])  # noqa: S606
    way = way_out()
    if way is None:
        print("own_network: this user may not make one here; the command runs in the machine's own", file=sys.stderr)
        os.execvp(words[0], words)  # noqa: S606
    os.execvp(way[0], [*way, sys.executable, __file__, _INSIDE, *words])  # noqa: S606


def way_out() -> list[str] | None:
    """The command that makes a network for what follows it; None where none may."""
    found = shutil.which("unshare")
    for way in ([found, "--net"], [found, "--map-root-user", "--net"]) if found else ():
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return None


def raise_loopback() -> None:
    """As `ip link set lo up` does, which not every machine has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


if __name__ == "__main__":
    main()
