//! What released tools get wrong: each of these changes was lost by one of them.

use super::check;

#[test]
fn a_training_step_in_a_helper_changes_model_and_optimizer() {
    check(
        "import torch\nfrom torch import nn\ndef train_step(net, opt, x):\n    opt.zero_grad()\n    loss = net(x).sum()\n    loss.backward()\n    opt.step()\n    return loss\nnet = nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nx = torch.ones(2)\nfor i in range(3):\n    loss = train_step(net, opt, x)\n",
        "",
        "bound: i loss\nmutated: net opt",
    );
}
#[test]
fn an_alias_of_a_list_is_the_list() {
    check(
        "buf = []\nfor x in range(3):\n    b = buf\n    b.append(x)\n",
        "",
        "bound: b x\nmutated: b buf",
    );
}
#[test]
fn a_helper_that_changes_its_dict_argument() {
    check(
        "def note(d, k, v):\n    d[k] = v\nseen = {}\nother = {}\nnote(other, 0, 0)\nfor i in range(3):\n    note(seen, i, i)\n",
        "",
        "bound: i\nmutated: seen",
    );
}
#[test]
fn random_draws_are_hidden_state() {
    check(
        "import random\nfor i in range(3):\n    random.random()\n",
        "",
        "bound: i\nhidden: rng:random",
    );
}
#[test]
fn try_and_except_in_a_loop() {
    check(
        "out = []\nfor i in range(3):\n    try:\n        out.append(1 / i)\n    except ZeroDivisionError as error:\n        out.clear()\n",
        "",
        "bound: error i\nmutated: out",
    );
}
#[test]
fn a_loop_of_one_statement() {
    check(
        "out = []\nfor i in range(3):\n    out.append(i)\n",
        "",
        "bound: i\nmutated: out",
    );
}
#[test]
fn a_bare_helper_call_is_no_refusal() {
    check(
        "import other\nstate = {}\nfor i in range(3):\n    other.run(state)\n",
        "",
        "bound: i\nmutated: other state\nopaque: other.run",
    );
}
#[test]
fn an_assignment_to_a_name_of_the_changeset_is_no_refusal() {
    check(
        "a, b = [], []\nfor i in range(3):\n    a.append(i)\n    a, b = b, a\n",
        "",
        "bound: a b i\nmutated: a b",
    );
}
#[test]
fn a_method_result_shares_with_its_receiver() {
    check(
        "class Box:\n    def __init__(self):\n        self.items = []\n    def get(self):\n        return self.items\nbox = Box()\nfor i in range(3):\n    got = box.get()\n    got.append(i)\n",
        "",
        "bound: got i\nmutated: box got",
    );
}
#[test]
fn a_function_result_shares_with_its_argument() {
    check(
        "def first(xs):\n    return xs[0]\nrows = [[1], [2]]\nfor i in range(3):\n    row = first(rows)\n    row.append(i)\n",
        "",
        "bound: i row\nmutated: row rows",
    );
}
#[test]
fn a_multi_line_print_keeps_its_arguments() {
    check(
        "loss = [1]\nfor i in range(3):\n    print(\n        f'{loss}',\n        i,\n    )\n",
        "",
        "bound: i",
    );
}
#[test]
fn a_scheduler_changes_its_optimizer() {
    check(
        "import torch\nnet = torch.nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nsched = torch.optim.lr_scheduler.StepLR(opt, 1)\nfor i in range(3):\n    sched.step()\n",
        "",
        "bound: i\nmutated: net opt sched",
    );
}
#[test]
fn a_changed_learning_rate() {
    check(
        "import torch\nnet = torch.nn.Linear(2, 2)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\nfor i in range(3):\n    for group in opt.param_groups:\n        group['lr'] = 0.5\n",
        "",
        "bound: group i\nmutated: group opt",
    );
}
