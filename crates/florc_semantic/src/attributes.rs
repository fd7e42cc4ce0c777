//! x
use crate::Semantics;
use crate::model::ClassRef;
use florc_syntax::tree::{StmtId, Tree};
use std::collections::BTreeMap;
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    names: BTreeMap<StmtId, String>,
}
impl Attributes {
    pub(crate) fn name_class(&mut self, class: StmtId, qualname: String) {
        self.names.insert(class, qualname);
    }
    pub(crate) fn qualname(&self, class: StmtId) -> &str {
        self.names.get(&class).map_or("", String::as_str)
    }
    pub(crate) fn class_of(&self, _class: StmtId, _name: &str) -> Option<ClassRef> {
        None
    }
    pub(crate) fn ancestors(&self, _class: StmtId) -> Vec<StmtId> {
        Vec::new()
    }
    pub(crate) fn library_bases(&self, _class: StmtId) -> Option<Vec<String>> {
        None
    }
}
pub(crate) fn collect(_tree: &Tree, _semantics: &mut Semantics) {}
