"""A warm interpreter that forks for each program, since a start costs more than most programs.

    python -c 'import zygote; zygote.serve("/tmp/x/socket", ["numpy"])'

A request (`asking.py` makes it) has `argv` (as after `python`), `cwd` and `env`, along with three descriptors for
the standard streams; the answer is the exit status. A client that goes away ends its program. What
is forked behaves as a fresh interpreter, but for modules that are already loaded.
"""

import atexit
import gc
import importlib
import marshal
import os
import selectors
import signal
import socket
import struct
import sys
import threading


def serve(path, modules):
    """Serves until standard input closes. In a forked child this comes back only to run a program."""
    for name in modules:
        importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".new")
    server.listen(64)
    os.rename(path + ".new", path)  # who sees it can connect
    wake, signalled = socket.socketpair()
    signalled.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(signalled.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    chosen = selectors.DefaultSelector()
    for key in (server, wake, sys.stdin):
        chosen.register(key, selectors.EVENT_READ)
    gc.collect()
    gc.freeze()
    clients = {}
    while True:
        for key, _ in chosen.select():
            if key.fileobj is sys.stdin:
                os._exit(0)
            if key.fileobj is wake:
                _drain(wake)
                _reap(clients, chosen)
            elif key.fileobj is server:
                client = server.accept()[0]
                pid, request, streams = _start(client)
                if pid == 0:
                    chosen.close()
                    for each in (server, wake, signalled, client, *clients.values()):
                        each.close()
                    _become(request, streams)
                    return
                clients[pid] = client
                chosen.register(client, selectors.EVENT_READ)
            else:
                _abandon(key.fileobj, clients, chosen)


def _drain(wake):
    try:
        while wake.recv(4096):
            pass
    except BlockingIOError:
        pass


def _reap(clients, chosen):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        client = clients.pop(pid, None)
        if client is not None:
            chosen.unregister(client)
            try:
                client.sendall(struct.pack("i", os.waitstatus_to_exitcode(status)))
            except OSError:
                pass
            client.close()


def _abandon(client, clients, chosen):
    for pid, each in list(clients.items()):
        if each is client:
            os.kill(pid, signal.SIGKILL)
            del clients[pid]
    chosen.unregister(client)
    client.close()


def _start(client):
    data, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
    (size,) = struct.unpack("i", data[:4])
    while len(data) < size + 4:
        data += client.recv(1 << 20)
    pid = os.fork()
    if pid:
        for each in streams:
            os.close(each)
    return pid, marshal.loads(data[4:]), streams


def _become(request, streams):
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if name != "stdin":
            stream.reconfigure(line_buffering=False)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.executable = request.get("executable", sys.executable)
    try:
        _run(request["argv"])
    except SystemExit as end:
        if type(end.code) is not int:
            raise
        _end(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _end(1)
    _end(0)


def _end(code):
    """Ends as Python does, but for taking down the modules that were warm: that takes longer than most programs."""
    threading._shutdown()
    atexit._run_exitfuncs()
    names = sys.modules["__main__"].__dict__
    sys.last_value = sys.last_traceback = None
    for hidden in (True, False):  # as Python empties a module: names with one underscore first
        for name in list(names):
            if name != "__builtins__" and hidden == (name[0] == "_" and name[1:2] != "_") and names.get(name) is not None:
                names[name] = None
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 255)


def _run(argv):
    import runpy

    sys.orig_argv[:] = [sys.executable, *argv]
    if argv[0] == "-c":
        sys.argv[:] = ["-c", *argv[2:]]
        exec(compile(argv[1], "<string>", "exec"), {"__name__": "__main__"})
    elif argv[0] == "-m":
        sys.argv[:] = argv[1:]
        sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(argv[1])
    else:
        sys.argv[:] = argv
        sys.path.insert(0, os.path.dirname(os.path.abspath(argv[0])))
        names = sys.modules["__main__"].__dict__
        names["__file__"] = argv[0]
        with open(argv[0], "rb") as file:
            code = compile(file.read(), os.path.abspath(argv[0]), "exec")
        exec(code, names)
