"""Random programs that train a tiny network with torch, mixed with plain statements.

Networks with dropout, normalisation and counters of their own; every common optimizer and scheduler;
loaders that shuffle; moving averages, clipping, accumulation, best weights, early stopping. Probes
print losses, norms, learning rates and states.
"""

import random
import re

from definitions import Definitions
from expressions import Expressions
from idioms import IMPORTS
from programs import COUNTING, Program
from scope import Scope
from tree import Block, Line

NET = '''
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.tied = nn.Linear(4, 6)
        self.tied.weight = self.first.weight
        self.middle = nn.Sequential({middle})
        self.last = nn.Linear(6, 2)
        self.register_buffer("seen", torch.zeros(1))
        self.calls = 0
        self.kept = []

    def forward(self, x):
        {forward}
        return self.last(self.middle({first}))
'''

MIDDLE = ["nn.ReLU()", "nn.Tanh(), nn.Dropout(0.3)", "nn.BatchNorm1d(6), nn.ReLU()", "nn.LayerNorm(6), nn.GELU()",
          "nn.Dropout(0.2), nn.BatchNorm1d(6), nn.ELU()", "nn.utils.parametrizations.weight_norm(nn.Linear(6, 6)), nn.SiLU()",
          "nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6))"]
FORWARD = ["pass", "self.calls += 1", "self.seen += x.detach().abs().mean()", "self.kept = [x.detach().mean().item(), self.calls]",
           "x = x + torch.randn_like(x) * 0.01 if self.training else x"]
PURE = ("nn.ReLU()", "nn.LayerNorm(6), nn.GELU()", "nn.utils.parametrizations.weight_norm(nn.Linear(6, 6)), nn.SiLU()")
OPTIMIZERS = ["SGD({p}, lr=0.05)", "SGD({p}, lr=0.05, momentum=0.9, nesterov=True)", "Adam({p}, lr=0.01)", "AdamW({p}, lr=0.01)",
              "RMSprop({p}, lr=0.01, momentum=0.5)", "Adagrad({p}, lr=0.05)", "NAdam({p})", "Adam({p}, lr=0.01, amsgrad=True)",
              "AdamW([{{'params': model.first.parameters(), 'lr': 0.02}}, {{'params': model.last.parameters()}}], lr=0.01)",
              "Adadelta({p})", "RAdam({p})", "Adam({p}, lr=0.01, foreach=True)", "SGD({p}, lr=0.05, momentum=0.8, foreach=True)"]
SCHEDULERS = ["StepLR(optimizer, 2, 0.5)", "CosineAnnealingLR(optimizer, 6)", "LambdaLR(optimizer, lambda e: 0.9 ** e)",
              "ExponentialLR(optimizer, 0.9)", "MultiStepLR(optimizer, [1, 3], 0.3)", "CosineAnnealingWarmRestarts(optimizer, 2)",
              "CyclicLR(optimizer, 0.001, 0.1, step_size_up=2, cycle_momentum=False)",
              "SequentialLR(optimizer, [ConstantLR(optimizer, 0.5, 2), ExponentialLR(optimizer, 0.8)], [2])"]
LOADERS = ["DataLoader(data, batch_size=4, shuffle=True)", "DataLoader(data, batch_size=6)",
           "DataLoader(data, batch_size=4, shuffle=True, generator=torch.Generator().manual_seed(3))",
           "DataLoader(data, batch_size=4, sampler=WeightedRandomSampler([1.0, 2.0] * 8, 16))",
           "DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 6, True))",
           "list(DataLoader(data, batch_size=8, shuffle=True))",
           "DataLoader(list(data), batch_size=4, collate_fn=lambda rows: (torch.stack([x for x, _ in rows]), torch.stack([y for _, y in rows])))",
           "DataLoader(torch.utils.data.Subset(data, torch.randperm(16)[:8].tolist()), batch_size=4, shuffle=True)"]
HOOKS = ["model.first.register_forward_hook(lambda module, given, out: seen.append(round(out.detach().mean().item(), 4)))",
         "model.last.weight.register_hook(lambda gradient: gradient * 0.5)",
         "model.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))"]
BETWEEN = ["for group in optimizer.param_groups: group['lr'] *= 0.9", "model.first.weight.requires_grad_(epoch % 2 == 0)",
           "saved = copy.deepcopy(optimizer.state_dict())", "optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))",
           "noise.manual_seed(epoch)", "if epoch == 1: model.last = nn.Linear(6, 2)", "if epoch == 1: nn.init.zeros_(model.last.bias)",
           "buffer.append(next(iter(loader))[0].mean(0))", "total += random.choice(buffer).sum().item() if buffer else 0.0",
           "if epoch == 1: optimizer.add_param_group({'params': [extra], 'lr': 0.02})", "model.load_state_dict(copy.deepcopy(model.state_dict()))",
           "history.append(torch.rand(1, generator=noise).item())", "x_mean = torch.cat([x for x, _ in loader]).mean().item()",
           "optimizer.zero_grad(set_to_none=False)", "with torch.no_grad(): model.last.bias.add_(0.01)", "torch.manual_seed(epoch)"]

def torch_program(seed):
    """The program of a seed."""
    return Training(random.Random(f"torch {seed}")).program()


class Training(Definitions):
    """A program that trains."""

    def __init__(self, r):
        self.numpy = True
        super().__init__(Expressions(r, True), ["num", "num", "list", "table", "array", "generator", "deque", "nested"])

    def program(self):
        """Everything, in order."""
        r = self.r
        scheduler = r.choice(SCHEDULERS)
        middle, forward = r.choice(MIDDLE), ["pass"] if r.random() < 0.4 else r.sample(FORWARD, r.randint(1, 3))
        first = "self.first(x)" if r.random() < 0.7 else "self.first(x) + self.tied(x)"
        net = NET.format(middle=middle, forward="\n        ".join(forward), first=first).strip("\n")
        pure = middle in PURE and forward == ["pass"]
        suite = [
            Line(f"import {IMPORTS}"),
            Line("import numpy as np\nimport torch\nfrom torch import nn"),
            Line("from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset, WeightedRandomSampler"),
            Line(f"from torch.optim.lr_scheduler import {', '.join(sorted(set(re.findall(r'[A-Za-z]+LR|CosineAnnealingWarmRestarts', scheduler))))}"),
            *self.helpers(), Line(COUNTING.strip("\n")),
            Line(f"random.seed({r.randint(0, 9)})\nnp.random.seed({r.randint(0, 9)})\ntorch.manual_seed({r.randint(0, 9)})"),
            Line(net),
        ]
        plain = Scope()
        meter = self.one_class("Meter", [])
        suite.append(meter)
        suite += self.function(plain, plain)
        made = [
            Line("data = TensorDataset(torch.randn(16, 4), torch.randint(0, 2, (16,)))"),
            Line(f"loader = {r.choice(LOADERS)}"),
            Line("model = Net()"),
            Line(f"optimizer = torch.optim.{r.choice(OPTIMIZERS).format(p='model.parameters()')}"),
            Line(f"scheduler = {scheduler}"),
            Line("meter = Meter()\nbest, history, steps, waited, total = 1e9, [], 0, 0, 0.0"),
            Line("kept = copy.deepcopy(model.state_dict())"),
        ]
        if r.random() < 0.25:
            made.append(Line("seen = collections.deque(maxlen=6)\n" + r.choice(HOOKS)))
        self.between = r.sample(BETWEEN, r.randint(0, 3))
        for name, text in (("noise", "torch.Generator().manual_seed(5)"), ("buffer", "collections.deque(maxlen=4)"),
                           ("extra", "nn.Parameter(torch.ones(2))")):
            if any(re.search(rf"\b{name}\b", each) for each in self.between):
                made.append(Line(f"{name} = {text}"))
        self.average = r.random() < 0.3
        self.scaler = r.random() < 0.15
        if self.average:
            made.append(Line("average = copy.deepcopy(model)"))
        if self.scaler:
            made.append(Line("scaler = torch.amp.GradScaler('cpu', growth_interval=3)"))
        hooked = any("forward" in each.text for each in made)
        made_program = Program(self.without_unused(suite + self.manner(plain, made)), ("numpy", "torch"), "epoch")
        made_program.pure = pure and not hooked
        return made_program

    def manner(self, plain, made):
        """At module level, in `main`, or with the epoch in a function of its own."""
        r = self.r
        choice = r.random()
        scope = plain.inner(depth=0, in_function=choice >= 0.4)
        scope.add("meter", "object")
        scope.add("history", "list")
        if choice >= 0.4:
            scope.names = [type(each)(each.text, each.kind, False) for each in plain.names] + scope.names[-2:]
        extra = self.suite(scope.inner(depth=2), r.randint(0, 3))
        if choice < 0.4:
            return [*made, *extra, *self.epochs(scope, self.batches(scope)), *self.ending(scope)]
        if choice < 0.7:
            body = [*made, *extra, *self.epochs(scope, self.batches(scope)), *self.ending(scope)]
            return [Block([("def main()", body)]), Line("main()")]
        inner = plain.inner(depth=0, in_function=True)
        inner.names = [type(each)(each.text, each.kind, False) for each in plain.names]
        inner.add("meter", "object")
        names = "model, loader, optimizer, meter, steps" + ", average" * self.average + ", scaler" * self.scaler
        given = names + ", scheduler" if r.random() < 0.5 else names
        body = [Line("total = 0.0"), *self.batches(inner), Line("return total, steps")]
        one = Block([(f"def one_epoch({given})", body)])
        call = Line(f"total, steps = one_epoch({given})")
        whole = [*made, *extra, *self.epochs(scope, [call]), *self.ending(scope)]
        return [one, Block([("def main()", whole)]), Line("main()")]

    def batches(self, scope):
        """The loop over batches."""
        r = self.r
        inner = scope.inner(in_loop=True, depth=1)
        inner.add("steps", "num", bind=False)
        step = [Line("out = model(x)"), Line("loss = nn.functional.cross_entropy(out, y)")]
        if r.random() < 0.2:
            step = [Block([("with torch.autocast('cpu', dtype=torch.bfloat16)", step)])]
        step = [Line("model.train()")] * (r.random() < 0.5) + step
        back = [Line("scaler.scale(loss).backward()" if self.scaler else "loss.backward()")]
        if r.random() < 0.3 and not self.scaler:
            back.append(Line("nn.utils.clip_grad_norm_(model.parameters(), 0.5)"))
        go = [Line("scaler.step(optimizer)\nscaler.update()" if self.scaler else "optimizer.step()")]
        if self.average:
            go.append(Line(self.averaging()))
        if r.random() < 0.2:
            back.append(Block([("if steps % 2 == 0", [*go, Line("optimizer.zero_grad()")])]))
        else:
            back = [Line("optimizer.zero_grad()"), *back, *go]
        rest = [Line("total += loss.item()"), Line("steps += 1"), *self.suite(inner, r.randint(0, 2))]
        if r.random() < 0.2:
            rest.append(Block([("if total > 3.2", [Line(r.choice(["break", "continue"]))])]))
        head = r.choice(["for x, y in loader", "for x, y in loader", "for at, (x, y) in enumerate(loader)", "for x, y in iter(loader)"])
        return [Block([(head, [*step, *back, *rest])])]

    def averaging(self):
        """A moving average of the weights, in one of its manners."""
        return self.r.choice([
            "with torch.no_grad():\n    for a, b in zip(average.parameters(), model.parameters()):\n        a.lerp_(b, 0.1)",
            "for a, b in zip(average.parameters(), model.parameters()):\n    a.data = a.data * 0.9 + b.data * 0.1",
            "with torch.no_grad():\n    for k, v in average.state_dict().items():\n        v.copy_(0.9 * v + 0.1 * model.state_dict()[k])",
        ])

    def epochs(self, scope, batches):
        """The main loop."""
        r = self.r
        inner = scope.inner(in_loop=True)
        inner.add("epoch", "num", bind=False)
        keep = r.choice(["kept = copy.deepcopy(model.state_dict())", "kept = {k: v.clone() for k, v in model.state_dict().items()}"])
        better = Block([("if total < best", [Line(f"best, waited = total, 0\n{keep}")]), ("else", [Line("waited += 1")])])
        body = [Line("total = 0.0"), *self.suite(inner, r.randint(0, 2)), *batches]
        if r.random() < 0.4:
            measured = [Line("checked = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)")]
            body += [Line("model.eval()"), Block([("with torch.no_grad()", measured)]), Line("history.append(checked)"), Line("model.train()")]
        if r.random() < 0.6:
            body.append(better)
        if r.random() < 0.2:
            body.append(Block([("if waited > 1", [Line("model.load_state_dict(kept)")])]))
        if r.random() < 0.2:
            body.append(Block([("if waited > 2", [Line("break")])]))
        for each in self.between:
            body.insert(r.randint(1, len(body)), Line(each))
        body += [Line("scheduler.step()")] * (r.random() < 0.8)
        body += [Line("history.append(total)"), *self.suite(inner, r.randint(0, 2))]
        body.append(Line("print('epoch', epoch, total, best)"))
        count = r.randint(3, 4)
        if r.random() < 0.15:
            return [Line("epoch = 0"), Block([(f"while epoch < {count}", [Line("epoch += 1"), *body])])]
        return [Block([(f"for epoch in {r.choice([f'range({count})', f'range(1, {count})'])}", body)])]

    def ending(self, scope):
        """Best weights again, and a last log."""
        nodes = [Line("model.load_state_dict(kept)")] * (self.r.random() < 0.4)
        return [*nodes, Line("print('end', best, len(history), steps)")]
