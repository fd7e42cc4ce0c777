"""A run that was cut short goes on from its last checkpoint, and ends as if it had never been."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FLORC = Path(sys.executable).with_name("florc")

PLAIN = """\
import collections, random, sys, time
random.seed(int(sys.argv[1]))
history = collections.deque(maxlen=5)
state = {"x": 0.0, "seen": set()}
stamp = time.time()
for epoch in range(12):
    for step in range(4):
        state["x"] += random.random()
        state["seen"].add(random.randrange(100))
        time.sleep(0.003)
    history.append(state["x"])
    print("epoch", epoch, "x", state["x"], flush=True)
print("end", state["x"], sorted(state["seen"]), list(history))
"""

TORCH = """\
import sys, time
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
data = torch.utils.data.TensorDataset(torch.randn(64, 8), torch.randn(64, 1))
loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
average = [p.detach().clone() for p in model.parameters()]
best = float("inf")
for epoch in range(8):
    total = 0.0
    for x, y in loader:
        noise = torch.from_numpy(np.random.randn(*x.shape)).float()
        loss = ((model(x + 0.1 * noise) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for a, p in zip(average, model.parameters()):
            a.mul_(0.9).add_(p.detach(), alpha=0.1)
        total += loss.item()
        time.sleep(0.005)
    schedule.step()
    best = min(best, total)
    print("epoch", epoch, "loss", total, "best", best, flush=True)
print("end", best, schedule.get_last_lr(), [float(a.sum()) for a in average], float(torch.rand(1)))
torch.save(model.state_dict(), sys.argv[1])
"""

FOLDS = """\
import random, time
def train(fold):
    rng = random.Random(fold)
    score = 0.0
    for epoch in range(4):
        for step in range(3):
            score += rng.random()
            time.sleep(0.003)
        print("fold", fold, "epoch", epoch, "score", score, flush=True)
    return score
scores = []
for fold in range(4):
    scores.append(train(fold))
print("end", scores)
"""


def florc(folder, *args, **options):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLORC_")}
    return subprocess.run([str(FLORC), *args], cwd=folder, env=clean | {"OMP_NUM_THREADS": "1"}, timeout=200,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


def cut_short(folder, arguments, lines, wait):
    """Runs until so many lines were printed, and a little longer; whether it was killed."""
    running = subprocess.Popen([str(FLORC), *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    seen = [running.stdout.readline() for _ in range(lines)]
    time.sleep(wait)
    running.send_signal(signal.SIGKILL)
    _, said = running.communicate()
    assert all(seen) or running.returncode == 0, said
    return running.returncode != 0


def rows(folder, run):
    found = json.loads(florc(folder, "logs", run, "--format", "json").stdout)
    return [(row["text"], row["name"], row["value"], row["context"], row["seq"]) for row in found]


def project(folder, script):
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(script)
    return folder


@pytest.mark.parametrize(("kind", "checkpoints"), [
    ("plain", "all"), ("plain", "every=3"), ("plain", "adaptive"), ("torch", "all"),
])
def test_a_run_that_is_killed_again_and_again_ends_as_an_unbroken_one(tmp_path, kind, checkpoints):
    if kind == "torch":
        pytest.importorskip("torch")
    script, argument = (TORCH, "model.pt") if kind == "torch" else (PLAIN, "7")
    unbroken = project(tmp_path / "unbroken", script)
    whole = florc(unbroken, "run", "--checkpoints", "all", "--name", "r", "train.py", argument)
    assert whole.returncode == 0, whole.stderr
    folder = project(tmp_path / "broken", script)
    draw = random.Random(kind + checkpoints)
    overhead = ("--overhead", "1") if checkpoints == "adaptive" else ()
    begun = ("run", "--checkpoints", checkpoints, *overhead, "--name", "r", "train.py", argument)
    assert cut_short(folder, begun, draw.randrange(2, 5), draw.random() * 0.03)
    for _ in range(1 if kind == "torch" else 3):
        if not cut_short(folder, ("run", "--resume", "r"), draw.randrange(1, 3), draw.random() * 0.02):
            break
    ended = florc(folder, "run", "--resume", "r")
    if "it finished" not in ended.stderr:  # else the last one was faster than the kill
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    if kind == "torch":
        assert (folder / "model.pt").read_bytes() == (unbroken / "model.pt").read_bytes()
    assert rows(folder, "r") == rows(unbroken, "r"), "each row once"
    assert florc(folder, "fsck").returncode == 0
    assert len(json.loads(florc(folder, "runs", "--format", "json").stdout)) == 1
    # the run is as good as any other for those who ask later
    (folder / "train.py").write_text(script.replace("    print(", "    print('probe', epoch)\n    print(", 1))
    replayed = florc(folder, "replay")
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout.splitlines() == [f"probe {epoch}" for epoch in range(whole.stdout.count("epoch"))]


def test_a_main_loop_that_is_entered_again_goes_on_in_the_last_entry(tmp_path):
    whole = florc(project(tmp_path / "unbroken", FOLDS), "run", "--checkpoints", "all", "train.py")
    folder = project(tmp_path / "broken", FOLDS)
    assert cut_short(folder, ("run", "--checkpoints", "all", "train.py"), 10, 0.005)
    ended = florc(folder, "run", "--resume", "latest")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    assert rows(folder, "latest") == rows(tmp_path / "unbroken", "latest")


def test_an_exception_is_a_cut_as_well(tmp_path):
    script = PLAIN.replace("    history", "    import os\n    if epoch == 6 and not os.path.exists('fixed'):\n"
                           "        raise OSError('disk')\n    history")
    folder = project(tmp_path / "broken", script)
    assert florc(folder, "run", "--checkpoints", "all", "train.py", "7").returncode == 1
    (folder / "fixed").touch()
    ended = florc(folder, "run", "--resume", "latest")
    assert ended.returncode == 0, ended.stderr
    plain = subprocess.run([sys.executable, "train.py", "7"], cwd=folder, capture_output=True, text=True).stdout
    assert ended.stdout.splitlines()[-1] == plain.splitlines()[-1]
    assert ended.stdout.splitlines()[0].startswith("epoch 5"), "the iteration before proves the state"


def test_what_cannot_be_gone_on_with_is_refused_and_unchanged(tmp_path):
    folder = project(tmp_path, PLAIN)
    assert florc(folder, "run", "--checkpoints", "all", "train.py", "1").returncode == 0
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "it finished" in refused.stderr and refused.stdout == ""
    assert cut_short(folder, ("run", "--checkpoints", "none", "train.py", "1"), 3, 0)
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "no checkpoint" in refused.stderr and refused.stdout == ""
    assert cut_short(folder, ("run", "--checkpoints", "all", "train.py", "1"), 3, 0)
    before = rows(folder, "latest")
    (folder / "train.py").write_text(PLAIN.replace("range(4)", "range(5)"))
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "`train.py` is not as it was" in refused.stderr
    assert rows(folder, "latest") == before
    assert florc(folder, "run", "--resume", "latest", "train.py").returncode == 2


def test_a_state_that_cannot_be_put_back_ends_the_process(tmp_path):
    script = PLAIN.replace("history =", "numbers = (n for n in range(1000))\nhistory =").replace(
        '"x"] += random', '"x"] += next(numbers) + random')
    folder = project(tmp_path, script)
    assert cut_short(folder, ("run", "--checkpoints", "all", "train.py", "1"), 5, 0)
    before = rows(folder, "latest")
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "not gone on with" in refused.stderr, refused.stderr
    assert refused.stdout == "", "what stands after the loop does not run"
    assert "epoch" not in refused.stdout and rows(folder, "latest") == before


def test_a_setting_that_no_checkpoint_sees_ends_the_process(tmp_path):
    script = PLAIN.replace("for epoch", "import gc\nfor epoch", 1).replace(
        "    history", "    if epoch == 1:\n        gc.set_threshold(3000)\n"
        "    state['d'] = gc.get_threshold()[0]\n    history")
    folder = project(tmp_path, script)
    assert cut_short(folder, ("run", "--checkpoints", "all", "train.py", "1"), 6, 0)
    before = rows(folder, "latest")
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "came out otherwise" in refused.stderr, refused.stderr
    assert rows(folder, "latest") == before


def test_other_inputs_end_the_process(tmp_path):
    script = PLAIN.replace("range(12)", "range(int(open('epochs').read()))")
    folder = project(tmp_path, script)
    (folder / "epochs").write_text("12")
    assert cut_short(folder, ("run", "--checkpoints", "all", "train.py", "1"), 9, 0)
    (folder / "epochs").write_text("3")
    refused = florc(folder, "run", "--resume", "latest")
    assert refused.returncode == 2 and "not gone on with" in refused.stderr, refused.stderr
    assert refused.stdout == "", "what stands after the loop does not run"
