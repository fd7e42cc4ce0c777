//! Packs that somebody made up: all hashes fit, nothing else does.
//!
//! Graphs are drawn from a seed, and encoded footers are changed at random before they are hashed.
//! Nothing may panic, take more memory than the file is worth, or read outside of its directory.

use super::*;
use crate::checkpoint::Checkpoint;
use crate::diff::{State, first_difference};
use crate::export::{ExportFormat, export};
use crate::graph::{Attributes, Node, NodeId, StorageId, StorageInfo};
use crate::state_hash::state_hash;
use florc_manifest::{CutKey, HeadKey};

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small, or at an edge.
    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::MAX - self.below(3),
            1 => (1 << 63) + self.below(3) - 1,
            2 => u64::from(u32::MAX) + self.below(3) - 1,
            3 => 1 << self.below(64),
            _ => self.below(9),
        }
    }

    fn node(&mut self) -> NodeId {
        match self.below(400) {
            0 => NodeId(u32::MAX),
            _ => NodeId(self.below(12) as u32),
        }
    }

    fn nodes(&mut self) -> Vec<NodeId> {
        (0..self.below(4)).map(|_| self.node()).collect()
    }

    fn some(&mut self) -> Option<NodeId> {
        (self.below(2) == 0).then(|| self.node())
    }

    fn name(&mut self) -> String {
        let names = [
            "_parameters",
            "_buffers",
            "_modules",
            "weight",
            "",
            "../../x",
            "a.b",
            "\0",
        ];
        names[self.below(names.len() as u64) as usize].to_owned()
    }

    fn attributes(&mut self) -> Attributes {
        (0..self.below(4))
            .map(|_| (self.name(), self.node()))
            .collect()
    }

    fn sizes(&mut self) -> Vec<u64> {
        (0..self.below(4)).map(|_| self.number()).collect()
    }

    fn steps(&mut self) -> Vec<i64> {
        (0..self.below(4))
            .map(|_| self.number().cast_signed())
            .collect()
    }

    fn storage(&mut self) -> StorageId {
        StorageId(self.below(4) as u32)
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn object(&mut self) -> Node {
        match self.below(14) {
            0 => Node::Tuple {
                class: self.some(),
                items: self.nodes(),
            },
            1 => Node::List {
                class: self.some(),
                items: self.nodes(),
                attributes: self.attributes(),
            },
            2 => Node::Dict {
                class: None,
                items: (0..self.below(4))
                    .map(|_| (self.node(), self.node()))
                    .collect(),
                attributes: self.attributes(),
                extra: self.some(),
            },
            3 => Node::Set {
                class: None,
                frozen: self.below(2) == 0,
                items: self.nodes(),
                attributes: self.attributes(),
            },
            4 => Node::Object {
                class: self.node(),
                attributes: self.attributes(),
                slots: self.attributes(),
                payload: self.some(),
            },
            5 => Node::Cell(self.some()),
            6 => Node::Range {
                bounds: [self.node(), self.node(), self.node()],
            },
            7 => Node::Str(self.name()),
            8 => Node::Int(self.number().cast_signed()),
            9 | 10 => Node::Array {
                class: self.some(),
                dtype: ["<f4", "|u1", "<c16", "{evil"][self.below(4) as usize].to_owned(),
                shape: self.sizes(),
                strides: self.steps(),
                storage: self.storage(),
                offset: self.number(),
                writeable: true,
                attributes: self.attributes(),
            },
            _ => Node::Tensor {
                class: self.node(),
                dtype: ["float32", "bool", "float8_e5m2", "object"][self.below(4) as usize]
                    .to_owned(),
                shape: self.sizes(),
                strides: self.steps(),
                offset: self.number(),
                storage: self.storage(),
                device: self.name(),
                requires_grad: true,
                is_leaf: true,
                grad: self.some(),
                grad_fn: None,
                attributes: self.attributes(),
            },
        }
    }

    fn graph(&mut self, chunk: ChunkId) -> Graph {
        let nodes = (0..12).map(|_| self.object()).collect();
        let mut graph = Graph {
            nodes,
            ..Graph::default()
        };
        graph.roots = self.attributes();
        graph.roots.push(("model".into(), NodeId(0)));
        graph.hidden = self.attributes();
        for _ in 0..4 {
            let content = match self.below(30) {
                0 => Content::Buffer,
                1..6 => Content::Inline(vec![1; self.below(99) as usize]),
                _ => Content::Chunks(vec![chunk; self.below(4) as usize]),
            };
            let honest = match &content {
                Content::Inline(bytes) => bytes.len() as u64,
                Content::Chunks(ids) => 5000 * ids.len() as u64,
                Content::Buffer => 0,
            };
            let bytes = if self.below(30) == 0 {
                self.number()
            } else {
                honest
            };
            let element = self.number() as u8;
            graph.storages.push(StorageInfo {
                bytes,
                start: self.number(),
                device: "cpu".into(),
                element,
                content,
            });
        }
        graph
    }
}

fn record() -> CheckpointRecord {
    let head = HeadKey {
        instance: u32::MAX,
        iteration: u64::MAX,
    };
    CheckpointRecord {
        cut: CutKey::Head(head),
        pack: "../../../etc/passwd".into(),
        state_hash: String::new(),
        pack_hash: String::new(),
        raw_bytes: u64::MAX,
        stored_bytes: u64::MAX,
        stall_seconds: f64::MAX,
        background_seconds: 0.0,
        absent: vec![],
        missing: vec![],
    }
}

/// A pack of one real chunk, with this footer and hashes that fit.
fn write(path: &Path, footer: &[u8], at: u64, len: u64) {
    let mut bytes = fs::read(path.with_file_name("0-0.pack")).unwrap();
    bytes.truncate(at as usize);
    bytes.extend_from_slice(footer);
    bytes.resize(bytes.len().next_multiple_of(64), 0);
    bytes.extend_from_slice(&trailer(
        at,
        len,
        &footer_hash(&header(), footer, at),
        FORMAT_VERSION,
    ));
    fs::write(path, bytes).unwrap();
}

/// Whatever can be done with a pack.
fn use_all(path: &Path) {
    let Ok(pack) = open_pack(path) else {
        return;
    };
    let _ = (pack.bad_chunks(&mut Seen::new()), pack.check_lengths());
    assert!(pack.needs().len() < 100 && pack.record.pack == "0-1.pack");
    let Ok(checkpoint) = Checkpoint::load(pack.record.clone(), pack) else {
        return;
    };
    state_hash(&checkpoint.graph);
    let state = State {
        graph: &checkpoint.graph,
        chunks: &checkpoint,
    };
    assert_eq!(first_difference(state, state).map(|it| it.detail), None);
    for format in [ExportFormat::Safetensors, ExportFormat::Torch] {
        let out = path.with_file_name("export");
        if export(&checkpoint, Some("model"), format, &out).is_ok() {
            assert!(fs::metadata(&out).unwrap().len() < 100 << 20);
        }
    }
}

/// A directory with a pack of one chunk: where its footer begins, the chunk and its place.
fn honest(directory: &Path) -> (u64, ChunkId, ChunkPlace) {
    let mut writer = PackWriter::create(&directory.join("0-0.pack")).unwrap();
    let raw = [7; 5000];
    let id: ChunkId = *blake3::hash(&raw).as_bytes();
    let (place, _) = writer.chunk(id, &raw, 1).unwrap();
    let at = writer.output.at;
    writer.finish(&record(), Graph::default()).unwrap();
    (at, id, place)
}

#[test]
fn made_up_packs_are_refused_or_read_and_nothing_worse() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("packs");
    fs::create_dir(&inner).unwrap();
    let (at, id, place) = honest(&inner);
    let path = inner.join("0-1.pack");
    let mut random = Random(11);
    let mut read = 0;
    let rounds = std::env::var("FLORC_FAULTS").map_or(1500, |it| it.parse().unwrap());
    for _ in 0..rounds {
        let mut chunks = vec![(id, place.clone())];
        if random.below(4) == 0 {
            let names = [
                "../0-0.pack",
                "/etc/passwd",
                "0-0.pack",
                "0-1.pack",
                "",
                ".",
                "nul\0",
            ];
            let place = ChunkPlace {
                pack: Some(names[random.below(7) as usize].to_owned()),
                offset: random.number(),
                codec: random.number() as u8,
                raw_len: random.number(),
                stored_len: random.number(),
                base: match random.below(4) {
                    0 => Some(id),
                    1 => Some([random.below(3) as u8; 32]),
                    _ => None,
                },
            };
            chunks.push(([random.below(3) as u8; 32], place));
        }
        let footer = Footer {
            record: serde_json::to_string(&record()).unwrap(),
            graph: random.graph(id),
            chunks,
        };
        let mut bytes = postcard::to_stdvec(&footer).unwrap();
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] = random.number() as u8,
                1 => bytes.truncate(at.max(1)),
                _ => bytes
                    .splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f])
                    .for_each(drop),
            }
        }
        write(&path, &bytes, at, bytes.len() as u64);
        read += usize::from(open_pack(&path).is_ok());
        use_all(&path);
    }
    assert!(
        read > 100,
        "most are refused at once, so nothing was tried: {read}"
    );
}

#[test]
fn a_chunk_outside_of_the_directory_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("packs");
    fs::create_dir(&inner).unwrap();
    let (at, id, place) = honest(&inner);
    fs::copy(inner.join("0-0.pack"), directory.path().join("0-0.pack")).unwrap();
    let mut graph = Graph::default();
    graph.storages.push(StorageInfo {
        bytes: 5000,
        start: 0,
        device: "cpu".into(),
        element: 1,
        content: Content::Chunks(vec![id]),
    });
    let outside = directory.path().join("0-0.pack").display().to_string();
    for (name, is_read) in [
        ("0-0.pack", true),
        ("../0-0.pack", false),
        (outside.as_str(), false),
    ] {
        let footer = Footer {
            record: serde_json::to_string(&record()).unwrap(),
            graph: graph.clone(),
            chunks: vec![(id, place.clone().in_pack(name))],
        };
        let bytes = postcard::to_stdvec(&footer).unwrap();
        let path = inner.join("0-1.pack");
        write(&path, &bytes, at, bytes.len() as u64);
        let pack = open_pack(&path).unwrap();
        assert_eq!(
            Checkpoint::load(pack.record.clone(), pack).is_ok(),
            is_read,
            "{name}"
        );
    }
}

#[test]
fn a_footer_that_claims_to_be_huge_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (at, ..) = honest(directory.path());
    let path = directory.path().join("0-1.pack");
    for len in [1 << 20, 1 << 40, u64::MAX - at, u64::MAX] {
        write(&path, b"small", at, len);
        assert!(open_pack(&path).is_err());
    }
    // a file of holes is as long as it likes
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1 << 42).unwrap();
    drop(file);
    let mut end = fs::OpenOptions::new().write(true).open(&path).unwrap();
    end.seek(SeekFrom::End(-64)).unwrap();
    end.write_all(&trailer(at, (1 << 42) - 64 - at, &[0; 32], FORMAT_VERSION))
        .unwrap();
    assert!(open_pack(&path).is_err());
}

#[test]
fn nesting_has_no_bound() {
    let directory = tempfile::tempdir().unwrap();
    let (at, ..) = honest(directory.path());
    let mut graph = Graph::default();
    for depth in 0..50_000 {
        graph.push(Node::Tuple {
            class: None,
            items: vec![NodeId(depth + 1)],
        });
    }
    graph.push(Node::None);
    graph.roots.push(("model".into(), NodeId(0)));
    let footer = Footer {
        record: serde_json::to_string(&record()).unwrap(),
        graph,
        chunks: Vec::<(ChunkId, ChunkPlace)>::new(),
    };
    let bytes = postcard::to_stdvec(&footer).unwrap();
    let path = directory.path().join("0-1.pack");
    write(&path, &bytes, at, bytes.len() as u64);
    use_all(&path);
}
