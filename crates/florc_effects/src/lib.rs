//! What a piece of Python may change, with the reason of each claim.
//!
//! ```python
//! b = buf
//! b.append(x)          # mutated: buf, b   ("`b.append` changes its object" at line 2)
//! ```
//!
//! A whole-program points-to analysis with a knowledge base of libraries. It over-approximates: an
//! unknown call may change all that it is given. It decides nothing about cut points or SkipBlocks.

mod classes;
mod closures;
mod due;
mod effect;
mod effects;
mod event;
mod foreign;
mod hash;
mod heap;
mod interp;
mod kind;
mod kinds;
mod knowledge;
mod marks;
mod merged;
mod modules;
mod name;
mod notes;
mod object_set;
mod questions;
mod rules;
mod spread;
mod touched;

pub use effect::{Cause, GENERATORS, Hidden, LogCall, RegionEffect, Summary};
pub use effects::Effects;
pub use knowledge::{Callbacks, Knowledge, Problem, Rule, Type, Variant};

use florc_semantic::Semantics;
use florc_syntax::big_stack::on_big_stack;
use florc_syntax::{Diagnostic, Module};

/// Finds what every function of a module may do.
pub fn infer(
    module: &Module,
    semantics: &Semantics,
    knowledge: &Knowledge,
) -> (Effects, Vec<Diagnostic>) {
    let effects = infer_within(module, semantics, knowledge, heap::BOUNDS);
    (effects, Vec::new())
}

/// As [`infer`], with the work of both attempts bounded: a smaller bound may only add effects.
fn infer_within(
    module: &Module,
    semantics: &Semantics,
    knowledge: &Knowledge,
    [most, most_dense]: [u64; 2],
) -> Effects {
    on_big_stack(|| {
        let mut heap = heap::Heap::new(false, most);
        let mut interp = interp::Interp::new(module, semantics, knowledge, heap);
        let mut reached = interp.run();
        if !reached {
            heap = heap::Heap::new(true, most_dense);
            interp = interp::Interp::new(module, semantics, knowledge, heap);
            reached = interp.run();
        }
        Effects::from_interp(interp, reached)
    })
}

#[cfg(test)]
mod tests;
