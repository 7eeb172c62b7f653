"""What the children of the tests do: `python -m … WHAT FILE [DESCRIPTOR]`. The file tells that they are at it."""

import ctypes
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path


def main(doing: str, told: Path, *descriptors: int) -> None:
    """Do one of the things that children do."""
    match doing:
        case "waits":
            told.write_text("")
            threading.Event().wait()
        case "counts":
            told.write_text("")
            while True:
                pass
        case "starts-another":
            other = subprocess.Popen(["sleep", "1000"])
            told.with_suffix(".new").write_text(str(other.pid))
            told.with_suffix(".new").replace(told)
            other.wait()
        case "holds-the-interpreter":
            told.write_text("")
            ctypes.PyDLL(None).sleep(1000)
        case "answers":
            with socket.socket(fileno=descriptors[0]) as line:
                line.sendall(line.recv(100))
            sys.exit(7)
        case "reads":
            told.write_text(sys.stdin.read() or "nothing")
        case "stops-when-asked" | "does-not":
            asked = threading.Event()
            signal.signal(signal.SIGINT, lambda *_: asked.set() if doing == "stops-when-asked" else None)
            told.write_text("")
            asked.wait()
            sys.exit(5)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
