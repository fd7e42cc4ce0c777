//! x
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeEffect {
    pub(crate) reads: Vec<u32>,
    pub(crate) binds: Vec<u32>,
    pub(crate) unbinds: Vec<u32>,
}
