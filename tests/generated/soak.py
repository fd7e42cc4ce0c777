"""Runs generated programs through the oracle for as long as asked, and tells what was run and found.

    python tests/generated/soak.py --minutes 10 --seed 1 --torch 0.1

A failing program is shrunk and printed as a script. Exit code 1 where one failed.
"""

import argparse
import collections
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
import traceback
from pathlib import Path

from forks import Forks
from probes import add_probes
from programs import program
from shrink import shrink
from tree import render
from verdicts import FAILURES, Options, Texts, judge, write


def case(seed, mode, forks, folder):
    """The program of a seed with its probes and options."""
    made = program(seed, mode)
    r = random.Random(f"probes {seed}")
    scratch = Path(folder) / "try"
    scratch.mkdir(parents=True, exist_ok=True)

    def run(text):
        write(scratch, text)
        return forks.run(["train.py"], scratch, made.modules).stdout

    changing = r.random() < 0.08
    add_probes(made, r, run, changing)
    checkpoints = r.choice(["all", "all", "every=2", "every=3", "adaptive"])
    options = Options(checkpoints, r.choice([1, 2, 3]), r.random() < 0.15, changing)
    return made, options


def texts(made):
    """The program as the oracle takes it."""
    plain, probed = render(made.suite, False), render(made.suite, True)
    return Texts(plain, probed, made.modules, made.variable, render(made.suite, True, putting_back(made.modules)))


def putting_back(modules):
    """What stands around a probe in a run from scratch: what it draws from the generators of the process is its own."""
    reads, writes = ["random.getstate()"], ["random.setstate(drawn[0])"]
    if "numpy" in modules:
        reads.append("np.random.get_state()")
        writes.append("np.random.set_state(drawn[1])")
    if "torch" in modules:
        reads.append("torch.get_rng_state()")
        writes.append("torch.set_rng_state(drawn[2])")
    return f"drawn = [{', '.join(reads)}]", "; ".join(writes)


def smaller(made, options, outcome, forks, folder, budget):
    """The text of a shrunk program that fails in the same way."""

    def fails():
        return judge(texts(made), options, forks, folder).word == outcome.word

    shrink(made, fails, budget)
    return render(made.suite, True)


def work(jobs, results, mode, minutes, budget):
    """A worker process: takes seeds until none is left or time is up."""
    end = time.monotonic() + minutes * 60
    with Forks() as forks, tempfile.TemporaryDirectory(prefix="florc-soak-") as folder:
        while time.monotonic() < end:
            with jobs.get_lock():
                seed = jobs.value
                jobs.value += 1
            try:
                results.put(_one(seed, mode, forks, folder, budget))
            except Exception:
                results.put((seed, "harness", traceback.format_exc(), "", None))
    results.put(None)


def _one(seed, mode, forks, folder, budget):
    made, options = case(seed, mode, forks, folder)
    outcome = judge(texts(made), options, forks, os.path.join(folder, "case"))
    text = ""
    if outcome.failed:
        text = smaller(made, options, outcome, forks, os.path.join(folder, "small"), budget)
        outcome = _again(made, options, outcome, forks, folder)
    return seed, outcome.word, outcome.told, text, options


def _again(made, options, outcome, forks, folder):
    again = judge(texts(made), options, forks, os.path.join(folder, "again"))
    return again if again.word == outcome.word else outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mode", choices=["plain", "torch"], default="plain")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--count", type=int, help="stop after so many programs")
    parser.add_argument("--shrink", type=int, default=300, help="tries to shrink a failure")
    parser.add_argument("--refused", action="store_true", help="print the reasons of refusals")
    options = parser.parse_args()
    sys.exit(soak(options))


def soak(options):
    """Starts the workers, prints failures as they come and a table at the end."""
    jobs, results = multiprocessing.Value("q", options.seed), multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(jobs, results, options.mode, options.minutes, options.shrink))
        for _ in range(options.jobs)
    ]
    for worker in workers:
        worker.start()
    counts, reasons, left = collections.Counter(), collections.Counter(), len(workers)
    while left:
        result = results.get()
        if result is None:
            left -= 1
            continue
        seed, word, told, text, chosen = result
        counts[word] += 1
        if word == "refused":
            reasons[_reason(told)] += 1
            if options.refused:
                print(f"--- seed {seed} refused, {chosen}\n{told}", flush=True)
        elif word in FAILURES or word == "harness":
            print(f"=== seed {seed}: {word}, {chosen}\n{told}\n{text}", flush=True)
        if options.count and sum(counts.values()) >= options.count:
            for worker in workers:
                worker.terminate()
            break
    return _table(counts, reasons, options)


def _reason(told):
    """The line that tells why, without names and numbers."""
    lines = [line for line in told.splitlines() if re.match(r"florc: segment|florc: error|[a-z-]+$", line)]
    found = lines[-1] if lines else told.partition("\n")[0]
    return re.sub(r"`[^`]*`|\d+", "_", found)[:150]


def _table(counts, reasons, options):
    judged = sum(n for word, n in counts.items() if word != "odd")
    print(f"{judged} {options.mode} programs from seed {options.seed} ({counts['odd']} more were of no use)")
    for word, number in sorted(counts.items()):
        print(f"  {word:16} {number:6}  {number / max(1, judged):6.1%}")
    for reason, number in reasons.most_common(12):
        print(f"  {number:5} × {reason}")
    return int(any(word in (*FAILURES, "harness") for word in counts))


if __name__ == "__main__":
    main()
