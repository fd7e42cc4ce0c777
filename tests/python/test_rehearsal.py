"""Large states through a file: what is captured is what comes back, also from memory that was used before."""

import torch

from florc import _florc


def state(seed):
    torch.manual_seed(seed)
    base = torch.randn(1_500_000)
    return {
        "large": torch.randn(700_000),
        "small": torch.randn(5),
        "view": base[100:1_200_000],
        "other": base[1_000_000:],
        "half": torch.randn(3001, 257).to(torch.bfloat16).t(),
        "empty": torch.empty(0, 4),
        "list": [seed, torch.arange(400_000)],
    }


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a if name != "list") and torch.equal(
        a["list"][1], b["list"][1]
    )


def test_what_is_captured_comes_back(tmp_path):
    for seed in range(3):  # the second and third use the memory of the first
        path = tmp_path / f"{seed}.pack"
        raw = _florc._rehearse({"state": state(seed)}, path)[0]
        # and some kilobytes of random generators
        assert 0 <= raw - (4 * (700_000 + 1_499_900) + 20 + 2 * 3001 * 257 + 8 * 400_000) < 20_000
    for seed in range(3):
        live = state(7)
        view = live["view"]
        _florc._put_back({"state": live}, tmp_path / f"{seed}.pack")
        assert same(live, state(seed)) and live["list"][0] == seed
        view[999_900] = seed + 0.5
        assert live["view"] is view and live["other"][0] == seed + 0.5
