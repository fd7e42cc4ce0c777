//! The command line as a user meets it, where no Python is needed: compile-side verbs, reading a
//! store, planning a replay, and every error that can be told before a script starts.
//!
//! ```python
//! # florc run tarin.py  ->  there is no file `tarin.py`; did you mean `train.py`?
//! ```
//!
//! What needs a Python process is tested in `tests/outside` and `tests/oracle`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::path::Path;
use std::process::Command;

use florc_instrument::{Options, instrument};
use florc_manifest::{RunManifest, RunStatus, Value};
use florc_runtime::{LogEvent, Mode, RecordConfig, Recorder};
use florc_syntax::SourceText;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

struct Project {
    folder: tempfile::TempDir,
}

const SCRIPT: &str = "\
state = {'x': 0.0}
for epoch in range(3):
    for step in range(4):
        state['x'] += 0.5
    print(f\"epoch {epoch} x {state['x']}\")
";

impl Project {
    fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("train.py", SCRIPT);
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn florc(&self, args: &str) -> Ran {
        let args: Vec<&str> = args.split_whitespace().collect();
        self.florc_args(&args)
    }

    fn florc_args(&self, args: &[&str]) -> Ran {
        Self::florc_in(self.path(), args)
    }

    fn florc_in(folder: &Path, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_florc"))
            .args(args)
            .current_dir(folder)
            .env_remove("FLORC_DIR")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("bug of florc"));
        ran
    }

    /// A run as the recorder writes it, without checkpoints.
    fn record(&self, name: Option<&str>) -> String {
        let source = SourceText::from_bytes("train.py", SCRIPT.as_bytes().to_vec()).unwrap();
        let module = instrument(source, &Options::default()).unwrap().manifest;
        let manifest: RunManifest = serde_json::from_value(serde_json::json!({
            "format": 1, "run": "", "name": name, "florc": "0.1.0", "started": 1_769_879_045.0,
            "script": "train.py", "is_module": false, "argv": ["train.py"],
            "cwd": self.path(), "project": self.path(), "overhead_bound": 0.02,
            "checkpoints": "none",
            "environment": {
                "executable": "", "python": "3.11.0", "platform": "test", "packages": {},
                "hash_seed": null,
            },
            "git": null, "sources": [], "modules": [module],
        }))
        .unwrap();
        let config = RecordConfig {
            store: self.path().join(".florc"),
            mode: Mode::None,
            memory_limit: 1 << 20,
            storage_limit: None,
        };
        let sources = [("train.py".to_owned(), SCRIPT.as_bytes().to_vec())];
        let mut recorder = Recorder::start(&config, manifest, &sources);
        let site = "train.py:epoch";
        recorder.loop_entered(site, Some(3), std::collections::BTreeMap::default(), true);
        for epoch in 0..3 {
            recorder.head(Some(epoch));
            recorder.log(LogEvent {
                site: 0,
                line: 5,
                text: format!("epoch {epoch} x {:.1}\n", 2.0 * (epoch + 1) as f64),
                values: vec![
                    ("epoch".to_owned(), Value::Int(epoch)),
                    (
                        "state['x']".to_owned(),
                        Value::Float(2.0 * (epoch + 1) as f64),
                    ),
                ],
            });
        }
        recorder.leave();
        let run = recorder.run().to_owned();
        recorder.finish(RunStatus::Finished);
        run
    }
}

/// A command that must fail as a user error, with all of these words on standard error.
#[track_caller]
fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    for word in words {
        assert!(
            ran.stderr.contains(word),
            "`{word}` is not in:\n{}",
            ran.stderr
        );
    }
}

#[test]
fn help_names_the_verbs_that_work() {
    let help = Project::new().florc("--help").stdout;
    for verb in [
        "run",
        "replay",
        "logs",
        "runs",
        "show",
        "instrument",
        "explain",
        "check",
        "fsck",
        "du",
        "gc",
        "export",
        "diff-logs",
        "propagate",
        "hook",
        "worker",
    ] {
        assert!(help.contains(&format!("\n  {verb} ")), "{help}");
    }
    for verb in ["view", "serve"] {
        assert!(!help.contains(&format!("\n  {verb} ")), "{help}");
    }
}

#[test]
fn a_script_stands_for_its_latest_run() {
    let project = Project::new();
    project.record(None);
    let latest = project.record(None);
    assert!(project.florc("show train.py").stdout.contains(&latest));
    project.write("other.py", "");
    refused(&project.florc("show other.py"), &["other.py"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let script = project.path().join("train.py");
    for verb in ["show", "logs", "replay"] {
        let ran = Project::florc_in(
            elsewhere.path(),
            &[verb, "--format", "json", script.to_str().unwrap()],
        );
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code == 0 && told.contains(&latest), "{verb}: {told}");
    }
    refused(
        &Project::florc_in(elsewhere.path(), &["show"]),
        &["name the script"],
    );
}

#[test]
fn a_script_that_is_not_there() {
    let project = Project::new();
    refused(
        &project.florc("run tarin.py"),
        &["there is no file `tarin.py`", "`train.py`?"],
    );
    refused(
        &project.florc("instrument tarin.py"),
        &["there is no file", "`train.py`?"],
    );
    refused(&project.florc("run ."), &["is a folder, not a script"]);
    refused(&project.florc("run"), &["SCRIPT"]);
}

#[test]
fn what_is_not_python_is_shown_with_its_place() {
    let project = Project::new();
    project.write("broken.py", "for epoch in range(3):\n    x = = 1\n");
    refused(
        &project.florc("explain broken.py"),
        &["syntax-error", "broken.py:2", "x = = 1"],
    );
    std::fs::write(
        project.path().join("elf.py"),
        b"\x7fELF\x02\x01\x00\xff\xfe",
    )
    .unwrap();
    refused(
        &project.florc("instrument elf.py"),
        &["elf.py", "not UTF-8"],
    );
}

#[test]
fn options_that_make_no_sense() {
    let project = Project::new();
    refused(&project.florc("run --overhead 3 train.py"), &["fraction"]);
    refused(
        &project.florc("run --checkpoints every=0 train.py"),
        &["every=N"],
    );
    refused(&project.florc("replay --workers 0"), &["from 1 to 1024"]);
    refused(&project.florc("replay --engine slurm"), &["local"]);
    refused(
        &project.florc("run --python nowhere/python train.py"),
        &["nowhere/python"],
    );
    let conditions = ["epoch >", "[x for x in y]", "x = 3"];
    project.record(None);
    for condition in conditions {
        refused(
            &project.florc_args(&["replay", "--where", condition]),
            &["--where"],
        );
    }
}

#[test]
fn instrument_shows_source_and_difference() {
    let project = Project::new();
    let ran = project.florc("instrument train.py");
    assert!(ran.stdout.contains("import florc") && ran.stdout.contains("florc.main_loop"));
    let ran = project.florc("instrument --diff train.py");
    assert!(
        ran.stdout.contains("\n-for epoch in range(3):\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(project.florc("instrument train.py -o out.py").stdout, "");
    assert!(project.path().join("out.py").is_file());
}

#[test]
fn explain_shows_the_nest_and_the_pages() {
    let project = Project::new();
    let ran = project.florc("explain train.py");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in [
        "main loop epoch (line 2)",
        "carries state",
        "log print: epoch",
    ] {
        assert!(
            ran.stdout.contains(words),
            "`{words}` is not in:\n{}",
            ran.stdout
        );
    }
    let json = project.florc("explain train.py --format json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["manifest"]["main_loops"][0]["label"], "epoch");
    assert!(
        project
            .florc("explain not-log-only")
            .stdout
            .contains("# not-log-only")
    );
    refused(
        &project.florc("explain not-log-onli"),
        &["did you mean `not-log-only`?"],
    );
}

#[test]
fn a_store_that_is_not_there() {
    let project = Project::new();
    for verb in ["logs", "runs", "show", "replay", "fsck", "du", "gc"] {
        refused(
            &project.florc(verb),
            &["no run was recorded here", "florc run SCRIPT"],
        );
    }
}

#[test]
fn runs_are_listed_shown_and_found() {
    let project = Project::new();
    let run = project.record(Some("baseline"));
    let listed = project.florc("runs").stdout;
    assert!(listed.contains(&run) && listed.contains("baseline") && listed.contains("finished"));
    let json: serde_json::Value =
        serde_json::from_str(&project.florc("runs --format json").stdout).unwrap();
    assert_eq!(
        (&json[0]["run"], &json[0]["iterations"]),
        (&run.clone().into(), &3.into())
    );
    assert!(project.florc("show baseline").stdout.contains("train.py"));
    refused(
        &project.florc("show basline"),
        &["there is no run `basline`", "`baseline`?"],
    );
    refused(
        &project.florc("logs zzz"),
        &["there is no run `zzz`", "florc runs"],
    );
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn damage_is_named_and_mended_as_far_as_possible() {
    let project = Project::new();
    let run = project.record(None);
    let sound = project.florc("fsck");
    assert_eq!(sound.code, 0, "{}", sound.stdout);
    assert!(sound.stdout.contains("1 run, 0 checkpoints") && sound.stdout.contains("no damage"));
    let journal = project
        .path()
        .join(".florc/runs")
        .join(&run)
        .join("journal-0");
    let mut bytes = std::fs::read(&journal).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let found = project.florc("fsck --format json");
    assert_eq!(found.code, 1);
    let damage = &json(&found)["damages"][0];
    assert_eq!(damage["run"], run);
    assert!(damage["file"].as_str().unwrap().ends_with("journal-0"));
    assert!(damage["offset"].as_u64().unwrap() < at as u64);
    assert!(project.florc("logs").stderr.contains("rows are missing"));
    let before = project.florc("logs --format csv").stdout.lines().count();
    let mended = project.florc("fsck --rebuild");
    assert_eq!(mended.code, 0, "{}", mended.stdout);
    for words in ["lost: ", "usable: ", "journal-0`: kept ", "no damage"] {
        assert!(mended.stdout.contains(words), "{}", mended.stdout);
    }
    let after = project.florc("logs --format csv").stdout.lines().count();
    assert!(after >= before, "rows behind the damaged place are shown");
    assert!(
        project
            .florc("show")
            .stdout
            .contains("rows may be missing here")
    );
}

#[test]
fn what_runs_take_is_told_and_freed() {
    let project = Project::new();
    let runs: Vec<_> = (0..3).map(|_| project.record(None)).collect();
    let named = project.record(Some("baseline"));
    let usage = json(&project.florc("du --format json"));
    assert_eq!(usage["runs"].as_array().unwrap().len(), 4);
    let total = usage["runs"][0]["total_bytes"].as_u64().unwrap();
    assert!(total > 500 && total < usage["total"].as_u64().unwrap());
    assert!(project.florc("du").stdout.contains("4 runs, "));

    assert!(project.florc("gc").stdout.contains("nothing to remove"));
    let planned = project.florc("gc --keep 2 --dry-run --format json");
    assert_eq!(json(&planned)["runs"][0]["run"], runs[0]);
    assert!(
        project
            .florc("gc --keep 2 --dry-run")
            .stdout
            .contains("would be free")
    );
    assert_eq!(
        json(&project.florc("runs --format json"))
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert!(project.florc("gc --keep 2").stdout.contains("are free"));
    let left = json(&project.florc("runs --format json"));
    let left: Vec<_> = left
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["run"])
        .collect();
    assert_eq!(left, [&runs[2], &named]);
    project.florc("gc --keep 0 --remove baseline");
    assert!(project.florc("runs").stdout.contains("no runs yet"));
    refused(&project.florc("gc --keep some"), &["`12h` or `30d`"]);
}

#[test]
fn an_export_needs_a_checkpoint_and_a_kind_of_file() {
    let project = Project::new();
    project.record(Some("baseline"));
    refused(
        &project.florc("export baseline -o x.bin"),
        &["`x.bin`", ".safetensors"],
    );
    refused(
        &project.florc("export baseline -o x.pt"),
        &["no checkpoint", "--checkpoints all"],
    );
}

#[test]
fn logs_have_the_fields_of_the_contract() {
    let project = Project::new();
    let run = project.record(None);
    let text = project.florc("logs --format json").stdout;
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "run": run, "id": format!("{run}/0"), "file": "train.py", "line": 5,
        "context": {"epoch": 0}, "seq": 0, "name": "epoch", "value": 0, "text": "epoch 0 x 2.0\n",
        "source": "record", "status": "recorded", "rank": 0,
    });
    assert_eq!((rows.len(), &rows[0]), (6, &expected));
    let csv = project.florc("logs --format csv").stdout;
    assert!(csv.starts_with("run,id,file,line,context,seq,name,value,text,source,status,rank\r\n"));
    assert!(
        project
            .florc("logs")
            .stdout
            .contains("train.py:5  epoch=2  state['x']  6.0")
    );
}

#[test]
fn a_newer_format_is_refused() {
    let project = Project::new();
    let run = project.record(None);
    let file = project
        .path()
        .join(".florc/runs")
        .join(&run)
        .join("manifest.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let version = format!("\"format\": {}", florc_manifest::FORMAT_VERSION);
    std::fs::write(&file, text.replacen(&version, "\"format\": 999", 1)).unwrap();
    for verb in ["replay", "replay --script train.py", "logs", "show"] {
        refused(&project.florc(verb), &["newer florc", "update florc"]);
    }
    assert!(project.florc("runs").stderr.contains("newer florc"));
}

fn probed(line: &str) -> String {
    SCRIPT.replace("    print(", &format!("    {line}\n    print("))
}

#[test]
fn without_a_probe_there_is_nothing_to_replay() {
    let project = Project::new();
    project.record(None);
    project.write("train.py", &format!("# a comment\n{SCRIPT}"));
    let ran = project.florc("replay");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("add a log statement"), "{}", ran.stderr);
}

#[test]
fn other_changes_are_refused_where_asked_with_their_place() {
    let project = Project::new();
    project.record(None);
    project.write("train.py", &SCRIPT.replace("0.5", "0.25"));
    refused(
        &project.florc("replay --strict"),
        &["not-log-only", "train.py:4", "+= 0.25", "+= 0.5"],
    );
    let ran = project.florc("replay");
    assert_eq!(ran.code, 0, "nothing is asked: {}", ran.stderr);
    assert!(
        ran.stderr.contains("train.py:4: changed, state-changing"),
        "{}",
        ran.stderr
    );
    project.write("train.py", &probed("state['x'] = 1; print(epoch)"));
    refused(
        &project.florc("replay --strict"),
        &["not-log-only", "state"],
    );
    project.write("train.py", &probed("import random; print(random.random())"));
    refused(&project.florc("replay"), &["random.random()"]);
    project.write("train.py", &SCRIPT.replace("    print(", "    #print("));
    assert_eq!(
        project.florc("replay").code,
        0,
        "a log statement that is gone is no obstacle"
    );
    std::fs::remove_file(project.path().join("train.py")).unwrap();
    refused(&project.florc("replay"), &["there is no file"]);
}

#[test]
fn a_dry_run_shows_the_plan() {
    let project = Project::new();
    let run = project.record(None);
    project.write("train.py", &probed("print(state)"));
    let ran = project.florc("replay --dry-run --workers 2");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for words in [
        run.as_str(),
        "probe    train.py:5 print",
        "the beginning to the end",
        "expected",
    ] {
        assert!(
            ran.stdout.contains(words),
            "`{words}` is not in:\n{}",
            ran.stdout
        );
    }
    let json = project.florc("replay --dry-run --format json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["status"], &json["segments"][0]["start"]),
        (&"dry_run".into(), &"beginning".into())
    );
}

#[test]
fn a_worker_wants_a_plan() {
    let project = Project::new();
    refused(
        &project.florc("worker --plan nowhere.json --segment 0"),
        &["nowhere.json"],
    );
    project.write("plan.json", "{}");
    refused(
        &project.florc("worker --plan plan.json --segment 0"),
        &["is not a replay plan"],
    );
}

#[test]
fn check_finds_and_its_exit_code_says_so() {
    let project = Project::new();
    assert_eq!(project.florc("check").code, 0);
    project.write("draw.py", UNSEEDED);
    let ran = project.florc("check");
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("unseeded-rng") && ran.stdout.contains("draw.py"));
    assert!(
        ran.stderr.contains("1 finding in 2 files"),
        "{}",
        ran.stderr
    );
    let ran = project.florc("check train.py missing.py");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("missing.py"));
}

#[test]
fn check_reads_what_is_the_users_own() {
    let project = Project::new();
    for folder in [".venv", "__pycache__", "old", "venv3"] {
        std::fs::create_dir(project.path().join(folder)).unwrap();
        project.write(&format!("{folder}/draw.py"), UNSEEDED);
    }
    project.write("venv3/pyvenv.cfg", "");
    project.write("pyproject.toml", "[tool.florc]\nexclude = [\"old\"]\n");
    assert_eq!(project.florc("check").code, 0);
    assert_eq!(project.florc("check old/draw.py").code, 1);
    project.write(
        "pyproject.toml",
        "[tool.florc]\nignore = [\"unseeded-rng\"]\n",
    );
    assert_eq!(project.florc("check").code, 0);
}

/// These scripts are seeded, and run on the CPU: whatever a lint says of them is wrong.
#[test]
fn check_finds_nothing_in_the_fixtures() {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scripts");
    let ran = Project::new().florc_args(&["check", scripts]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
}

#[test]
fn check_gives_json_and_workflow_commands() {
    let project = Project::new();
    project.write("draw.py", UNSEEDED);
    project.write("broken.py", "for\n");
    let found: serde_json::Value =
        serde_json::from_str(&project.florc("check --format json").stdout).unwrap();
    assert_eq!(found[0]["code"], "syntax-error");
    assert_eq!(found[0]["level"], "error");
    let draw = &found[1];
    assert_eq!((&draw["line"], &draw["column"]), (&2.into(), &7.into()));
    assert_eq!(
        (&draw["end_line"], &draw["end_column"]),
        (&2.into(), &30.into())
    );
    assert_eq!(draw["file"], "draw.py");
    let lines = project.florc("check draw.py --format github").stdout;
    let start = "::warning file=draw.py,line=2,col=7,endLine=2,endColumn=30,title=unseeded-rng::";
    assert!(lines.starts_with(start), "{lines}");
}

/// What the SARIF 2.1.0 schema requires of the parts that are used.
#[test]
fn check_gives_sarif() {
    let project = Project::new();
    project.write("draw.py", UNSEEDED);
    let log: serde_json::Value =
        serde_json::from_str(&project.florc("check --format sarif").stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert!(run["columnKind"] == "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "florc");
    let rules = driver["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!((rules.len(), results.len()), (1, 1));
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["help"]["text"]
                .as_str()
                .unwrap()
                .starts_with("# unseeded-rng")
        );
        assert!(
            rule["shortDescription"]["text"]
                .as_str()
                .is_some_and(|text| text.len() > 20)
        );
        assert_eq!(rule["defaultConfiguration"]["level"], "warning");
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let places = result["locations"].as_array().unwrap().iter();
        for place in places.chain(result["relatedLocations"].as_array().unwrap()) {
            let physical = &place["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"], "draw.py");
            let number = |key: &str| physical["region"][key].as_u64().unwrap();
            assert!(number("startLine") >= 1 && number("startColumn") >= 1);
            assert!(number("endLine") >= number("startLine"));
        }
    }
}

#[test]
fn broken_settings_are_told_and_nothing_stops() {
    let project = Project::new();
    project.write("pyproject.toml", "[tool.florc]\noverhead = 7\n");
    let ran = project.florc("explain train.py");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("bad-settings") && ran.stderr.contains("overhead = 7"));
    let ran = project.florc("check");
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("pyproject.toml:2"), "{}", ran.stdout);
}

#[test]
fn settings_choose_the_main_loop() {
    let project = Project::new();
    project.write(
        "pyproject.toml",
        "[tool.florc]\nmain-loop = \"train.py:epoch/step\"\n",
    );
    let ran = project.florc("explain train.py");
    assert!(
        ran.stdout.contains("main loop epoch/step"),
        "{}",
        ran.stdout
    );
}

const UNSEEDED: &str = "\
import numpy as np
rng = np.random.default_rng()
w = np.zeros(4)
for epoch in range(3):
    w -= 0.1 * rng.normal(size=4)
";
