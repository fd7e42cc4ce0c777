//! The few words of pickle that a `dict` of tensors needs. Written only, never read.
//!
//! Protocol 2, as `torch.save` writes; nothing but names that `torch.load(weights_only=True)` takes.

/// A pickle that is being written.
#[derive(Debug)]
pub(super) struct Pickle(Vec<u8>);

impl Pickle {
    pub(super) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// All of it.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }

    pub(super) fn global(&mut self, module: &str, name: &str) {
        self.0
            .extend_from_slice(format!("c{module}\n{name}\n").as_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: u64) {
        if let Ok(small) = i32::try_from(number) {
            self.0.push(b'J');
            self.0.extend_from_slice(&small.to_le_bytes());
        } else {
            // nine bytes: the sign is that of the last one
            self.0.extend_from_slice(&[0x8a, 9]);
            self.0.extend_from_slice(&number.to_le_bytes());
            self.0.push(0);
        }
    }

    pub(super) fn no(&mut self) {
        self.0.push(0x89);
    }

    pub(super) fn mark(&mut self) {
        self.0.push(b'(');
    }

    /// A tuple of all since the mark.
    pub(super) fn tuple(&mut self) {
        self.0.push(b't');
    }

    /// Calls what is below a tuple with it.
    pub(super) fn call(&mut self) {
        self.0.push(b'R');
    }

    /// Looks up what a tuple names outside.
    pub(super) fn persistent(&mut self) {
        self.0.push(b'Q');
    }

    /// Puts keys and values since the mark into the `dict` below it.
    pub(super) fn set_items(&mut self) {
        self.0.push(b'u');
    }

    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        self.mark();
        for number in numbers {
            self.number(*number);
        }
        self.tuple();
    }

    pub(super) fn empty_ordered_dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.mark();
        self.tuple();
        self.call();
    }
}
