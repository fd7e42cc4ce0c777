"""Trackers of experiments: what they are told is recorded, and a replay sends nothing.

The trackers are small stand-ins that raise when a replay sends something.
"""

import json

import pytest
from test_hooks_session import PLAIN, check, florc, record

HEAD = "import os\n\ndef sent(*_args, **_kwargs):\n    if os.environ.get('SWANLAB_MODE') == 'disabled':\n        raise RuntimeError('sent in a replay')\n\n"
MODULES = {
    "wandb": HEAD + "class Run:\n    log = sent\n\nlog = sent\n\ndef init(mode='online'):\n    if mode != 'disabled':\n        sent()\n    return Run()\n",
    "mlflow": HEAD + "log_metric = log_metrics = sent\n\ndef set_tracking_uri(uri):\n    sent()\n",
    "swanlab": HEAD + "log = sent\n\ndef init(mode='cloud'):\n    if mode != 'disabled':\n        sent()\n",
    "trackio": HEAD + "log = sent\n\ndef init(space_id='x'):\n    if space_id:\n        sent()\n",
    "comet_ml": HEAD + "class Experiment:\n    log_metric = log_metrics = sent\n\n    def __init__(self, disabled=False):\n        if not disabled:\n            sent()\n",
    "neptune": HEAD + "class Series:\n    append = sent\n\nclass Run:\n    def __getitem__(self, key):\n        return Series()\n\ndef init_run(mode='async'):\n    if mode != 'debug':\n        sent()\n    return Run()\n",
    "tensorboardX": HEAD + "class SummaryWriter:\n    add_scalar = add_scalars = add_histogram = sent\n",
}  # fmt: skip
CALLS = {
    "wandb": ("import wandb\nrun = wandb.init()\n", "wandb.log({'a': loss}, step=epoch)\n    run.log({'b': loss, 'c': 1})", {"a", "step", "b", "c"}),
    "mlflow": ("import mlflow\nmlflow.set_tracking_uri('x')\n", "mlflow.log_metric('a', loss, step=epoch)\n    mlflow.log_metrics({'b': loss}, step=epoch)", {"a", "b", "step"}),
    "swanlab": ("import swanlab\nswanlab.init()\n", "swanlab.log({'a': loss})", {"a"}),
    "trackio": ("import trackio\ntrackio.init()\n", "trackio.log({'a': loss})", {"a"}),
    "comet_ml": ("import comet_ml\nexp = comet_ml.Experiment()\n", "exp.log_metric('a', loss)\n    exp.log_metrics({'b': loss})", {"a", "b"}),
    "neptune": ("import neptune\nrun = neptune.init_run()\n", "run['train/a'].append(loss)", {"train/a"}),
    "tensorboardX": ("import tensorboardX\nboard = tensorboardX.SummaryWriter()\n", "board.add_scalar('a', loss, epoch)\n    board.add_scalars('b', {'x': loss}, epoch)\n    board.add_histogram(tag='h', values=[1])", {"a", "epoch", "b/x", "h"}),
}  # fmt: skip


def script(before, calls):
    return f"{before}w = [0.0]\nfor epoch in range(4):\n    for x in range(4):\n        w[0] += x * epoch + 0.5\n    loss = w[0]\n    {calls}\n    print('probe', loss)\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """`project(name=text, …)` gives an empty project; the modules are installed elsewhere."""

    def make(**modules):
        site, folder = tmp_path / "site", tmp_path / f"project-{'-'.join(modules)}"
        site.mkdir(exist_ok=True), folder.mkdir()
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
        monkeypatch.setitem(PLAIN, "PYTHONPATH", str(site))
        return folder

    return make


def names(folder):
    ran = florc(folder, "logs", "--format", "json")
    return {row["name"] for row in json.loads(ran.stdout)}


@pytest.mark.parametrize("tracker", MODULES)
def test_a_replay_sends_nothing(project, tracker):
    before, calls, _ = CALLS[tracker]
    check(project(**{tracker: MODULES[tracker]}), script(before, calls))


def test_values_have_their_names(project):
    for tracker, (before, calls, expected) in CALLS.items():
        folder = project(**{tracker: MODULES[tracker]})
        ran = record(folder, script(before, calls))
        assert ran.returncode == 0, ran.stderr
        assert expected <= names(folder), tracker


def test_a_wrapper_of_the_user_runs(tmp_path):
    """Only calls of trackers are left out, not those of a class that wraps one."""
    text = "class Writer:\n    def __init__(self):\n        self.rows = []\n\n    def add_scalar(self, name, value, step):\n        self.rows.append(value)\n\nwriter = Writer()\nw = [0.0]\nfor epoch in range(4):\n    for x in range(4):\n        w[0] += x\n    writer.add_scalar('a', w[0], epoch)\n    print('probe', writer.rows)\n"
    check(tmp_path, text)


OTHERS = {
    "tqdm": ("class tqdm:\n    def __init__(self, items):\n        self.items = items\n\n    def __iter__(self):\n        return iter(self.items)\n\n    def set_postfix(self, ordered_dict=None, refresh=True, **values):\n        pass\n\n    set_description = set_postfix\n", "import tqdm\nbar = tqdm.tqdm(range(3))\nfor i in bar:\n    bar.set_postfix(loss=i / 2, refresh=False)\n    bar.set_description(f'at {i}')\n", {"loss", "i"}),
    "loguru": ("class Logger:\n    def info(self, text, *args):\n        print(text.format(*args))\n\nlogger = Logger()\n", "from loguru import logger\nfor i in range(2):\n    logger.info('at {}', i * 2)\n", {"i * 2"}),
}  # fmt: skip


@pytest.mark.parametrize("module", OTHERS)
def test_texts_and_values_of_other_calls(project, module):
    text, program, expected = OTHERS[module]
    folder = project(**{module: text})
    ran = record(folder, program)
    assert ran.returncode == 0, ran.stderr
    assert expected <= names(folder)


def test_rows_of_a_table(tmp_path):
    text = "import csv, sys\nwith open('m.csv', 'w') as file:\n    table = csv.writer(file)\n    for epoch in range(2):\n        loss = epoch / 2\n        table.writerow([epoch, loss, f'{loss:.1f}'])\n        sys.stdout.write(f'{loss}\\n')\n"
    ran = record(tmp_path, text)
    assert (ran.returncode, ran.stdout) == (0, "0.0\n0.5\n")
    assert {"epoch", "loss"} <= names(tmp_path)
