//! Names of attributes, keys and types: equal texts are one text.
//!
//! ```python
//! self.model = model      # the field `model`: found by identity, wherever it is written
//! ```
//!
//! One table for the process, which only grows: as many texts as there are different names in the
//! programs that it analyses. A name orders as its text does, so that nothing depends on the table.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, PoisonError, RwLock};

use crate::hash::Quick;

static TABLE: LazyLock<RwLock<HashSet<&'static str, Quick>>> = LazyLock::new(Default::default);

/// A text that is kept once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name(&'static str);

impl Name {
    /// The text.
    pub(crate) fn text(self) -> &'static str {
        self.0
    }
}

impl Name {
    /// The name of a text that some name has.
    pub(crate) fn known(text: &str) -> Option<Self> {
        let known = TABLE.read().unwrap_or_else(PoisonError::into_inner);
        known.get(text).copied().map(Self)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let known = TABLE.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(text) {
            return Self(text);
        }
        drop(known);
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = table.get(text) {
            return Self(text);
        }
        let text: &'static str = Box::leak(text.into());
        table.insert(text);
        Self(text)
    }
}

impl From<&String> for Name {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.as_ptr() as usize);
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        self.0.cmp(other.0)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn equal_texts_are_one_name() {
        let (a, b) = (Name::from("step"), Name::from(&"st".to_owned().add("ep")));
        assert_eq!((a, a.text()), (b, "step"));
        assert!(Name::from("alpha") < Name::from("beta") && a != Name::from("ste"));
    }

    use std::ops::Add;
}
