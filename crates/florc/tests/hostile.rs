//! Stores that somebody made up: every verb that reads one answers, or says what is wrong.
//!
//! Manifests and journals have checksums that fit; their numbers, names and order are drawn from a
//! seed. Packs are the runtime's to test.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up must fail")]

use std::fs;
use std::path::Path;
use std::process::Command;

use florc_instrument::{Options, instrument};
use florc_runtime::to_checked_json;
use florc_syntax::SourceText;
use serde_json::{Value, json};

const SCRIPT: &str = "\
state = {'x': 0.0}
for epoch in range(3):
    for step in range(4):
        state['x'] += 0.5
    print(f\"epoch {epoch} x {state['x']}\")
";
const RUN: &str = "20260101-000000-000-abcd";

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// Small, or at an edge.
    fn number(&mut self, most: u64) -> u64 {
        match self.below(6) {
            0 => most,
            1 => most / 2 + 1,
            _ => self.below(4),
        }
    }

    fn word(&mut self) -> String {
        let words = [
            "../../secret",
            "/etc/passwd",
            "",
            "train.py:epoch",
            "0-0.pack",
            "a\0b",
            "💥",
        ];
        words[self.below(words.len() as u64) as usize].to_owned()
    }

    fn seconds(&mut self) -> Value {
        json!([0.5, -1.0, 1e300, 1e-300, 0.0][self.below(5) as usize])
    }

    fn head(&mut self) -> Value {
        let (instance, iteration) = (self.number(u64::from(u32::MAX)), self.number(u64::MAX));
        json!({ "instance": instance, "iteration": iteration })
    }

    fn block(&mut self) -> Value {
        json!({ "head": self.head(), "site": self.word(), "occurrence": self.number(u64::from(u32::MAX)) })
    }

    fn cut(&mut self) -> Value {
        match self.below(3) {
            0 => json!({ "head": self.head() }),
            1 => json!({ "block": self.block() }),
            _ => json!({ "exit": self.head() }),
        }
    }

    fn missing(&mut self) -> Value {
        json!({ "path": self.word(), "type_name": self.word(), "reason": "opaque_state" })
    }

    fn record(&mut self) -> Value {
        match self.below(10) {
            0 => json!({ "loop_entered": {
                "instance": self.number(u64::from(u32::MAX)), "inputs": {}, "seconds": self.seconds() } }),
            1 | 2 => json!({ "iteration_began": {
                "head": self.head(), "position": i64::MIN, "seconds": self.seconds() } }),
            3 => json!({ "block_ended": { "block": self.block(), "seconds": self.seconds() } }),
            4 => json!({ "loop_left": { "head": self.head(), "seconds": self.seconds() } }),
            5 => json!({ "checkpoint": {
                "cut": self.cut(), "pack": self.word(), "state_hash": self.word(), "raw_bytes": u64::MAX,
                "stored_bytes": u64::MAX, "stall_seconds": self.seconds(), "background_seconds": self.seconds(),
                "absent": [self.missing()], "missing": [self.missing()] } }),
            6 => json!({ "log": {
                "site": self.number(u64::from(u32::MAX)), "line": self.number(u64::from(u32::MAX)),
                "head": self.head(), "context": [{ "label": self.word(), "value": i64::MAX }],
                "seq": self.number(u64::MAX), "text": self.word(), "values": [] } }),
            7 => {
                json!({ "source": { "path": self.word(), "hash": self.word(), "bytes": u64::MAX } })
            }
            8 => json!({ "ended": {
                "status": "finished", "seconds": self.seconds(), "florc_seconds": self.seconds() } }),
            _ => json!({ "checkpoint_dropped": { "cut": self.cut(), "reason": self.word() } }),
        }
    }
}

/// Header and records of a journal, as the runtime frames them.
fn journal(texts: &[String]) -> Vec<u8> {
    let mut bytes = b"FLORCJNL\x01\0\0\0".to_vec();
    let crc = crc32(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    for text in texts {
        let len = (text.len() as u32).to_le_bytes();
        bytes.extend_from_slice(&len);
        bytes.extend_from_slice(&crc32(&[&len, text.as_bytes()].concat()).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

fn manifest(project: &Path, random: &mut Random) -> Value {
    let source = SourceText::from_bytes("train.py", SCRIPT.as_bytes().to_vec()).unwrap();
    let module = instrument(source, &Options::default()).unwrap().manifest;
    let hash = if random.below(2) == 0 {
        random.word()
    } else {
        florc_runtime::content_hash(SCRIPT.as_bytes())
    };
    json!({
        "format": 1, "run": RUN, "name": random.word(), "florc": "0", "started": random.seconds(),
        "script": "train.py", "is_module": false, "argv": ["train.py"], "cwd": project, "project": project,
        "overhead_bound": random.seconds(), "checkpoints": "all",
        "environment": {
            "executable": random.word(), "python": "", "platform": "", "packages": {}, "hash_seed": null },
        "git": null, "sources": [{ "path": "train.py", "hash": hash, "bytes": u64::MAX }], "modules": [module],
    })
}

fn florc(project: &Path, line: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_florc"))
        .args(line.split(' '))
        .current_dir(project)
        .env_remove("FLORC_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        code.is_some_and(|it| it <= 2) && !said.contains("bug of florc"),
        "{line}: {code:?} {said}"
    );
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(!shown.contains("TOP SECRET") && !said.contains("TOP SECRET"));
}

const VERBS: [&str; 9] = [
    "show",
    "show --format json",
    "logs",
    "logs --format csv",
    "runs",
    "fsck",
    "du",
    "replay --dry-run",
    "export latest --at end -o x.pt",
];

#[test]
fn every_verb_answers_to_a_made_up_store() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(folder.path().join("secret"), "TOP SECRET").unwrap();
    fs::write(
        project.join("train.py"),
        SCRIPT.replace("    print", "    print(epoch)\n    print"),
    )
    .unwrap();
    let run = project.join(".florc/runs").join(RUN);
    let hash = florc_runtime::content_hash(SCRIPT.as_bytes());
    fs::create_dir_all(run.join("sources")).unwrap();
    fs::write(run.join("sources").join(hash), SCRIPT).unwrap();
    let rounds: u64 = std::env::var("FLORC_FAULTS").map_or(25, |it| it.parse().unwrap());
    for round in 0..rounds {
        let mut random = Random(round);
        let manifest = manifest(&project, &mut random);
        fs::write(
            run.join("manifest.json"),
            to_checked_json(&manifest).unwrap(),
        )
        .unwrap();
        let count = random.below(12);
        let mut records: Vec<String> = (0..count).map(|_| random.record().to_string()).collect();
        match random.below(8) {
            0 => records.push("[".repeat(200_000)),
            1 => records.push(format!(
                "{{\"note\":{}1{}}}",
                "[".repeat(5000),
                "]".repeat(5000)
            )),
            2 => records.push("{\"nothing\":1}".to_owned()),
            _ => {}
        }
        fs::write(run.join("journal-0"), journal(&records)).unwrap();
        for verb in VERBS {
            florc(&project, verb);
        }
    }
    florc(&project, "fsck --rebuild");
    florc(&project, "gc --keep 0");
    assert!(folder.path().join("secret").exists());
}
