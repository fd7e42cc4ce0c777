"""One checkpoint of AdamW state: stall, cost, size, restore and memory, beside what others take in the same run.

    checkpoint.py            106 MB and, where there is memory, 1 GB
    checkpoint.py 106        one of them
    checkpoint.py 106 --alone    without the others, but for torch.save

Times are medians. CPU: of the calling thread for stalls, of all threads of the process for the whole cost.
"""

import gc
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
import torch.nn as nn

from florc import _florc

warnings.filterwarnings("ignore")
ROUNDS = 7


def network(megabytes):
    """Weights and both moments of AdamW: three floats a parameter, in tensors as transformers have them."""
    width, layers = (480, 38) if megabytes < 500 else (1152, 64)
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(width, width) for _ in range(layers)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(32, width)).square().mean().backward()
        optimizer.step()
    optimizer.zero_grad()
    return model, optimizer


class Timed:
    """Wall and CPU seconds of a block."""

    def __enter__(self):
        self.wall, self.thread, self.all = time.perf_counter(), time.thread_time(), self._all()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.wall
        self.thread = time.thread_time() - self.thread
        self.all = self._all() - self.all

    @staticmethod
    def _all():
        spent = os.times()
        return spent.user + spent.system + spent.children_user + spent.children_system


def rounds(work, reset=lambda: None):
    """Medians of wall and CPU of the thread, CPU of all; milliseconds."""
    work()
    timed = []
    for _ in range(ROUNDS):
        reset()
        gc.collect()
        with Timed() as one:
            work()
        timed.append((one.wall * 1e3, one.thread * 1e3, one.all * 1e3))
    return [statistics.median(column) for column in zip(*timed)]


def show(name, measured, bound, note=""):
    wall, thread, _ = measured
    print(
        f"  {name:<40} {thread:9.1f} ms CPU {thread / bound[1]:7.2f} x {wall:9.1f} ms {wall / bound[0]:7.2f} x  {note}"
    )


def peak():
    """Largest resident size so far, bytes; reset where the system allows it."""
    try:
        text = Path("/proc/self/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
        Path("/proc/self/clear_refs").write_text("5")
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return 0


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peers(state, folder, bound):
    """What others take to save the same state: (name, stall)."""
    model, optimizer = state["model"], state["optimizer"]

    def saved():
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}

    show("torch.save", rounds(lambda: torch.save(saved(), folder / "a.pt")), bound)
    try:
        from safetensors.torch import save_file

        flat = {f"m{i}": p.data for i, p in enumerate(model.parameters())}
        for i, values in enumerate(optimizer.state.values()):
            flat.update({f"o{i}{name}": value for name, value in values.items()})
        show("safetensors save_file", rounds(lambda: save_file(flat, folder / "a.safetensors")), bound)
    except ImportError:
        print("  safetensors is not installed")
    if "--alone" in sys.argv:
        return
    told = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # each step of each request is told on stderr
        os.dup2(nowhere.fileno(), 2)
    try:
        distributed(saved, folder, bound)
    finally:
        os.dup2(told, 2)


def distributed(saved, folder, bound):
    """torch.distributed.checkpoint in a group of one."""
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.checkpoint.state_dict_saver import AsyncCheckpointerType

    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29541")
    if not dist.is_initialized():
        dist.init_process_group("gloo", rank=0, world_size=1)
    show("dcp.save", rounds(lambda: dcp.save(saved(), checkpoint_id=folder / "dcp")), bound)
    for kind in (AsyncCheckpointerType.THREAD, AsyncCheckpointerType.PROCESS):
        waiting = []

        def save(kind=kind, waiting=waiting):
            waiting.append(
                dcp.async_save(
                    saved(),
                    checkpoint_id=folder / f"dcp-{kind.value}",
                    async_checkpointer_type=kind,
                )
            )

        def wait(waiting=waiting):
            while waiting:
                waiting.pop().result()

        try:
            show(f"dcp.async_save, {kind.value}", rounds(save, wait), bound)
            wait()
        except Exception as error:  # noqa: BLE001 - whatever a peer does, the table goes on
            print(f"  dcp.async_save, {kind.value}: {error!r}")


def restores(state, folder, tensors):
    """G8: putting a state back into live tensors."""
    model, optimizer = state["model"], state["optimizer"]
    raw = folder / "raw"
    raw.write_bytes(b"".join(tensor.numpy().tobytes() for tensor in tensors))
    views = [memoryview(tensor.view(-1).view(torch.uint8).numpy()) for tensor in tensors]

    def preadv():
        descriptor = os.open(raw, os.O_RDONLY)
        for start in range(0, len(views), 512):
            part = views[start : start + 512]
            offset = sum(len(view) for view in views[:start])
            os.preadv(descriptor, part, offset)
        os.close(descriptor)

    def load(**how):
        saved = torch.load(folder / "a.pt", **how)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])

    def disturb():
        with torch.no_grad():
            for tensor in tensors:
                tensor.add_(1)

    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, folder / "a.pt")
    florc = rounds(lambda: _florc._put_back(state, folder / "a.pack"), disturb)
    plain = rounds(lambda: _florc._put_back(state, folder / "plain.pack"), disturb)
    bound = rounds(preadv, disturb)
    print("\n  restore")
    show("preadv into live tensors", bound, bound)
    show("florc, compressed", florc, bound)
    show("florc, as it is", plain, bound)
    show("torch.load + load_state_dict", rounds(load), bound)
    show("torch.load(mmap=True) + load_state_dict", rounds(lambda: load(mmap=True)), bound)


def measure(megabytes):
    model, optimizer = network(megabytes)
    state = {"model": model, "optimizer": optimizer}
    tensors = [p.data for p in model.parameters()]
    tensors += [value for values in optimizer.state.values() for value in values.values()]
    size = sum(tensor.nbytes for tensor in tensors)
    print(f"\nstate of {size / 1e6:.0f} MB in {len(tensors)} tensors; ratios are to the first line of each table")
    before = resident()
    peak()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for _ in range(3):
            _florc._rehearse(state, folder / "a.pack")
        extra = peak() - before
        whole = rounds(lambda: _florc._rehearse(state, folder / "a.pack"))
        stored = _florc._rehearse(state, folder / "a.pack")[5]
        plain = rounds(lambda: _florc._rehearse(state, folder / "plain.pack", compressed=False))
        stall = rounds(lambda: _florc._rehearse(state, None))
        pool = [torch.empty_like(tensor).copy_(tensor) for tensor in tensors]
        bound = rounds(lambda: [to.copy_(tensor) for to, tensor in zip(pool, tensors)])
        del pool
        print("  stall")
        show("memcpy of all tensors", bound, bound)
        show("florc: walk and copy", stall, bound, "G1: 1.15 x by CPU, 1.3 x by wall")
        peers(state, folder, bound)
        saved = (folder / "a.pt").stat().st_size
        restores(state, folder, tensors)
        print(f"\n  G5 cost of all threads, compressed       {whole[2] / 1e3 / (size / 1e9):6.2f} CPU-s/GB (aim 1.5)")
        print(f"     cost of all threads, as it is          {plain[2] / 1e3 / (size / 1e9):6.2f} CPU-s/GB")
        print(f"  G7 bytes over torch.save                 {stored / saved:6.3f} (aim 0.82): {stored / 1e6:.1f} MB")
        print(f"  G10 extra memory at the peak             {extra / size:6.2f} x state, {extra / 1e6:.0f} MB (aim 1.0 x + 64 MB)")


def available():
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn", force=True)
    torch.set_num_threads(1)
    wanted = [int(word) for word in sys.argv[1:] if word.isdigit()] or [106] + [1030] * (available() > 8e9)
    for each in wanted:
        measure(each)
