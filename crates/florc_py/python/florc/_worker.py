"""Replays one segment: the recorded source with the probes, in the world of the recorded run.

The process ends inside the native half when the segment is done. Standard output and error go to
files of the replay; files that the script writes go to a scratch directory.
"""

import atexit
import json
import os
import shutil
import sys
import tempfile

from . import _compilers, _doubts, _environment, _florc, _libraries, _linked, _reads, _seed, _trackers, adapters  # all before the script's folder is on the path
from ._overlay import Overlay
from ._program import File, Program, compiled, execute


def work(plan_file, segment, rank, folder):
    """Runs the segment `segment` of a plan, as one of the processes that do so."""
    with open(plan_file, encoding="utf-8") as file:
        text = file.read()
    plan = json.loads(text)
    manifest = json.loads(_florc.manifest(plan["store"], plan["run"], rank))
    _seed.fixed(manifest["environment"]["hash_seed"])
    program = _program(plan, manifest, folder)
    files = _files(plan, os.path.dirname(plan_file))
    code, module, problem = compiled(program, files, text, json.dumps(manifest.get("settings", {})))
    if module is None:
        module, problem = _florc.compile_program([files[0]._replace(source=b"")], None), problem or "unknown"
    if not _florc.start_replay(plan_file, segment, rank, manifest["project"], module):
        return
    if problem:
        _give_up(f"`{files[0].path}` could not be instrumented: {problem}")
    ended, changed, kept = _florc.recorded(plan["store"], plan["run"], rank, manifest["project"])
    if changed:
        _give_up(f"`{changed[0]}` is not the one that was recorded: put the recorded version back")
    _seed.seed_random(plan["run"], manifest)
    _reads.keep()
    scratch = tempfile.mkdtemp(prefix="florc-replay-")
    _florc.at_end(lambda: shutil.rmtree(scratch, ignore_errors=True))
    _trackers.silence(scratch)
    ran = manifest["started"], _end(os.path.join(plan["store"], "runs", plan["run"]))
    overlay = Overlay(scratch, manifest["project"], plan["store"], ran, json.loads(kept), plan.get("programs", False))
    own = [(it["path"], file.name, file.source) for it, file in zip(plan["modules"], files) if not file.excerpt]
    for path, _, source in own:
        overlay.put(path, source)
    if plan["doubtful"]:
        _doubts.expect(manifest["project"], json.dumps(manifest.get("settings", {})))
    adapters.added_globals.update(map(tuple, plan["added_globals"]))
    _environment.watch(manifest["environment"], manifest["project"])
    _linked.install(module, own, replays=True)
    _libraries.install(module, [(index, file) for index, file in enumerate(files) if file.excerpt], replays=True)
    atexit.register(_finish, os.getpid(), json.loads(ended))
    os.register_at_fork(after_in_child=_florc.forked)
    _compilers.let_entered_through()
    overlay.install()
    execute(program, code, _give_up)


def _end(folder):
    """When the run was last written to: a try to go on with it leaves its journals alone."""
    return max(entry.stat().st_mtime for entry in os.scandir(folder) if entry.name.startswith("journal"))


def _program(plan, manifest, folder):
    command = ["-m", manifest["script"]] if manifest["is_module"] else [manifest["argv"][0]]
    program = Program([*command, *manifest["argv"][1:]], folder, manifest["project"], plan["modules"][0]["path"])
    program.find()
    return program


def _files(plan, folder):
    """The probed sources, the script first."""
    files = []
    for each in plan["modules"]:
        with open(os.path.join(folder, each["source_file"]), "rb") as file:
            files.append(File(each["file"], each["name"], each["package"], file.read(), each.get("excerpt", [])))
    return files


def _give_up(text):
    _florc.fail(text)
    _florc.finish_replay()


def _finish(process, recorded):
    """The script ended by itself: as it did when it was recorded, as far as that is known?"""
    if os.getpid() != process:
        return
    if recorded is not None and execute.ended != recorded:
        _florc.fail(f"the replayed script {_words(execute.ended)}, the recorded one {_words(recorded)}")
    _florc.finish_replay()


def _words(ended):
    if ended == "finished":
        return "finished"
    if "exited" in ended:
        return f"exited with code {ended['exited']['code']}"
    return f"raised {ended['raised']['exception']}"
