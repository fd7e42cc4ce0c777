//! Loops that stand in installed libraries.
//!
//! ```python
//! Trainer(model).train()     # `for epoch in …` in the excerpt of transformers/trainer.py
//! ```

use florc_instrument::{Instrumented, Options, instrument_program};
use florc_syntax::{ProgramFile, SourceText, excerpt};

const LIBRARY: &str = "\
import time
logger = get_logger()

class Trainer:
    def train(self):
        return self._inner_training_loop()

    def _inner_training_loop(self, args=None):
        for epoch in range(self.trained):
            skip(epoch)
        logger.info('begin')
        start = time.time()
        for epoch in range(self.trained, self.epochs):
            self._run_epoch(epoch, start)
        for checkpoint in self.checkpoints:
            checkpoint.remove()

    def _run_epoch(self, epoch, start):
        batches = iter(self.loader)
        for step in range(self.steps):
            loss = self.training_step(next(batches))
            print(loss)
";

fn program(script: &str) -> Instrumented {
    let text = |path: &str, text: &str| {
        SourceText::from_bytes(path, text.as_bytes().to_vec()).expect("UTF-8")
    };
    let path = "transformers/trainer.py";
    let functions = ["Trainer._inner_training_loop", "Trainer._run_epoch"];
    let cut = excerpt(text(path, LIBRARY), &functions);
    let cut = cut.expect("parses").expect("has the functions");
    let mut library = ProgramFile::new(path, "transformers.trainer", cut);
    library.is_library = true;
    let script = ProgramFile::new("t.py", "__main__", text("t.py", script));
    instrument_program(vec![script, library], &Options::default()).expect("compiles")
}

fn loops(result: &Instrumented) -> (Vec<&str>, Vec<&str>) {
    let manifest = &result.manifest;
    let mains = manifest.main_loops.iter().map(|it| it.id.as_str());
    let blocks = manifest.skip_blocks.iter().map(|it| it.id.as_str());
    (mains.collect(), blocks.collect())
}

#[test]
fn the_loop_of_the_library_is_a_main_loop() {
    let result = program("from transformers import Trainer\nTrainer(model).train()\n");
    let (mains, blocks) = loops(&result);
    assert_eq!(
        mains,
        ["transformers/trainer.py:Trainer._inner_training_loop/epoch#2"]
    );
    assert_eq!(blocks, ["transformers/trainer.py:Trainer._run_epoch/step"]);
    assert!(result.manifest.main_loops[0].recreatable);
    let block = &result.manifest.skip_blocks[0];
    let batches = block.roots.iter().find(|root| root.name == "batches");
    assert!(batches.is_some_and(|root| root.live && root.held));
}

/// Iterations of a `while` without a name are called what they are.
#[test]
fn epochs_of_lightning_are_called_so() {
    let (path, name) = (
        "lightning/pytorch/loops/fit_loop.py",
        "lightning.pytorch.loops.fit_loop",
    );
    let text = "class _FitLoop:\n    def run(self):\n        while not self.done:\n            self.advance()\n";
    let source = SourceText::from_bytes(path, text.as_bytes().to_vec()).expect("UTF-8");
    let mut library = ProgramFile::new(path, name, source);
    library.is_library = true;
    let script = SourceText::from_bytes("t.py", b"import lightning\n".to_vec()).expect("UTF-8");
    let script = ProgramFile::new("t.py", "__main__", script);
    let result = instrument_program(vec![script, library], &Options::default()).expect("compiles");
    let main = &result.manifest.main_loops[0];
    assert_eq!((main.label.as_str(), main.is_for), ("epoch", false));
    assert!(main.id.ends_with(":_FitLoop.run/while"), "{}", main.id);
}

#[test]
fn what_the_library_logs_is_not_the_users() {
    let result =
        program("from transformers import Trainer\nTrainer(model).train()\nprint('done')\n");
    let logs = result.manifest.logs.iter();
    let files: Vec<&str> = logs.map(|site| site.span.file.as_str()).collect();
    assert_eq!((files, result.manifest.clocks.len()), (vec![""], 0));
}

#[test]
fn a_loop_of_the_script_that_trains_is_one_too() {
    let (script, library) = (
        "t.py:epoch",
        "transformers/trainer.py:Trainer._inner_training_loop/epoch#2",
    );
    let result = program(
        "import torch\nfrom transformers import Trainer\nnet = torch.nn.Linear(2, 1)\n\
         for epoch in range(3):\n    net(torch.ones(2)).sum().backward()\nTrainer(net).train()\n",
    );
    assert_eq!(loops(&result).0, [script, library]);
    // one that only has the name of a training loop is none beside the library's
    let result = program("from transformers import Trainer\nfor epoch in range(3): print(epoch)\n");
    assert_eq!(loops(&result).0, [library]);
}
