//! The objects of the heap by what may be done with them.
//!
//! ```python
//! net = Net()          # own, and an instance of Net
//! thing = lib.make()   # opaque, and own: it may be of any class
//! ```
//!
//! Kept as sets, so that a rule for many objects does not look at each.

use std::collections::BTreeMap;

use florc_syntax::tree::StmtId;

use crate::kind::{ObjId, ObjKind};
use crate::object_set::ObjSet;

/// Objects by what may be done with them, for questions about many at once.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    /// Of which nothing is known: values of unknown type, and modules of unknown packages.
    pub(crate) opaque: ObjSet,
    /// Instances of classes of the program, and values of unknown type.
    pub(crate) own: ObjSet,
    /// Functions of the program, and bound methods.
    pub(crate) callable: ObjSet,
    /// Classes of the program.
    pub(crate) classes: ObjSet,
    /// What no code can change: scalars, functions, modules of known packages.
    pub(crate) fixed: ObjSet,
    /// Generator expressions: whoever iterates them runs code of the program.
    pub(crate) deferred: ObjSet,
    /// Instances by the class of the program that they are of.
    pub(crate) instances: BTreeMap<StmtId, ObjSet>,
}

impl Kinds {
    /// A module, class or function of a package of which the state is known to be its own, or not.
    pub(crate) fn add_library(&mut self, id: ObjId, known: bool) {
        let into = if known {
            &mut self.fixed
        } else {
            &mut self.opaque
        };
        into.insert(id);
    }

    /// A new object.
    pub(crate) fn add(&mut self, id: ObjId, kind: ObjKind) {
        match kind {
            ObjKind::Unknown => {
                self.opaque.insert(id);
                self.own.insert(id);
            }
            ObjKind::Instance(class) => {
                self.own.insert(id);
                self.instances.entry(class).or_default().insert(id);
            }
            ObjKind::Function(_) | ObjKind::Method(_) => {
                self.callable.insert(id);
                self.fixed.insert(id);
            }
            ObjKind::Scalar | ObjKind::Super(_) => {
                self.fixed.insert(id);
            }
            ObjKind::Class(_) => {
                self.classes.insert(id);
            }
            ObjKind::Typed(_) | ObjKind::Library(_) | ObjKind::Module(_) => {}
        }
    }
}
