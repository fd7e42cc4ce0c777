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
WIDTH, LENGTH = 192, 16

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(256, WIDTH)
        self.first = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.mix = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.out = nn.Linear(WIDTH, 256)

    def forward(self, batch):
        hidden = self.embed(batch)
        hidden = hidden + self.first(hidden)[0]
        return self.out(hidden + self.mix(hidden))

model = Model().to(dtype)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
print(3 * sum(p.numel() * p.element_size() for p in model.parameters()))

def step():
    at = torch.randint(0, len(text) - LENGTH - 1, (8,))
    batch = torch.stack([text[i : i + LENGTH + 1] for i in at])
    loss = nn.functional.cross_entropy(model(batch[:, :-1]).float().flatten(0, 1), batch[:, 1:].flatten())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()

for epoch in range(6):
    for _ in range(STEPS if epoch else 100):
        loss = step()
    print(epoch, loss)
'''


def record(folder, steps, dtype, *options):
    """(stored bytes, processor seconds) of each end of an epoch, and bytes of weights and moments."""
    store = folder / f"store-{len(options)}"
    environment = {**os.environ, "FLORC_DIR": str(store)}
    florc = [str(Path(sys.executable).parent / "florc")]
    ran = subprocess.run(
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
    ends = [it for it in records if "block" in it["cut"]]
    return [(it["stored_bytes"], it["background_seconds"]) for it in ends[1:]], int(ran.stdout.split()[0])


def measure(dtype, steps):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "train.py").write_text(SCRIPT)
        whole, state = record(folder, steps, dtype, "--max-storage", "100GB")
        # one waits for the other, so that there is time for all of them
        differences, _ = record(folder, steps, dtype, "--memory", "1MB")
    (all_bytes, all_seconds), (size, seconds) = ([sum(column) for column in zip(*rows)] for rows in (whole, differences))
    raw = state * len(whole)
    print(
        f"{dtype:<9} {steps:4} steps apart, of raw: whole {all_bytes / raw:.3f}, differences {size / raw:.3f}"
        f" ({size / all_bytes - 1:+.1%}); {seconds / all_seconds:.2f} x processor time",
        flush=True,
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    dtypes = [f"{'float32' if word == 'fp32' else 'bfloat16'}" for word in words if not word.isdigit()]
    steps = [int(word) for word in words if word.isdigit()]
    for each in dtypes or ["float32", "bfloat16"]:
        for count in steps or [1, 10, 100]:
            measure(each, count)
