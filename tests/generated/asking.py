"""The `python` that florc starts in these tests: hands its command to a warm interpreter and ends as it does.

    python -ISE -c 'import asking; asking.client("socket")' -m florc._runner …

It is started for every worker of a replay, so it imports nothing that takes time. What a request means is known to `zygote.py`.
"""

import _socket
import marshal
import os
import sys


def client(path):
    """Asks for what the command line says, with the streams of this process."""
    request = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "executable": sys.argv[0]}
    os._exit(ask(path, request, (0, 1, 2)) & 255)


def ask(path, request, streams, timeout=None):
    """Sends one request and waits for the exit code; `TimeoutError` after so many seconds."""
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.settimeout(timeout)
    server.connect(path)
    text = marshal.dumps(request)
    sent = b"".join(number.to_bytes(4, sys.byteorder) for number in streams)
    size = len(text).to_bytes(4, sys.byteorder)
    server.sendmsg([size], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, sent)])
    server.sendall(text)
    answer = server.recv(4)
    server.close()
    if len(answer) < 4:
        return 199
    code = int.from_bytes(answer, sys.byteorder, signed=True)
    return code if code >= 0 else 128 - code
