"""Training loops go on bit for bit from any epoch, in a process that has only run the preamble."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from florc._florc import _capture_bytes, _describe_bytes, _restore_bytes
from torch import nn

EPOCHS = 5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(6, 12)
        self.norm = nn.BatchNorm1d(12)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.norm(self.embed(x)))))


class Data(torch.utils.data.Dataset):
    """Draws its augmentation from a generator of its own."""

    def __init__(self):
        self.x = np.random.default_rng(1).normal(size=(40, 6)).astype("float32")
        self.rng = np.random.default_rng(2)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index] + self.rng.normal(0, 0.1, 6).astype("float32"), index % 3


def preamble(optimizer, scheduler):
    torch.manual_seed(0)
    data = Data()
    model = Net()
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    generator = torch.Generator().manual_seed(4)
    return {
        "model": model,
        "optimizer": optimizer,
        "scheduler": SCHEDULERS[scheduler](optimizer),
        "scaler": torch.amp.GradScaler("cpu", enabled=False),
        "loader": torch.utils.data.DataLoader(data, batch_size=8, shuffle=True),
        "other": torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, generator=generator),
        "history": [],
        "best": None,
        "loss": None,
        "average": torch.optim.swa_utils.AveragedModel(model),
    }


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-2),
    "adamw-fused": lambda p: torch.optim.AdamW(p, lr=1e-2, fused=True, amsgrad=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-2, momentum=0.5),
    "lbfgs": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=3),
}

SCHEDULERS = {
    "onecycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=100, cycle_momentum=False),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 7),
    "lambda": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: 0.99**step),
    "sequential": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o, [torch.optim.lr_scheduler.ConstantLR(o), torch.optim.lr_scheduler.StepLR(o, 3)], [4]
    ),
}


def epoch(state):
    model, optimizer = state["model"], state["optimizer"]
    for loader in (state["loader"], state["other"]):
        for x, y in loader:

            def closure():
                optimizer.zero_grad()
                state["loss"] = nn.functional.cross_entropy(model(x + 0.1 * torch.randn_like(x)), y)
                state["loss"].backward()
                return state["loss"]

            state["loss"] = optimizer.step(closure)
            state["scheduler"].step()
            state["average"].update_parameters(model)
            state["history"].append(state["loss"].item())
    if state["best"] is None or state["history"][-1] < state["best"]["loss"]:
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        state["best"] = {"loss": state["history"][-1], "weights": weights}


def resume(path, start, optimizer, scheduler):
    """Runs in a fresh process."""
    with open(path, "rb") as file:
        saved = pickle.load(file)
    state = preamble(optimizer, scheduler)
    objects = dict(state)
    weight = state["model"].embed.weight
    state.update(_restore_bytes(saved[start], state))
    for name in ("model", "optimizer", "scheduler", "loader", "history", "average"):
        assert state[name] is objects[name], name
    assert state["model"].embed.weight is weight
    assert state["optimizer"].param_groups[0]["params"][0] is weight
    assert list(state["optimizer"].state)[0:1] in ([], [weight])
    assert hashed(state) == _describe_bytes(saved[start])[0]
    for _ in range(start, EPOCHS):
        epoch(state)
    assert hashed(state) == _describe_bytes(saved[EPOCHS])[0]


def hashed(state):
    return _describe_bytes(_capture_bytes(state))[0]


CASES = [
    ("adamw", "onecycle"),
    ("adamw-fused", "cosine"),
    ("sgd", "lambda"),
    ("rmsprop", "sequential"),
    ("lbfgs", "onecycle"),
]


def train(path, optimizer, scheduler):
    """Runs in a fresh process too: what other tests imported and called is no part of the state."""
    state, saved = preamble(optimizer, scheduler), []
    for _ in range(EPOCHS):
        saved.append(_capture_bytes(state))
        epoch(state)
    saved.append(_capture_bytes(state))
    assert _describe_bytes(saved[2])[2] == []
    with open(path, "wb") as file:
        pickle.dump(saved, file)


def fresh(*calls):
    script = f"import sys; sys.path[:0] = {sys.path!r}\nimport {__name__.rpartition('.')[2]} as t\n"
    script += "".join(f"t.{call}\n" for call in calls)
    source = __file__.rpartition("/")[0]
    done = subprocess.run([sys.executable, "-c", script], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("optimizer", "scheduler"), CASES)
def test_resume_from_any_epoch_in_a_fresh_process(tmp_path, optimizer, scheduler):
    path = str(tmp_path / "saved")
    fresh(f"train({path!r}, {optimizer!r}, {scheduler!r})")
    starts = range(EPOCHS) if optimizer == "adamw" else [2]
    fresh(*(f"resume({path!r}, {start}, {optimizer!r}, {scheduler!r})" for start in starts))


def test_the_plain_run_is_not_disturbed():
    plain, watched = preamble("adamw", "onecycle"), None
    epoch(plain)
    epoch(plain)
    watched = preamble("adamw", "onecycle")
    for _ in range(2):
        _capture_bytes(watched)
        epoch(watched)
    assert watched["history"] == plain["history"]


def test_the_wrapped_step_survives():
    state = preamble("adamw", "onecycle")
    saved = _capture_bytes(state)
    step = state["optimizer"].step
    _restore_bytes(saved, state)
    assert state["optimizer"].step is step and step._wrapped_by_lr_sched


def test_an_iterating_loader_is_captured():
    state = preamble("adamw", "onecycle")
    state["batches"] = iter(state["loader"])
    assert _describe_bytes(_capture_bytes(state))[2] == []


def test_forward_hooks_and_recurrent_layers():
    torch.manual_seed(0)
    seen = []

    def note(module, inputs, output):
        seen.append(type(module).__name__)

    def make():
        torch.manual_seed(1)
        layer = nn.LSTM(3, 4, num_layers=2)
        layer.register_forward_hook(note)
        return layer

    value, live = make(), make()
    with torch.no_grad():
        for parameter in value.parameters():
            parameter.add_(1)
    saved = _capture_bytes({"layer": value, "seen": seen})
    made = _restore_bytes(saved, {"layer": live, "seen": seen})["layer"]
    assert made is live
    x = torch.randn(5, 2, 3)
    assert torch.equal(made(x)[0], value(x)[0])
    assert seen == ["LSTM", "LSTM"]


def test_a_model_made_during_training():
    torch.manual_seed(0)
    value = {"teacher": Net().eval().requires_grad_(False)}
    made = _restore_bytes(_capture_bytes({"value": value}), {"value": {"teacher": None}})["value"]
    x = torch.randn(4, 6)
    assert torch.equal(made["teacher"](x), value["teacher"](x))
    assert not made["teacher"].training and not made["teacher"].embed.weight.requires_grad


def test_an_optimizer_made_during_training():
    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(4, 6)).sum().backward()
    optimizer.step()
    made = _restore_bytes(_capture_bytes({"m": model, "o": optimizer}), {"m": Net(), "o": None})
    for network, stepper in ((model, optimizer), (made["m"], made["o"])):
        torch.manual_seed(3)
        network(torch.randn(4, 6)).sum().backward()
        stepper.step()
    assert torch.equal(model.embed.weight, made["m"].embed.weight)


def test_what_a_compiled_model_knows_of_its_process_stays():
    def compiled():
        torch.manual_seed(1)
        return {"forward": torch.compile(nn.Linear(3, 2))}

    one, other = compiled(), compiled()
    assert hashed(one) == hashed(other)
    with torch.no_grad():
        other["forward"].weight.add_(1)
    _restore_bytes(_capture_bytes(one), other)
    wrapper = getattr(other["forward"], "_torchdynamo_wrapper_id", None)
    assert hashed(one) == hashed(other) and wrapper in (None, id(other["forward"]))
