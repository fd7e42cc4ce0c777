"""Stall of one checkpoint, beside a memcpy and a torch.save of the same bytes in the same run.

The state is a multi-layer perceptron with AdamW moments, about 106 MB in 50 tensors.
"""

import json
import subprocess
import statistics
import sys
import tempfile
from pathlib import Path

FLORC = Path(sys.executable).with_name("florc")

SCRIPT = '''
import io, json, os, time
import torch
import torch.nn as nn

torch.manual_seed(0)
model = nn.Sequential(*[nn.Linear(1050, 1050) for _ in range(8)])
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
for epoch in range(10):
    for step in range(2):
        optimizer.zero_grad()
        loss = model(torch.randn(64, 1050)).square().mean()
        loss.backward()
        optimizer.step()
    print("epoch", epoch)

tensors = [p.data for p in model.parameters()]
tensors += [t for s in optimizer.state.values() for t in s.values()]
pool = [torch.empty_like(t).copy_(t) for t in tensors]
copies, saves = [], []
for _ in range(7):
    begun = time.perf_counter()
    for target, source in zip(pool, tensors):
        target.copy_(source)
    copies.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "reference.pt")
    saves.append(time.perf_counter() - begun)
with open("reference.json", "w") as file:
    json.dump({"copies": copies, "saves": saves, "bytes": sum(t.nbytes for t in tensors)}, file)
'''

with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    (folder / "train.py").write_text(SCRIPT)
    command = [FLORC, "run", "--checkpoints", "all", "train.py"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    shown = subprocess.run([FLORC, "show", "--format", "json"], cwd=folder, check=True, capture_output=True)
    checkpoints = json.loads(shown.stdout)["checkpoint_records"]
    reference = json.loads((folder / "reference.json").read_text())

heads = [c for c in checkpoints if "head" in c["cut"]][2:]
stall = statistics.median(c["stall_seconds"] for c in heads) * 1e3
background = statistics.median(c["background_seconds"] for c in heads) * 1e3
stored = statistics.median(c["stored_bytes"] for c in heads) / 1e6
raw = statistics.median(c["raw_bytes"] for c in heads) / 1e6
copy = statistics.median(reference["copies"]) * 1e3
save = statistics.median(reference["saves"]) * 1e3
print(f"  state {raw:.1f} MB ({reference['bytes'] / 1e6:.1f} MB of parameters and moments)")
print(f"  stall {stall:.1f} ms: {stall / copy:.2f} x memcpy ({copy:.1f} ms), {stall / save:.3f} x torch.save ({save:.1f} ms)")
print(f"  background {background:.1f} ms, stored {stored:.1f} MB")
