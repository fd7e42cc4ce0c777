//! Which checkpoints go when a run has used the disk space that it may use.
//!
//! ```text
//! 0 . . 3 . . 6 . 8 9        heads that are kept; a replay of what is asked starts at the one before
//!               ^            goes first: what has to be run again grows least
//! ```
//!
//! What a replay of a moment costs grows with its distance from the head before it, so wide distances
//! are avoided: the head goes that leaves the least distance between its neighbours, the oldest one
//! first. From then on new ones are taken no nearer to each other than that: they would be the next
//! to go. Ends of SkipBlocks go before heads, unless a head shares their chunks. The first head, the
//! latest exit and what belongs to the newest iteration stay. Time is an argument; deletes nothing.

use std::collections::{BTreeMap, BTreeSet};

/// What a checkpoint is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// A replay may start here.
    Head,
    /// The end of a SkipBlock.
    Block,
    /// After the main loop.
    Exit,
}

/// A checkpoint on the disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    /// Number of its pack.
    pub(crate) pack: u64,
    pub(crate) purpose: Use,
    /// When its iteration began.
    pub(crate) time: f64,
    /// Size of its pack.
    pub(crate) bytes: u64,
    /// Packs that hold chunks of it, and what these need: what is on the disk can be restored.
    pub(crate) needs: BTreeSet<u64>,
}

impl Kept {
    /// Packs with bytes of it.
    fn held(&self) -> impl Iterator<Item = u64> {
        let needs = self.needs.iter().filter(|pack| **pack != self.pack);
        needs.copied().chain([self.pack])
    }
}

/// Packs that go, and whether that is enough.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Thinned {
    pub(crate) gone: BTreeSet<u64>,
    pub(crate) is_enough: bool,
    /// Heads that are nearer to each other than that are taken in vain.
    pub(crate) spacing: f64,
}

/// Chooses packs to delete until at most `room` bytes are kept. `kept` is in order of time; what
/// begins at `newest` or later stays, and so do the packs of `held`.
pub(crate) fn thin(kept: &[Kept], room: u64, newest: f64, held: &BTreeSet<u64>) -> Thinned {
    if kept.iter().map(|it| it.bytes).sum::<u64>() <= room {
        return Thinned {
            is_enough: true,
            ..Thinned::default()
        };
    }
    let mut choice = Choice::new(kept, newest, held);
    let mut spacing: f64 = 0.0;
    while choice.bytes > room {
        if let Some(extra) = choice.next_extra() {
            choice.drop(extra);
        } else if let Some((distance, head)) = choice.next_head() {
            spacing = distance.max(spacing);
            choice.drop(head);
        } else {
            break;
        }
    }
    Thinned {
        gone: choice.gone(),
        is_enough: choice.bytes <= room,
        spacing,
    }
}

struct Choice<'a> {
    kept: &'a [Kept],
    wanted: Vec<bool>,
    /// By pack: its size, and how many wanted checkpoints have bytes in it.
    packs: BTreeMap<u64, (u64, u32)>,
    /// Of packs that are held.
    bytes: u64,
    newest: f64,
}

impl<'a> Choice<'a> {
    fn new(kept: &'a [Kept], newest: f64, held: &BTreeSet<u64>) -> Self {
        let mut packs: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
        packs.extend(kept.iter().map(|it| (it.pack, (it.bytes, 0))));
        for pack in kept.iter().flat_map(Kept::held).chain(held.iter().copied()) {
            packs.entry(pack).or_default().1 += 1;
        }
        Self {
            kept,
            wanted: vec![true; kept.len()],
            packs,
            bytes: kept.iter().map(|it| it.bytes).sum(),
            newest,
        }
    }

    fn gone(&self) -> BTreeSet<u64> {
        let free = self.packs.iter().filter(|(_, (_, holders))| *holders == 0);
        free.map(|(pack, _)| *pack).collect()
    }

    /// What is free when a checkpoint goes.
    fn frees(&self, at: usize) -> u64 {
        let held = self.kept[at]
            .held()
            .filter_map(|pack| self.packs.get(&pack));
        let last = held.filter(|(_, holders)| *holders == 1);
        last.map(|(bytes, _)| bytes).sum()
    }

    fn drop(&mut self, at: usize) {
        self.bytes -= self.frees(at);
        self.wanted[at] = false;
        for pack in self.kept[at].held() {
            if let Some((_, holders)) = self.packs.get_mut(&pack) {
                *holders -= 1;
            }
        }
    }

    /// What is neither the first nor belongs to the newest iteration.
    fn may_go(&self, at: usize) -> bool {
        at > 0 && self.wanted[at] && self.kept[at].time < self.newest
    }

    /// The oldest block end or exit that may go.
    fn next_extra(&self) -> Option<usize> {
        let is_extra = |at: &usize| self.kept[*at].purpose != Use::Head && self.may_go(*at);
        (0..self.kept.len()).find(is_extra)
    }

    /// The head that leaves the least distance for each byte that it frees, and that distance.
    fn next_head(&self) -> Option<(f64, usize)> {
        let is_head = |at: &usize| self.wanted[*at] && self.kept[*at].purpose == Use::Head;
        let heads: Vec<usize> = (0..self.kept.len()).filter(is_head).collect();
        let mut best: Option<(f64, f64, usize)> = None;
        for (place, at) in heads.iter().enumerate().skip(1) {
            let after = heads
                .get(place + 1)
                .map_or(self.newest, |at| self.kept[*at].time);
            let distance = after - self.kept[heads[place - 1]].time;
            let freed = if self.may_go(*at) { self.frees(*at) } else { 0 };
            let cost = distance / freed as f64;
            if freed > 0 && best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, distance, *at));
            }
        }
        best.map(|(_, distance, at)| (distance, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(pack: u64, purpose: Use, time: f64, bytes: u64, needs: &[u64]) -> Kept {
        Kept {
            pack,
            purpose,
            time,
            bytes,
            needs: needs.iter().copied().collect(),
        }
    }

    #[track_caller]
    fn check(kept: &[Kept], room: u64, gone: &[u64], is_enough: bool) {
        let newest = kept.last().unwrap().time;
        let thinned = thin(kept, room, newest, &BTreeSet::new());
        assert_eq!(thinned.gone.into_iter().collect::<Vec<_>>(), gone);
        assert_eq!(thinned.is_enough, is_enough);
    }

    #[test]
    fn the_head_whose_place_is_missed_least_goes_first() {
        let heads: Vec<Kept> = [0.0, 3.0, 4.0, 5.0, 9.0]
            .iter()
            .enumerate()
            .map(|(pack, time)| kept(pack as u64, Use::Head, *time, 10, &[]))
            .collect();
        check(&heads, 50, &[], true);
        check(&heads, 40, &[2], true);
        check(&heads, 30, &[1, 2], true);
        check(&heads, 20, &[1, 2, 3], true);
        check(&heads, 19, &[1, 2, 3], false);
    }

    #[test]
    fn block_ends_go_before_heads_unless_a_head_needs_them() {
        let packs = [
            kept(0, Use::Head, 0.0, 10, &[]),
            kept(1, Use::Block, 0.0, 10, &[]),
            kept(2, Use::Head, 1.0, 1, &[1]),
            kept(3, Use::Block, 1.0, 10, &[]),
            kept(4, Use::Head, 5.0, 10, &[]),
            kept(5, Use::Block, 5.0, 10, &[]),
        ];
        check(&packs, 45, &[3], true);
        // pack 2 alone frees one byte, with what it needs eleven
        check(&packs, 40, &[1, 2, 3], true);
        check(&packs, 10, &[1, 2, 3], false);
    }

    #[test]
    fn the_latest_exit_stays() {
        let packs = [
            kept(0, Use::Head, 0.0, 10, &[]),
            kept(1, Use::Exit, 3.0, 10, &[]),
            kept(2, Use::Head, 4.0, 10, &[]),
            kept(3, Use::Exit, 7.0, 10, &[]),
        ];
        check(&packs, 30, &[1], true);
        check(&packs, 20, &[1, 2], true);
    }

    /// What a replay of a moment costs, on average, beside what it would with as many heads as
    /// there is room for, evenly spread: at worst. Iterations take `seconds`, checkpoints one byte.
    fn worst_ratio(room: u64, seconds: impl Fn(u64) -> f64) -> f64 {
        let (mut now, mut spacing, mut last) = (0.0, 0.0, f64::NEG_INFINITY);
        let mut packs: Vec<Kept> = Vec::new();
        let mut worst: f64 = 0.0;
        for iteration in 0..60 * room {
            if now - last >= spacing {
                let thinned = thin(&packs, room - 1, now, &BTreeSet::new());
                assert!(thinned.is_enough);
                packs.retain(|it| !thinned.gone.contains(&it.pack));
                packs.push(kept(iteration, Use::Head, now, 1, &[]));
                last = now;
                spacing = thinned.spacing.max(spacing);
            }
            now += seconds(iteration);
            let times: Vec<f64> = packs.iter().map(|it| it.time).chain([now]).collect();
            let distances = times.windows(2).map(|pair| pair[1] - pair[0]);
            let squares: f64 = distances.map(|it| it * it).sum();
            if iteration > 4 * room {
                worst = worst.max(squares / (now * now / room as f64));
            }
        }
        worst
    }

    #[test]
    fn replays_stay_near_the_best_for_so_many_checkpoints() {
        for (room, bound) in [(4, 2.1), (8, 1.5), (20, 1.3), (100, 1.2)] {
            let even = worst_ratio(room, |_| 1.0);
            let uneven = worst_ratio(room, |at| if at % 7 == 0 { 5.0 } else { 0.5 });
            let growing = worst_ratio(room, |at| 1.0 + at as f64 / 50.0);
            let found = [even, uneven, growing];
            assert!(found.iter().all(|it| *it < bound), "{room}: {found:?}");
        }
    }
}
