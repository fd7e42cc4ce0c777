"""What differences between checkpoints save: a small language model, recorded with and without them.

    space.py                fp32 and bf16; 1, 10 and 100 steps an epoch
    space.py fp32 10        one of them

`--max-storage` stores every chunk whole, so a run that is bounded by more than there is shows what differences save. Sizes and
processor seconds are of the ends of the epochs but for the first, which is whole either way.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = '''
import sys, sysconfig
from pathlib import Path
import torch, torch.nn as nn

STEPS, dtype = int(sys.argv[1]), getattr(torch, sys.argv[2])
torch.manual_seed(0)
torch.set_num_threads(1)
files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:60]
text = torch.tensor(list(b"".join(file.read_bytes() for file in files)))
WIDTH, LENGTH = 192, 32

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(256, WIDTH)
        self.layers = nn.ModuleList(nn.GRU(WIDTH, WIDTH, batch_first=True) for _ in range(2))
        self.mix = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.out = nn.Linear(WIDTH, 256)

    def forward(self, batch):
        hidden = self.embed(batch)
        for layer in self.layers:
            hidden = hidden + layer(hidden)[0]
        return self.out(hidden + self.mix(hidden))

model = Model().to(dtype)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)

def step():
    at = torch.randint(0, len(text) - LENGTH - 1, (8,))
    batch = torch.stack([text[i : i + LENGTH + 1] for i in at])
    loss = nn.functional.cross_entropy(model(batch[:, :-1]).float().flatten(0, 1), batch[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

for _ in range(100):
    step()
for epoch in range(6):
    for _ in range(STEPS):
        loss = step()
    print(epoch, loss)
'''


def record(folder, steps, dtype, *options):
    """(stored bytes, raw bytes, processor seconds) of each end of an epoch."""
    store = folder / f"store-{len(options)}"
    environment = {**os.environ, "FLORC_DIR": str(store)}
    florc = [str(Path(sys.executable).parent / "florc")]
    subprocess.run(
        [*florc, "run", "--checkpoints", "all", *options, "train.py", str(steps), dtype],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    shown = subprocess.run(
        [*florc, "show", "latest", "--format", "json"], cwd=folder, env=environment, check=True, capture_output=True
    )
    records = json.loads(shown.stdout)["checkpoint_records"]
    ends = [it for it in records if "block" in str(it["cut"]).lower()]
    return [(it["stored_bytes"], it["raw_bytes"], it["background_seconds"]) for it in ends[1:]]


def measure(dtype, steps):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "train.py").write_text(SCRIPT)
        whole = record(folder, steps, dtype, "--max-storage", "100GB")
        differences = record(folder, steps, dtype)

    def sums(rows):
        return [sum(column) for column in zip(*rows)]

    (all_bytes, raw, all_seconds), (bytes_, _, seconds) = sums(whole), sums(differences)
    print(
        f"{dtype:<9} {steps:4} steps apart   of raw: whole {all_bytes / raw:.3f}, differences {bytes_ / raw:.3f}"
        f"   {bytes_ / all_bytes - 1:+.1%} bytes, {seconds / all_seconds:.2f} x processor time", flush=True
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    dtypes = [f"{'float32' if word == 'fp32' else 'bfloat16'}" for word in words if not word.isdigit()]
    steps = [int(word) for word in words if word.isdigit()]
    for each in dtypes or ["float32", "bfloat16"]:
        for count in steps or [1, 10, 100]:
            measure(each, count)
