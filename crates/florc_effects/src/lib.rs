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

use interp::Interp;

/// Finds what every function of a module may do.
pub fn infer(
    module: &Module,
    semantics: &Semantics,
    knowledge: &Knowledge,
) -> (Effects, Vec<Diagnostic>) {
    let effects = infer_within(module, semantics, knowledge, heap::BOUNDS);
    (effects, Vec::new())
}

/// As [`infer`]; nothing, where the module is so involved that every statement would be taken to change
/// everything.
pub fn infer_if_bounded(
    module: &Module,
    semantics: &Semantics,
    knowledge: &Knowledge,
) -> Option<Effects> {
    on_big_stack(|| {
        let interp = run_within(module, semantics, knowledge, heap::BOUNDS).ok();
        interp.map(|interp| Effects::from_interp(*interp, true))
    })
}

/// As [`infer`], with the work of both attempts bounded: a smaller bound may only add effects.
fn infer_within(
    module: &Module,
    semantics: &Semantics,
    knowledge: &Knowledge,
    bounds: [u64; 2],
) -> Effects {
    on_big_stack(|| match run_within(module, semantics, knowledge, bounds) {
        Ok(interp) => Effects::from_interp(*interp, true),
        Err(mut interp) => {
            interp.take_notes();
            Effects::from_interp(*interp, false)
        }
    })
}

/// The exact analysis, else the coarse one; as an error the latter as far as it came.
fn run_within<'a>(
    module: &'a Module,
    semantics: &'a Semantics,
    knowledge: &'a Knowledge,
    [most, most_dense]: [u64; 2],
) -> Result<Box<Interp<'a>>, Box<Interp<'a>>> {
    let attempt = |dense, most| {
        let heap = heap::Heap::new(dense, most);
        let mut interp = Box::new(Interp::new(module, semantics, knowledge, heap));
        if interp.run() {
            Ok(interp)
        } else {
            Err(interp)
        }
    };
    match attempt(false, most) {
        Ok(interp) => return Ok(interp),
        Err(too_involved) => drop(too_involved),
    }
    attempt(true, most_dense)
}

#[cfg(test)]
mod tests;
