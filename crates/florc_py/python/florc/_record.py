"""Records a script: gathers what the run's manifest says, starts the session, runs, ends it.

What is recorded while the script runs is the native half's work. Nothing here may change what the
script sees: `_program` makes its world.
"""

import atexit
import json
import os
import sys
import time

from . import _compilers, _environment, _florc, _kept_files, _libraries, _linked, _modules, _ranks, _reads, _seed, adapters  # all before the script's folder is on the path
from ._program import Program, compiled, execute


def record(config_file, command, folder):
    """Runs `command` and records it as the config says."""
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    if "resume" in config:
        return _resume(config, config_file, folder)
    if "fork" in config:
        return _fork(config, config_file, folder)
    hash_seed = _seed.fixed()
    os.unlink(config_file)
    project = config["project"]
    program = Program(command, folder, project)
    program.find()
    files, left_out = program.files(program.read())
    asked = json.dumps(config.get("settings", {}))
    code, module, problem = compiled(program, files, settings=asked)
    if module is None and len(files) > 1:
        left_out.append(f"the program's files could not be analysed together: {problem}")
        del files[1:]
        code, module, problem = compiled(program, files, settings=asked)
    settings = _settings(config, program, hash_seed, files)
    run = _florc.start_record(json.dumps(settings), [(file.path, file.source) for file in files], module)
    for text in left_out:
        _florc.note("not-linked", text)
    if problem:
        _florc.note("not-instrumented", f"`{files[0].path}` could not be instrumented: {problem}")
    _run(program, code, files, module, run, settings["manifest"])


def _run(program, code, files, module, run, manifest):
    """Runs the script in the session that was started."""
    project = manifest["project"]
    _modules.recorded([file.path for file in files], project)
    if module is not None:
        own = [(os.path.join(project, file.path), file.name, file.source) for file in files if not file.excerpt]
        _linked.install(module, own, replays=False)
        _libraries.install(module, [(at, file) for at, file in enumerate(files) if file.excerpt], replays=False)
    if run or manifest.get("parent"):
        _seed.seed_random(run, manifest)
        _reads.keep()
    atexit.register(_finish, os.getpid(), manifest, run, time.monotonic())
    os.register_at_fork(after_in_child=_florc.forked)
    _compilers.let_entered_through()
    execute(program, code, _florc.fail)


def _again(config, run, config_file, folder, rank=0):
    """The program of a run, in the world of that run: its manifest, the program, its files."""
    manifest = json.loads(_florc.manifest(config["store"], run, rank))
    _seed.fixed(manifest["environment"]["hash_seed"])
    os.unlink(config_file)
    command = ["-m", manifest["script"]] if manifest["is_module"] else manifest["argv"][:1]
    program = Program([*command, *manifest["argv"][1:]], folder, manifest["project"])
    program.find()
    files, _ = program.files(program.read())
    return manifest, program, files


def _resume(config, config_file, folder):
    """Goes on with a run that was cut short: the same program in the same world. What does not fit ends it."""
    run, launched = config["resume"], _ranks.launched()
    try:
        manifest, program, files = _again(config, run, config_file, folder, launched["rank"] if launched else 0)
    except FileNotFoundError as error:
        _refuse(f"{error.strerror}: {error.filename}")
    asked = json.dumps(manifest["settings"])
    code, module, problem = compiled(program, files[: max(len(manifest["program"]), 1)], settings=asked)
    if module is None:
        _refuse(problem)
    settings = {"store": config["store"], "checkpoints": manifest["checkpoints"], "manifest": manifest}
    settings |= {"overhead": manifest["overhead_bound"], **config["bounds"]}
    libraries = [(file.path, file.source) for file in files if file.excerpt]
    try:
        _florc.start_resume(json.dumps(settings), run, libraries, json.dumps(launched), module)
    except RuntimeError as error:
        _refuse(error)
    _run(program, code, files, module, run, manifest)


def _fork(config, config_file, folder):
    """A new run of the program as it is now, from the state of another run on."""
    parent = config["fork"]
    manifest, program, files = _again(config, parent["run"], config_file, folder)
    asked = json.dumps(config["settings"])
    code, module, problem = compiled(program, files, settings=asked)
    if module is None:
        _refuse(problem)
    settings = _settings(config, program, manifest["environment"]["hash_seed"], files)
    settings["manifest"]["parent"] = parent
    try:
        _florc.start_fork(json.dumps(settings), [(file.path, file.source) for file in files], module)
    except RuntimeError as error:
        _refuse(error)
    _run(program, code, files, module, "", settings["manifest"])


def _refuse(why):
    sys.stderr.write(f"florc: error: the run is not gone on with: {why}\n")
    sys.exit(2)


# What libraries read when they are loaded and that decides bits: threads, instruction sets, modes. And where modules are.
_VARIABLES = (
    "ATEN_CPU_CAPABILITY CUBLAS_WORKSPACE_CONFIG DNNL_MAX_CPU_ISA MKL_CBWR MKL_DYNAMIC MKL_NUM_THREADS "
    "NUMEXPR_NUM_THREADS NVIDIA_TF32_OVERRIDE OMP_DYNAMIC OMP_NUM_THREADS OMP_THREAD_LIMIT "
    "ONEDNN_MAX_CPU_ISA OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS PYTHONPATH TF_DETERMINISTIC_OPS "
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE XLA_FLAGS"
).split()


def _settings(config, program, hash_seed, files):
    options = config["run_options"]
    now = time.time()
    manifest = {
        "format": 0,
        "run": "",
        "name": options.get("name"),
        "florc": _florc.__version__,
        "started": now,
        "launch_seconds": max(now - config.get("launched", now), 0.0),
        "script": config["script"],
        "is_module": program.is_module,
        "argv": program.argv(),
        "cwd": os.getcwd(),
        "project": config["project"],
        "overhead_bound": options["overhead"],
        "checkpoints": options["checkpoints"],
        "settings": config.get("settings", {}),
        "environment": {
            "executable": sys.executable,
            "python": ".".join(map(str, sys.version_info[:3])),
            "platform": _platform(),
            "packages": {},
            "hash_seed": hash_seed,
            "variables": {name: os.environ.get(name) for name in _VARIABLES} | _ranks.variables(),
            "digests": _environment.digests(),
        },
        "git": config.get("git"),
        "sources": [],
        "modules": [],
        "program": [_described(file) for file in files],
    }
    if ranks := _ranks.launched():
        manifest["ranks"] = ranks
    return {
        "store": config["store"],
        "checkpoints": options["checkpoints"],
        "overhead": options["overhead"],
        "max_storage": options.get("max_storage"),
        "memory": options.get("memory"),
        "manifest": manifest,
    }


def _described(file):
    known = {"path": file.path, "name": file.name, "package": file.package}
    return known | {"excerpt": file.excerpt} if file.excerpt else known


def _platform():
    system = os.uname()
    return f"{system.sysname}-{system.release}-{system.machine}"


def _finish(process, manifest, run, began):
    """The last handler at exit: closes the run and says its id on stderr."""
    if os.getpid() != process:
        return
    project, rank = manifest["project"], _ranks.number(manifest)
    try:
        _linked.check()
        _modules.record(project)
    except Exception as error:
        _florc.note("recording-stopped", f"sources of modules were not kept: {error}")
    _keep_files(manifest, time.monotonic() - began)
    run = run or _florc.run_id()
    notes = _florc.finish_record(json.dumps(execute.ended))
    lines = [f"florc: {text}\n" for code, text in notes if code != "packages"]
    is_lost = any(code in ("store-unwritable", "not-resumed") for code, _ in notes)
    if rank and not is_lost and not any(code == "recording-stopped" for code, _ in notes):
        return  # the first rank speaks for all
    if run:
        seconds = time.monotonic() - began
        what = f"the record of run {run} is incomplete" if is_lost else f"recorded run {run}"
        lines.append(f"florc: {what} ({seconds:.1f} s)\n")
    _say("".join(lines))


def _keep_files(manifest, seconds):
    try:
        kept = _kept_files.look(manifest["project"], manifest["started"], seconds)
    except Exception:
        return  # they go by their dates
    _florc.keep_files(json.dumps(kept))


def _say(text):
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            continue
    try:
        os.write(2, text.encode())
    except OSError:
        pass
