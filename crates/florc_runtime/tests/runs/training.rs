//! A made-up training that talks to recorder and replayer as the hooks of a real one do.
//!
//! ```python
//! print("begin")                                   # site 0
//! for epoch in range(EPOCHS):
//!     for step in range(STEPS):                    # SkipBlock
//!         weights += random(); total += weights[0]
//!         print(total)                             # site 1, a probe
//!     print(epoch, total)                          # site 2
//!     print(weights.sum())                         # site 3, a probe
//! print("end", total)                              # site 4
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use florc_manifest::{
    CutKey, Environment, FORMAT_VERSION, GuardSite, HeadKey, LIBRARY_READS, Leap, LogKind, LogSite,
    MainLoopSite, ModuleManifest, ModuleText, Place, ReplayPlan, Root, RunManifest, RunStatus,
    Segment, SegmentEnd, SegmentStart, SkipBlockSite, SourceSpan, Value, Verdict,
};
use florc_runtime::{
    Checkpoint, Content, Graph, HeadStep, LogEvent, Mode, Node, NodeId, RecordConfig, Recorder,
    ReplayError, Replayer, Shard, Snapshot, Step, StorageId, StorageInfo, Store, read_shard,
};

pub(crate) const EPOCHS: u64 = 6;
pub(crate) const STEPS: u64 = 3;
pub(crate) const MAIN: &str = "train.py:epoch";
pub(crate) const BLOCK: &str = "train.py:epoch/step";
const WEIGHTS: usize = 1000;

/// The outer world: never gives the same again.
fn world() -> i64 {
    static READS: AtomicI64 = AtomicI64::new(0);
    READS.fetch_add(1, Ordering::Relaxed)
}

/// State of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Program {
    pub(crate) weights: Vec<f64>,
    pub(crate) total: f64,
    pub(crate) random: i64,
    /// What the clock told last.
    pub(crate) stamp: i64,
}

/// What makes a run differ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Seed; a probe of unseeded randomness differs here.
    pub(crate) seed: i64,
    /// An exception in this epoch.
    pub(crate) raises: Option<u64>,
    /// Dies without a word in this epoch.
    pub(crate) dies: Option<u64>,
    /// A step computes something else in this epoch.
    pub(crate) drifts: Option<u64>,
    /// A guarded function runs in a step of this epoch, unexpected in this region.
    pub(crate) surprises: Option<(u64, &'static str)>,
}

impl Program {
    pub(crate) fn new(seed: i64) -> Self {
        Self {
            weights: (0..WEIGHTS).map(|at| (at as f64 + 2.0).sqrt()).collect(),
            total: 0.0,
            random: seed,
            stamp: 0,
        }
    }

    fn step(&mut self) {
        for weight in &mut self.weights {
            self.random = self
                .random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *weight += (self.random >> 40) as f64 * 1e-12;
        }
        self.total += self.weights[0];
    }

    pub(crate) fn capture(&self) -> Snapshot {
        let mut graph = Graph::default();
        let buffer: Vec<u8> = self
            .weights
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        let weights = graph.push(Node::Array {
            class: None,
            dtype: "<f8".into(),
            shape: vec![WEIGHTS as u64],
            strides: vec![8],
            storage: StorageId(0),
            offset: 0,
            writeable: true,
            attributes: vec![],
        });
        let total = graph.push(Node::Float(self.total.to_bits()));
        let stamp = graph.push(Node::Int(self.stamp));
        let random = graph.push(Node::Int(self.random));
        graph.roots = vec![
            ("weights".into(), weights),
            ("total".into(), total),
            ("stamp".into(), stamp),
        ];
        graph.hidden = vec![("random".into(), random)];
        graph.storages.push(StorageInfo {
            bytes: buffer.len() as u64,
            start: 0,
            device: "cpu".into(),
            element: 8,
            content: Content::Buffer,
        });
        Snapshot {
            graph,
            buffers: vec![buffer].into(),
        }
    }

    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint) {
        let graph = &checkpoint.graph;
        let bytes = checkpoint.storage(StorageId(0)).unwrap();
        let numbers = bytes
            .chunks_exact(8)
            .map(|it| f64::from_le_bytes(it.try_into().unwrap()));
        self.weights = numbers.collect();
        let node = |id: Option<NodeId>| graph.node(id.unwrap()).unwrap();
        if let Node::Float(bits) = node(graph.root("total")) {
            self.total = f64::from_bits(*bits);
        }
        if let Node::Int(stamp) = node(graph.root("stamp")) {
            self.stamp = *stamp;
        }
        if let Node::Int(random) = node(Some(graph.hidden[0].1)) {
            self.random = *random;
        }
    }
}

/// A log statement's text and values: site, then what is printed.
fn event(site: u32, text: String, value: f64) -> LogEvent {
    LogEvent {
        site,
        line: site + 1,
        text,
        values: vec![("value".into(), Value::Float(value))],
    }
}

/// All rows of a plain run with probes: site, epoch and text.
pub(crate) fn from_scratch(seed: i64) -> Vec<(u32, String)> {
    let mut rows = Vec::new();
    let mut program = Program::new(seed);
    for epoch in 0..EPOCHS {
        for _ in 0..STEPS {
            program.step();
            rows.push((1, format!("{}", program.total)));
        }
        rows.push((
            3,
            format!("{epoch} {}", program.weights.iter().sum::<f64>()),
        ));
    }
    rows
}

pub(crate) fn record(store: &Path, mode: Mode, manner: Manner) -> Recorder {
    record_with(store, mode, manner, |_, _| {})
}

pub(crate) fn record_with(
    store: &Path,
    mode: Mode,
    manner: Manner,
    each_epoch: impl Fn(&Recorder, u64),
) -> Recorder {
    let config = RecordConfig {
        store: store.to_owned(),
        mode,
        memory_limit: 1 << 20,
        storage_limit: None,
    };
    record_as(&config, manner, each_epoch)
}

pub(crate) fn record_as(
    config: &RecordConfig,
    manner: Manner,
    each_epoch: impl Fn(&Recorder, u64),
) -> Recorder {
    let sources = [("train.py".to_owned(), b"print('begin')\n".to_vec())];
    let mut recorder = Recorder::start(config, manifest(), &sources);
    let mut program = Program::new(manner.seed);
    recorder.log(event(0, "begin".into(), 0.0));
    let inputs = BTreeMap::from([("steps".to_owned(), "3".to_owned())]);
    recorder.loop_entered(MAIN, Some(EPOCHS), inputs, true);
    for epoch in 0..EPOCHS {
        let head = recorder.head(Some(epoch.cast_signed())).unwrap();
        if head.capture {
            submit(&mut recorder, CutKey::Head(head.key), &program);
        }
        each_epoch(&recorder, epoch);
        if manner.dies == Some(epoch) {
            return recorder;
        }
        if manner.raises == Some(epoch) {
            recorder.abandon();
            recorder.finish(RunStatus::Raised {
                exception: "ValueError: no".into(),
            });
            return recorder;
        }
        body(&mut recorder, &mut program, epoch, manner);
    }
    end(recorder, &program)
}

/// An iteration after its head.
fn body(recorder: &mut Recorder, program: &mut Program, epoch: u64, manner: Manner) {
    assert!(recorder.step_into(BLOCK));
    for _ in 0..STEPS {
        program.stamp = world();
        recorder.clock(0, Some(Value::Int(program.stamp)), u64::MAX);
        program.step();
    }
    if manner.drifts == Some(epoch) {
        program.weights[17] += 1e-12;
    }
    if let Some((at, region)) = manner.surprises
        && at == epoch
    {
        surprise(recorder, region);
    }
    if let Some(block) = recorder.block_end(BLOCK) {
        submit(recorder, CutKey::Block(block), program);
    }
    let stamp = world();
    recorder.clock(LIBRARY_READS + 1, Some(Value::Int(stamp)), u64::MAX);
    recorder.log(event(
        1,
        format!("{epoch} {} {stamp} {}", program.total, program.stamp),
        program.total,
    ));
}

/// A guarded function is called, again and again.
fn surprise(recorder: &mut Recorder, region: &str) {
    let guard = GuardSite {
        function: "Part.__del__".into(),
        span: SourceSpan {
            file: String::new(),
            start: 0,
            end: 1,
            line: 1,
            column: 0,
        },
        changes: true,
        sites: vec![region.to_owned()],
    };
    for is_first in [true, false] {
        let found = recorder.unexpected(0, &guard).map(str::to_owned);
        assert_eq!(found.is_some(), is_first && [MAIN, BLOCK].contains(&region));
        if let Some(found) = found {
            recorder.entered(0, &guard, &found);
        }
    }
}

fn end(mut recorder: Recorder, program: &Program) -> Recorder {
    if let Some(exit) = recorder.leave() {
        submit(&mut recorder, exit, program);
    }
    recorder.log(event(2, format!("end {}", program.total), program.total));
    recorder.finish(RunStatus::Finished);
    recorder
}

/// Goes on with the latest run. `spoil` is done to the state that was put back.
pub(crate) fn resume(
    config: &RecordConfig,
    spoil: impl Fn(&mut Program),
) -> Result<Recorder, ReplayError> {
    let run = Store::open(&config.store).unwrap().latest(None).unwrap();
    let mut replayer = Replayer::resuming(&run, None)?;
    let mut program = Program::new(0);
    replayer.log(event(0, "begin".into(), 0.0));
    let inputs = BTreeMap::from([("steps".to_owned(), "3".to_owned())]);
    let entry = replayer.main_enter(MAIN, &inputs, true)?.unwrap();
    assert!(!replayer.has_missed(entry.instance));
    let mut epoch = entry.jump.map_or(0, |jump| jump.iteration);
    let key = loop {
        match replayer.head(Some(epoch.cast_signed())) {
            HeadStep::Restore(key) => {
                program.restore(&replayer.checkpoint(&CutKey::Head(key))?);
                spoil(&mut program);
            }
            HeadStep::Stop(key) => break key,
            HeadStep::Run(_) | HeadStep::Check(_) | HeadStep::Ignore => {}
        }
        assert_eq!(replayer.step_into(BLOCK), Step::Execute);
        for _ in 0..STEPS {
            program.stamp = read(&mut replayer, 0);
            program.step();
        }
        replayer.block_end(BLOCK);
        let stamp = read(&mut replayer, LIBRARY_READS + 1);
        let text = format!("{epoch} {} {stamp} {}", program.total, program.stamp);
        replayer.log(event(1, text, program.total));
        epoch += 1;
    };
    replayer.verify(&CutKey::Head(key), program.capture());
    let mut recorder = replayer.go_on(key, config)?;
    body(&mut recorder, &mut program, epoch, Manner::default());
    for epoch in epoch + 1..EPOCHS {
        let head = recorder.head(Some(epoch.cast_signed())).unwrap();
        if head.capture {
            submit(&mut recorder, CutKey::Head(head.key), &program);
        }
        body(&mut recorder, &mut program, epoch, Manner::default());
    }
    Ok(end(recorder, &program))
}

fn submit(recorder: &mut Recorder, cut: CutKey, program: &Program) {
    if recorder.admit(&cut, 8 * WEIGHTS as u64) {
        recorder.submit(cut, (program.capture(), None), 0.0, vec![]);
    }
}

/// What a replay is to do.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) starts: Vec<u64>,
    pub(crate) inner_probe: bool,
    pub(crate) wanted: Vec<u64>,
    /// Last epoch that is replayed; the program's end when `None`.
    pub(crate) until: Option<u64>,
    /// Of every segment.
    pub(crate) leaps: Vec<Leap>,
}

pub(crate) fn head(iteration: u64) -> HeadKey {
    HeadKey {
        instance: 0,
        iteration,
    }
}

/// Writes a plan with a segment from the beginning and one from each of `starts`.
pub(crate) fn plan(store: &Path, run: &str, ask: &Ask) -> PathBuf {
    let replay = Store::open(store).unwrap().create_replay().unwrap();
    let starts: Vec<SegmentStart> = [SegmentStart::Beginning]
        .into_iter()
        .chain(
            ask.starts
                .iter()
                .map(|start| SegmentStart::Head(head(*start))),
        )
        .collect();
    let last = ask
        .until
        .map_or(SegmentEnd::Program, |until| SegmentEnd::Head(head(until)));
    let ends = ask
        .starts
        .iter()
        .map(|start| SegmentEnd::Head(head(*start)))
        .chain([last]);
    let segments = starts
        .into_iter()
        .zip(ends)
        .enumerate()
        .map(|(index, (start, end))| Segment {
            index: index as u32,
            start,
            end,
            wanted: ask.wanted.iter().map(|epoch| head(*epoch)).collect(),
            leaps: ask.leaps.clone(),
        });
    let plan = ReplayPlan {
        format: FORMAT_VERSION,
        replay: replay.clone(),
        run: run.to_owned(),
        store: store.to_str().unwrap().to_owned(),
        world_size: 1,
        modules: vec![ModuleText {
            excerpt: Vec::new(),
            path: "train.py".into(),
            file: "train.py".into(),
            name: "__main__".into(),
            package: String::new(),
            source_file: "train.py".into(),
        }],
        forward_sites: vec![Some(0), None, Some(1), None, Some(2)],
        clock_sites: vec![Some(0), Some(1), None],
        executed_blocks: if ask.inner_probe {
            vec![BLOCK.into()]
        } else {
            vec![]
        },
        segments: segments.collect(),
        ..ReplayPlan::default()
    };
    let path = store.join("replays").join(replay).join("plan.json");
    std::fs::write(&path, serde_json::to_vec(&plan).unwrap()).unwrap();
    path
}

/// Runs one segment as a worker does.
pub(crate) fn replay(plan: &Path, segment: u32, manner: Manner) -> Shard {
    let Some(mut replayer) = Replayer::open(plan, segment, 0).unwrap() else {
        panic!("done before")
    };
    if let Err(error) = run_segment(&mut replayer, manner) {
        replayer.fail(&error);
    }
    replayer.finish().unwrap();
    read_shard(plan.parent().unwrap(), segment, 0)
        .unwrap()
        .unwrap()
}

fn run_block(replayer: &mut Replayer, program: &mut Program, drifts: bool) {
    match replayer.step_into(BLOCK) {
        Step::Execute => {
            for _ in 0..STEPS {
                assert_eq!(replayer.clock(2, u64::MAX), None);
                program.stamp = read(replayer, 0);
                program.step();
                replayer.log(event(1, format!("{}", program.total), program.total));
            }
            if drifts {
                program.weights[17] += 1e-12;
            }
            if let Some(block) = replayer.block_end(BLOCK) {
                replayer.verify(&CutKey::Block(block), program.capture());
            }
        }
        Step::Skip(block) => {
            program.restore(&replayer.checkpoint(&CutKey::Block(block)).unwrap());
            replayer.block_end(BLOCK);
        }
    }
}

fn run_segment(replayer: &mut Replayer, manner: Manner) -> Result<(), String> {
    let mut program = Program::new(manner.seed);
    replayer.log(event(0, "begin".into(), 0.0));
    let inputs = BTreeMap::from([("steps".to_owned(), "3".to_owned())]);
    let entry = replayer
        .main_enter(MAIN, &inputs, true)
        .map_err(|error| error.to_string())?;
    let first = entry
        .and_then(|entry| entry.jump)
        .map_or(0, |jump| jump.iteration);
    let mut epochs = first..EPOCHS;
    while let Some(epoch) = epochs.next() {
        match replayer.head(Some(epoch.cast_signed())) {
            HeadStep::Run(_) | HeadStep::Ignore => {}
            HeadStep::Restore(key) => {
                program.restore(&replayer.checkpoint(&CutKey::Head(key)).unwrap());
            }
            HeadStep::Check(key) => replayer.verify(&CutKey::Head(key), program.capture()),
            HeadStep::Stop(key) => {
                replayer.verify(&CutKey::Head(key), program.capture());
                return Ok(());
            }
        }
        if manner.raises == Some(epoch) {
            replayer.abandon();
            return Ok(());
        }
        run_block(replayer, &mut program, manner.drifts == Some(epoch));
        let stamp = read(replayer, LIBRARY_READS + 1);
        replayer.log(event(
            2,
            format!("{epoch} {} {stamp} {}", program.total, program.stamp),
            program.total,
        ));
        let sum: f64 = program.weights.iter().sum();
        replayer.log(event(3, format!("{epoch} {sum}"), sum));
        if let Some(left_out) = replayer.leap() {
            epochs.start += left_out;
        }
    }
    if let Some(exit) = replayer.leave() {
        replayer.verify(&exit, program.capture());
    }
    replayer.log(event(4, format!("end {}", program.total), program.total));
    Ok(())
}

/// What the clock told while recording.
fn read(replayer: &mut Replayer, site: u32) -> i64 {
    match replayer.clock(site, u64::MAX) {
        Some(Value::Int(read)) => read,
        _ => world(),
    }
}

/// Rows of all segments in order, and their verdicts.
pub(crate) fn replay_all(
    plan: &Path,
    segments: u32,
    manner: Manner,
) -> (Vec<(u32, String)>, Vec<Verdict>) {
    let shards: Vec<Shard> = (0..segments).map(|it| replay(plan, it, manner)).collect();
    let rows = shards.iter().flat_map(|shard| &shard.rows);
    let rows = rows.map(|row| (row.site, row.text.clone())).collect();
    (
        rows,
        shards.into_iter().map(|shard| shard.verdict).collect(),
    )
}

pub(crate) fn manifest() -> RunManifest {
    RunManifest {
        launch_seconds: 0.0,
        format: 0,
        run: String::new(),
        name: Some("first".into()),
        florc: "0.1.0".into(),
        started: 0.0,
        script: "train.py".into(),
        is_module: false,
        argv: vec!["train.py".into()],
        cwd: "/".into(),
        project: "/".into(),
        overhead_bound: 0.02,
        checkpoints: "all".into(),
        settings: florc_manifest::Settings::default(),
        environment: Environment::default(),
        git: None,
        sources: vec![],
        modules: vec![module()],
        program: vec![],
        ranks: None,
        parent: None,
    }
}

#[expect(clippy::too_many_lines, reason = "one literal")]
fn module() -> ModuleManifest {
    let span = SourceSpan {
        file: String::new(),
        start: 0,
        end: 1,
        line: 1,
        column: 0,
    };
    let root = |name: &str| Root {
        name: name.into(),
        module: String::new(),
        place: Place::Local,
        live: true,
        always_bound: true,
        replaced: false,
        held: false,
        reasons: vec![],
    };
    let log = |line| LogSite {
        kind: LogKind::Print,
        function: String::new(),
        span: SourceSpan {
            line,
            ..span.clone()
        },
        callee: "print".into(),
        columns: vec![],
        arguments: vec![],
    };
    let main_loop = MainLoopSite {
        id: MAIN.into(),
        label: "epoch".into(),
        function: String::new(),
        span: span.clone(),
        is_for: true,
        recreatable: true,
        asks: false,
        roots: vec![root("weights"), root("total"), root("stamp")],
        passed: 2,
        returned: vec![],
        inputs: vec![root("steps")],
    };
    let block = SkipBlockSite {
        writes: true,
        redirected: false,
        differentiated: false,
        id: BLOCK.into(),
        function: String::new(),
        span: span.clone(),
        roots: vec![root("weights"), root("total"), root("stamp")],
        passed: 2,
        restore_arguments: vec![],
        restore_results: vec![],
        has_logs: false,
    };
    let clock = florc_manifest::ClockSite {
        callee: "time.time".into(),
        span: span.clone(),
    };
    ModuleManifest {
        file: "train.py".into(),
        main_loops: vec![main_loop],
        skip_blocks: vec![block],
        logs: vec![log(1), log(5), log(7)],
        clocks: vec![clock.clone(), clock],
        ..ModuleManifest::default()
    }
}
