//! The knowledge files at work.

use super::check;

const TORCH: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch.utils.data import DataLoader, TensorDataset\nx = torch.ones(4, 2)\ny = torch.zeros(4)\nmodel = nn.Sequential(nn.Linear(2, 2), nn.ReLU())\nopt = torch.optim.AdamW(model.parameters())\n";

#[track_caller]
fn torch(body: &str, expected: &str) {
    check(&format!("{TORCH}{body}"), "", expected);
}

#[test]
fn an_optimizer_step_changes_the_model() {
    torch(
        "for i in range(2):\n    opt.step()\n",
        "bound: i\nmutated: model opt",
    );
}
#[test]
fn backward_changes_the_model_and_not_the_data() {
    torch(
        "for i in range(2):\n    loss = F.mse_loss(model(x).sum(1), y)\n    loss.backward()\n",
        "bound: i loss\nmutated: model opt\nhidden: rng:torch",
    );
}
#[test]
fn a_tensor_that_wants_gradients_gets_them() {
    torch(
        "w = torch.ones(2, requires_grad=True)\nfor i in range(2):\n    (w * x).sum().backward()\n",
        "bound: i\nmutated: w",
    );
    torch(
        "w = torch.ones(2)\nw.requires_grad_()\nfor i in range(2):\n    (w * x).sum().backward()\n",
        "bound: i\nmutated: w",
    );
}
#[test]
fn a_model_without_state_is_not_changed_by_a_call() {
    torch(
        "for i in range(2):\n    out = model(x)\n",
        "bound: i out\nhidden: rng:torch",
    );
}
#[test]
fn batch_norm_changes_on_a_call() {
    torch(
        "bn = nn.BatchNorm1d(2)\nnet = nn.Sequential(bn)\nfor i in range(2):\n    net(x)\n",
        "bound: i\nmutated: bn net\nhidden: rng:torch",
    );
}
#[test]
fn in_place_activations_change_their_input() {
    torch(
        "act = nn.ReLU(inplace=True)\nfor i in range(2):\n    act(x)\n    F.relu(y, inplace=True)\n",
        "bound: i\nmutated: x y\nhidden: rng:torch",
    );
}
#[test]
fn a_trailing_underscore_is_in_place() {
    torch(
        "view = x.view(8)\nfor i in range(2):\n    view.mul_(2)\n",
        "bound: i\nmutated: view x",
    );
}
#[test]
fn parameters_are_parts_of_the_model() {
    torch(
        "with torch.no_grad():\n    for p in model.parameters():\n        p.data -= 0.1 * p.grad\n",
        "bound: p\nmutated: model opt p",
    );
}
#[test]
fn settings_of_a_with_statement_end_with_it() {
    torch(
        "for i in range(2):\n    with torch.no_grad():\n        n = model[0].weight.norm()\n",
        "bound: i n",
    );
    torch(
        "for i in range(2):\n    torch.set_grad_enabled(False)\n",
        "bound: i\nhidden: device",
    );
}
#[test]
fn initialisation_draws_and_writes() {
    torch(
        "for i in range(2):\n    nn.init.normal_(model[0].weight)\n",
        "bound: i\nmutated: model opt\nhidden: rng:torch",
    );
}
#[test]
fn loaders_give_new_batches() {
    torch(
        "loader = DataLoader(TensorDataset(x, y), shuffle=True)\nfor a, b in loader:\n    a.add_(1)\n",
        "bound: a b\nmutated: a b\nhidden: rng:torch",
    );
}
#[test]
fn a_loaders_generator_advances() {
    torch(
        "g = torch.Generator()\nloader = DataLoader(TensorDataset(x, y), generator=g)\nfor a, b in loader:\n    pass\n",
        "bound: a b\nmutated: g loader\nhidden: rng:torch",
    );
}
#[test]
fn a_loader_runs_the_data_set() {
    check(
        "import torch\nfrom torch.utils.data import DataLoader, Dataset\nseen = []\nclass D(Dataset):\n    def __len__(self): return 3\n    def __getitem__(self, i):\n        seen.append(i)\n        return i\nfor b in DataLoader(D()):\n    pass\n",
        "",
        "bound: b\nmutated: seen\nhidden: rng:torch",
    );
}
#[test]
fn a_user_module_runs_its_forward() {
    check(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(2, 2)\n        self.calls = 0\n    def forward(self, x):\n        self.calls += 1\n        return self.fc(x)\nnet = Net()\nx = torch.ones(2)\nfor i in range(2):\n    out = net(x)\n",
        "",
        "bound: i out\nmutated: net",
    );
}
#[test]
fn hooks_run_with_the_module() {
    torch(
        "seen = []\ndef hook(m, i, o):\n    seen.append(o)\nmodel.register_forward_hook(hook)\nfor i in range(2):\n    model(x)\n",
        "bound: i\nmutated: seen\nhidden: rng:torch",
    );
}
#[test]
fn state_dicts_share_with_the_model() {
    torch(
        "state = model.state_dict()\nfor i in range(2):\n    opt.step()\n",
        "bound: i\nmutated: model opt state",
    );
    torch(
        "state = {k: v.clone() for k, v in model.state_dict().items()}\nfor i in range(2):\n    opt.step()\n",
        "bound: i\nmutated: model opt",
    );
}
#[test]
fn loading_a_state_dict() {
    torch(
        "for i in range(2):\n    model.load_state_dict(torch.load('f'))\n",
        "bound: i\nmutated: model opt\nhidden: files",
    );
}
#[test]
fn gradient_clipping_and_scaling() {
    torch(
        "scaler = torch.amp.GradScaler()\nfor i in range(2):\n    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    scaler.update()\n",
        "bound: i\nmutated: model opt scaler",
    );
}
#[test]
fn numpy_generators_advance() {
    check(
        "import numpy as np\nrng = np.random.default_rng(0)\na = np.zeros(3)\nfor i in range(2):\n    b = a + rng.normal(size=3)\n",
        "",
        "bound: b i\nmutated: rng",
    );
}
#[test]
fn numpy_shares_memory_with_torch() {
    check(
        "import numpy as np, torch\na = np.zeros(3)\nt = torch.from_numpy(a)\nfor i in range(2):\n    t.add_(1)\n",
        "",
        "bound: i\nmutated: a t",
    );
    check(
        "import numpy as np, torch\nt = torch.zeros(3)\na = t.numpy()\nfor i in range(2):\n    a[0] = 1\n",
        "",
        "bound: i\nmutated: a t",
    );
}
#[test]
fn legacy_numpy_and_shuffles() {
    check(
        "import numpy as np, random\na = [1]\nb = np.zeros(2)\nfor i in range(2):\n    np.random.shuffle(b)\n    random.shuffle(a)\n",
        "",
        "bound: i\nmutated: a b\nhidden: rng:numpy rng:random",
    );
}
#[test]
fn out_arguments_are_written() {
    check(
        "import numpy as np\na, b = np.zeros(2), np.zeros(2)\nfor i in range(2):\n    np.exp(a, out=b)\n",
        "",
        "bound: i\nmutated: b",
    );
}
#[test]
fn addresses() {
    check(
        "x = [1]\nfor i in range(2):\n    print(id(x))\n",
        "",
        "bound: i\nhidden: address",
    );
}
#[test]
fn clocks_and_files() {
    check(
        "import time, os\nfor i in range(2):\n    t = time.time()\n    os.makedirs('x')\n",
        "",
        "bound: i t\nhidden: clock files",
    );
}
#[test]
fn logging_keeps_its_arguments() {
    check(
        "import logging\nlog = logging.getLogger('x')\na = [1]\nfor i in range(2):\n    log.info('%s', a)\n    logging.info(a)\n",
        "",
        "bound: i",
    );
}
#[test]
fn progress_bars_pass_items_through() {
    check(
        "from tqdm import tqdm\nrows = [[1]]\nfor row in tqdm(rows, desc='x'):\n    row.append(1)\n",
        "",
        "bound: row\nmutated: row rows\nhidden: files",
    );
}
#[test]
fn deques_and_counters() {
    check(
        "from collections import deque, Counter\nd, c = deque(maxlen=3), Counter()\nfor i in range(2):\n    d.append(i)\n    c['x'] += 1\n",
        "",
        "bound: i\nmutated: c d",
    );
}
#[test]
fn chained_iterators() {
    check(
        "import itertools\na, b = [[1]], [[2]]\nfor x in itertools.chain(a, b):\n    x.append(1)\n",
        "",
        "bound: x\nmutated: a b x",
    );
}
#[test]
fn namespaces_hold_plain_values() {
    check(
        "import argparse\np = argparse.ArgumentParser()\nargs = p.parse_args()\nfor i in range(args.epochs):\n    lr = args.lr * 0.5\n    if args.verbose: print(lr)\n",
        "",
        "bound: i lr",
    );
}
#[test]
fn moving_a_batch_to_a_device() {
    torch(
        "device = torch.device('cpu')\nloader = DataLoader(TensorDataset(x, y))\ntotal = 0\nfor a, b in loader:\n    a, b = a.to(device), b.to(device)\n    total += F.cross_entropy(model(a), b).item() * a.size(0)\n",
        "bound: a b total\nhidden: rng:torch",
    );
}
#[test]
fn sklearn_estimators_learn() {
    check(
        "from sklearn.linear_model import SGDClassifier\nimport numpy as np\nm = SGDClassifier()\nx, y = np.zeros(3), np.zeros(3)\nfor i in range(2):\n    m.partial_fit(x, y)\n",
        "",
        "bound: i\nmutated: m\nhidden: rng:numpy",
    );
}
#[test]
fn swapped_targets_of_reinforcement_learning() {
    torch(
        "target = nn.Linear(2, 2)\nfor i in range(2):\n    for p, q in zip(target.parameters(), model.parameters()):\n        p.data.copy_(0.9 * p.data + 0.1 * q.data)\n",
        "bound: i p q\nmutated: p target",
    );
}
#[test]
fn positional_flags_and_outputs_count() {
    torch(
        "act = nn.Sequential(nn.LeakyReLU(0.2, True))\nfor i in range(2):\n    act(x)\n    F.relu(y, True)\n",
        "bound: i\nmutated: x y\nhidden: rng:torch",
    );
    check(
        "import numpy as np\na, b = np.zeros(2), np.zeros(2)\nfor i in range(2):\n    np.exp(a, b)\n",
        "",
        "bound: i\nmutated: b",
    );
}
