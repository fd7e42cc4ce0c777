"""What a checkpoint costs where the state lies on a GPU: stall, copies, restore, and a training that is recorded.

    gpu.py            all of it: about two minutes, and 18 GB on the device and twice that in memory
    gpu.py --small    states up to 1 GB

Times are medians in milliseconds, each beside what the device does at best in the same run.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.nn as nn

from florc import _florc

ROUNDS = 5
FLORC = Path(sys.executable).with_name("florc")


def state_of(gigabytes, tensors):
    """Tensors of two sizes, as weights and biases are."""
    torch.manual_seed(0)
    large = int(gigabytes * 1e9 / 4 / (tensors / 2))
    made = [torch.randn(large if at % 2 else 1024, device="cuda") for at in range(tensors)]
    torch.cuda.synchronize()
    return {"state": made}


def timed(work):
    torch.cuda.synchronize()
    begun = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - begun) * 1e3


def medians(work):
    """Of the columns of what is given back."""
    work()
    return [statistics.median(column) for column in zip(*(work() for _ in range(ROUNDS)))]


def best(size):
    """Milliseconds of a copy within the device and of one to locked memory."""
    source = torch.empty(size, dtype=torch.uint8, device="cuda").random_()
    within, host = torch.empty_like(source), torch.empty(size, dtype=torch.uint8, pin_memory=True)

    def copies(target):
        def copy():
            target.copy_(source, non_blocking=True)
            torch.cuda.synchronize()

        return (timed(copy)[1],)

    return medians(lambda: copies(within))[0], medians(lambda: copies(host))[0]


def aside(state):
    """Walk, putting aside, fetching; bytes."""
    bytes_, walk, begin, bring, _, _ = _florc._rehearse(state, None, aside=True)
    return walk * 1e3, begin * 1e3, bring * 1e3, bytes_


def synchronous(state):
    _, walk, copy, _, _, _ = _florc._rehearse(state, None)
    return walk * 1e3, copy * 1e3


def show(name, milliseconds, bound=None, note=""):
    ratio = f"{milliseconds / bound:7.2f} x" if bound else " " * 9
    print(f"  {name:<52} {milliseconds:10.2f} ms {ratio}  {note}", flush=True)


def copies(gigabytes, tensors):
    gc.collect()
    torch.cuda.empty_cache()
    state = state_of(gigabytes, tensors)
    size = sum(tensor.nbytes for tensor in state["state"])
    print(f"\nstate of {size / 1e6:.0f} MB in {tensors} tensors")
    within, link = best(size) if gigabytes < 10 else [10 * it for it in best(size // 10)]
    show("copy within the device, at best", within, within, f"{size / within / 1e6:.0f} GB/s")
    show("copy to locked memory, at best", link, link, f"{size / link / 1e6:.1f} GB/s")
    first = aside(state)
    show("first fetch: memory is locked on the way", first[2], link)
    walk, begin, bring, _ = medians(lambda: aside(state))
    show("walk", walk)
    show("put aside: the program waits for", begin, None, f"with the walk {walk + begin:.2f} ms")
    show("fetch, in the background", bring, link, f"{size / bring / 1e6:.1f} GB/s")
    walk, copy = medians(lambda: synchronous(state))
    show("copied at once instead: the program waits for", copy, link)
    gc.collect()
    show("`.cpu()` of all tensors", medians(lambda: (timed(lambda: [it.cpu() for it in state["state"]])[1],))[0], link)
    if gigabytes < 10:
        restore(state, size, link)


def restore(state, size, link):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "a.pack"
        stored = _florc._rehearse(state, path)[5]

        def put_back():
            read, put = _florc._put_back(state, path)
            return read * 1e3, put * 1e3

        read, put = medians(put_back)
    show("restore from memory: opening", read, None, f"{stored / size:.2f} of its size")
    show("restore from memory: reading, checking, copying", put, link)


def steps():
    """A training step beside a fetch, over one without."""
    width = 4096
    model = nn.Sequential(*[nn.Linear(width, width) for _ in range(8)]).cuda().to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    data = torch.randn(8192, width, device="cuda", dtype=torch.bfloat16)

    def train(count):
        for _ in range(count):
            optimizer.zero_grad()
            model(data).square().mean().backward()
            optimizer.step()
        torch.cuda.synchronize()

    train(5)
    state = {"model": model, "optimizer": optimizer}
    count, ratios, alone = 20, [], []
    with ThreadPoolExecutor(1) as beside:  # one thread: its memory is locked once
        for _ in range(2):
            size = beside.submit(_florc._rehearse, state, None, aside=True).result()[0]
        for _ in range(ROUNDS):
            alone.append(timed(lambda: train(count))[1])
            fetched = beside.submit(_florc._rehearse, state, None, aside=True)
            ratios.append(timed(lambda: train(count))[1] / alone[-1])
            fetched.result()
    print(f"\n{count} steps of {statistics.median(alone) / count:.2f} ms beside one checkpoint of {size / 1e6:.0f} MB")
    show("over the same steps alone", statistics.median(alone) * statistics.median(ratios), statistics.median(alone))
    print("  single pairs:", " ".join(f"{it:.3f}" for it in ratios))


SCRIPT = """
import json, time
import torch
import torch.nn as nn

torch.manual_seed(0)
width, layers, length = 1024, 6, 512
block = nn.TransformerEncoderLayer(width, 16, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
model = nn.TransformerEncoder(block, layers).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
data = torch.randn(48, length, width, device="cuda")
times = []
for epoch in range(4):
    begun = time.perf_counter()
    total = torch.zeros((), device="cuda")
    for step in range(100):
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = (model(data) - data).square().mean()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    print("epoch", epoch, "loss", total.item() / 100)
    times.append(time.perf_counter() - begun)
with open("loop.json", "w") as file:
    json.dump(times, file)
"""


def recorded(pairs):
    """A training with a checkpoint every 100 steps, over the plain one."""
    ratios, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "train.py").write_text(SCRIPT)

        def loop(command):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            return sum(json.loads((folder / "loop.json").read_text())[1:])  # the first one warms up

        for _ in range(pairs):
            plain.append(loop([sys.executable, "train.py"]))
            ratios.append(loop([FLORC, "run", "--checkpoints", "all", "train.py"]) / plain[-1])
        shown = subprocess.run([FLORC, "show", "--format", "json"], cwd=folder, check=True, capture_output=True)
        taken = json.loads(shown.stdout)["checkpoint_records"]
    heads = [each for each in taken if "head" in each["cut"]]
    print(f"\na checkpoint of {heads[-1]['raw_bytes'] / 1e6:.0f} MB every 100 steps of {statistics.median(plain) / 3 * 10:.1f} ms: {len(heads)} heads, {len(taken)} checkpoints")
    show("the recorded loop over the plain one", statistics.median(plain) * 1e3 * statistics.median(ratios), statistics.median(plain) * 1e3)
    print("  single pairs:", " ".join(f"{it:.4f}" for it in ratios))
    for each in taken:
        print(f"    {json.dumps(each['cut'])[:60]:<62} stall {each['stall_seconds'] * 1e3:8.2f} ms  background {each['background_seconds'] * 1e3:8.0f} ms CPU")


if __name__ == "__main__":
    if not torch.cuda.is_available():
        print("  NOT MEASURED: this machine has no CUDA device")
        sys.exit()
    print(torch.cuda.get_device_name(), "torch", torch.__version__, "CUDA", torch.version.cuda, os.cpu_count(), "cores")
    recorded(2)
    steps()
    copies(1.0, 600)
    copies(0.1, 300)
    if "--small" not in sys.argv:
        copies(18.0, 600)
