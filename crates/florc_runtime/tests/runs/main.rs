//! Runs of a made-up training: recorded, damaged, found, replayed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod entries;
mod faults;
mod kills;
mod recording;
mod replay;
mod resume;
mod training;
