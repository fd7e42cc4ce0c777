//! Which node of one version is which of the other.
//!
//! A partial one-to-one relation; nobody is matched twice.

use super::nodes::Nodes;

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Pairs {
    forward: Vec<u32>,
    backward: Vec<u32>,
}

impl Pairs {
    pub(super) fn new(old: &Nodes, new: &Nodes) -> Self {
        Self {
            forward: vec![NONE; old.len() as usize],
            backward: vec![NONE; new.len() as usize],
        }
    }

    pub(super) fn new_of(&self, old: u32) -> Option<u32> {
        Some(self.forward[old as usize]).filter(|new| *new != NONE)
    }

    pub(super) fn old_of(&self, new: u32) -> Option<u32> {
        Some(self.backward[new as usize]).filter(|old| *old != NONE)
    }

    pub(super) fn are_free(&self, old: u32, new: u32) -> bool {
        self.new_of(old).is_none() && self.old_of(new).is_none()
    }

    /// Matches two nodes, unless one of them is matched.
    pub(super) fn pair(&mut self, old: u32, new: u32) {
        if self.are_free(old, new) {
            self.forward[old as usize] = new;
            self.backward[new as usize] = old;
        }
    }

    /// Matches two subtrees of one shape, node by node.
    pub(super) fn pair_whole(&mut self, olds: &Nodes, old: u32, new: u32) {
        for at in 0..olds.node(old).size {
            self.pair(old + at, new + at);
        }
    }
}
