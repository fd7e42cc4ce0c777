//! Snapshots on the fake driver: never torn, whatever runs when.

use crate::device::{Device, Source, Staged};
use crate::fake::{self, DRIVER, Machine};

/// Opens the machine with a number that no other test has.
fn open(number: i32) -> &'static Device {
    Box::leak(Box::new(Device::open(&DRIVER, number).unwrap()))
}

fn add_one(machine: &mut Machine, stream: usize, source: Source) {
    machine.kernel(stream, move |memory| {
        for byte in memory.at(source.address, source.bytes) {
            *byte = byte.wrapping_add(1);
        }
    });
}

fn source(machine: &mut Machine, content: &[u8]) -> Source {
    Source {
        address: machine.with(content),
        bytes: content.len(),
    }
}

fn fetched(staged: Staged, sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut buffers: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0; *size]).collect();
    staged
        .fetch(buffers.iter_mut().map(Vec::as_mut_slice))
        .unwrap();
    buffers
}

/// Streams that write before and after; the snapshot is of the moment between, in any order of
/// steps.
#[test]
fn no_writer_tears_a_snapshot() {
    for seed in 0..200 {
        let number = 1000 + seed;
        let device = open(number);
        let (sources, streams) = fake::on(number, |machine| {
            machine.shuffle(seed.cast_unsigned().into());
            let sources = [
                source(machine, &[0; 700]),
                source(machine, &[]),
                source(machine, &[10; 3]),
            ];
            let streams = [fake::DEFAULT, machine.stream(), machine.stream()];
            for stream in streams {
                add_one(machine, stream, sources[0]);
            }
            add_one(machine, streams[2], sources[2]);
            (sources, streams)
        });
        let staged = device.stage(&sources).unwrap().unwrap();
        fake::on(number, |machine| {
            let late = machine.stream();
            for stream in streams.into_iter().chain([late]) {
                add_one(machine, stream, sources[0]);
                add_one(machine, stream, sources[2]);
            }
        });
        assert_eq!(
            fetched(staged, &[700, 0, 3]),
            [vec![3; 700], vec![], vec![11; 3]]
        );
        fake::on(number, |machine| {
            machine.finish();
            let (blocks, broken) = machine.state();
            assert_eq!(
                (blocks, broken),
                (3, [].as_slice()),
                "what was put aside is gone"
            );
        });
    }
}

#[test]
fn two_snapshots_are_of_two_moments() {
    for seed in 0..50 {
        let number = 2000 + seed;
        let device = open(number);
        let it = fake::on(number, |machine| {
            machine.shuffle(seed.cast_unsigned().into());
            source(machine, &[0; 9])
        });
        let first = device.stage(&[it]).unwrap().unwrap();
        fake::on(number, |machine| add_one(machine, fake::DEFAULT, it));
        let second = device.stage(&[it]).unwrap().unwrap();
        fake::on(number, |machine| add_one(machine, fake::DEFAULT, it));
        assert_eq!(fetched(second, &[9]), [[1; 9]]);
        assert_eq!(fetched(first, &[9]), [[0; 9]]);
    }
}

#[test]
fn bytes_are_read_and_written_in_the_order_of_the_program() {
    let device = open(1);
    let it = fake::on(1, |machine| {
        let it = source(machine, &[5; 100]);
        add_one(machine, fake::DEFAULT, it);
        it
    });
    let mut buffer = [0; 100];
    device.read(&mut [(it, &mut buffer)]).unwrap();
    assert_eq!(buffer, [6; 100]);
    fake::on(1, |machine| add_one(machine, fake::DEFAULT, it));
    device.write(it.address, &[1; 100]).unwrap();
    device.read(&mut [(it, &mut buffer)]).unwrap();
    assert_eq!(buffer, [1; 100]);
}

#[test]
fn a_device_without_room_is_left_alone() {
    let device = open(2);
    let it = fake::on(2, |machine| {
        machine.free = 1999;
        source(machine, &[0; 1000])
    });
    assert!(
        device.stage(&[it]).unwrap().is_none(),
        "more than half of it"
    );
    fake::on(2, |machine| {
        machine.free = 2000;
        machine.failing.insert("alloc", 0);
    });
    assert!(device.stage(&[it]).unwrap().is_none(), "others were faster");
}

#[test]
fn whatever_fails_is_an_error_and_leaves_nothing() {
    let calls = [
        "memory_info",
        "event_create",
        "context_record",
        "stream_wait",
        "copy_within",
        "event_record",
        "context_wait",
        "capture_mode",
    ];
    for (at, name) in (0..).zip(calls) {
        let number = 3000 + at;
        let device = open(number);
        let it = fake::on(number, |machine| {
            machine.failing.insert(name, 0);
            source(machine, &[0; 1000])
        });
        let error = device.stage(&[it]).unwrap_err().to_string();
        assert!(
            error.starts_with("CUDA cannot") && error.ends_with("out of memory (2)"),
            "{error}"
        );
        assert_eq!(fake::mode(), 0, "graphs of this thread count as before");
        fake::on(number, |machine| {
            machine.finish();
            assert_eq!(machine.state(), (1, [].as_slice()), "{name}");
        });
    }
}

#[test]
fn large_memory_arrives_in_pieces() {
    let device = open(5);
    let content: Vec<u8> = (0..50_000_000_u32).map(|at| (at % 251) as u8).collect();
    let sources = fake::on(5, |machine| {
        [source(machine, &content), source(machine, &content[7..])]
    });
    let staged = device.stage(&sources).unwrap().unwrap();
    let arrived = fetched(staged, &[content.len(), content.len() - 7]);
    assert!(arrived[0] == content && arrived[1] == content[7..]);
}

#[test]
fn a_fetch_that_fails_has_let_go_of_the_buffers() {
    let calls = [
        ("copy_to_host", 1),
        ("event_create", 0),
        ("event_record", 0),
        ("event_synchronize", 0),
    ];
    for (at, (name, left)) in (0..).zip(calls) {
        let number = 4000 + at;
        let device = open(number);
        let it = fake::on(number, |machine| source(machine, &[7; 1000]));
        let staged = device.stage(&[it, it]).unwrap().unwrap();
        fake::on(number, |machine| machine.failing.insert(name, left));
        let mut buffers = vec![vec![0_u8; 1000]; 2];
        let outcome = staged.fetch(buffers.iter_mut().map(Vec::as_mut_slice));
        assert!(outcome.is_err(), "{name}");
        buffers.clear();
        fake::on(number, |machine| {
            machine.finish();
            assert_eq!(machine.state(), (1, [].as_slice()), "{name}");
        });
    }
}

#[test]
fn memory_is_locked_as_long_as_it_is_kept() {
    let device = open(3);
    let mut memory = vec![0; 70 << 20];
    let locked = device.lock(&mut memory).unwrap();
    fake::on(3, |machine| {
        let pieces: Vec<usize> = machine.locked.values().copied().collect();
        assert_eq!(pieces.iter().sum::<usize>(), memory.len());
        assert!(
            pieces.len() > 2 && pieces.iter().all(|it| *it <= 32 << 20),
            "{pieces:?}"
        );
    });
    drop(locked);
    fake::on(3, |machine| {
        assert!(machine.locked.is_empty());
        machine.failing.insert("host_register", 1);
    });
    assert!(device.lock(&mut memory).is_none());
    assert!(
        fake::on(3, |machine| machine.locked.is_empty()),
        "not a part of it"
    );
}
