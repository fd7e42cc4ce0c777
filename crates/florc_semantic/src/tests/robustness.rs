//! Odd, deep and large inputs: no panic, and no more than linear work.

use super::subject;
use crate::BindingSet;

#[test]
fn empty_modules_have_one_function() {
    let subject = subject("");
    assert_eq!(subject.semantics.functions.len(), 1);
    assert!(subject.semantics.loops.is_empty());
}

#[test]
fn long_elif_chains_and_operator_chains() {
    let mut source = "x = 0\nif x == 0: pass\n".to_owned();
    (0..400).for_each(|index| source.push_str(&format!("elif x == {index}: y = {index}\n")));
    source.push_str(&format!("z = {}1\n", "1 + ".repeat(500)));
    assert!(subject(&source).semantics.bindings.len() == 3);
}

#[test]
fn many_functions_and_variables() {
    let mut source = String::new();
    for index in 0..500 {
        source.push_str(&format!(
            "def f{index}(a):\n    global g{index}\n    for i in a:\n        g{index} = i\n    return f{}(a)\n",
            index / 2
        ));
    }
    let subject = subject(&source);
    assert_eq!(subject.semantics.sccs().len(), 501);
}

#[test]
fn bound_and_live_agree_with_what_is_assigned() {
    let subject = subject(TRAINING);
    for (index, found) in subject.semantics.loops.iter().enumerate() {
        let id = crate::LoopId(index as u32);
        let assigned = subject.semantics.assigned_in(&[found.stmt]);
        let mentioned: BindingSet = subject
            .semantics
            .read_in(&[found.stmt])
            .union(&assigned)
            .copied()
            .collect();
        let newly = &subject.semantics.bound_after(found.stmt)
            - &subject.semantics.bound_before(found.stmt);
        assert!(newly.is_subset(&assigned), "{}", subject.names(&newly));
        let head = subject.semantics.live_at_head(id);
        let reads = &mentioned - &assigned;
        let own = reads
            .iter()
            .filter(|id| subject.semantics.read_in(&[found.stmt]).contains(id));
        assert!(own.into_iter().all(|binding| head.contains(binding)));
    }
}

#[test]
fn a_training_script_is_understood() {
    let subject = subject(TRAINING);
    let lines = subject.semantics.loops.iter().map(|found| {
        let head = subject.semantics.live_at_head(found.id);
        let bound = subject.semantics.bound_at_head(found.id);
        let own = |set: BindingSet| {
            let home = subject.semantics.function(found.function).scope;
            let own = set
                .into_iter()
                .filter(|id| subject.semantics.binding(*id).scope == home);
            subject.names(&own.collect::<Vec<_>>()).replace("main.", "")
        };
        format!("{}\nlive {}\nbound {}\n", found.path, own(head), own(bound))
    });
    super::same(
        &lines.collect::<String>(),
        "main/epoch
         live best epoch loader model opt
         bound best epoch loader model opt
         main/epoch/loader
         live best epoch loader model opt total x y
         bound best epoch loader model opt total x y",
    );
}

const TRAINING: &str = "
import torch
from torch.utils.data import DataLoader

def main():
    model = torch.nn.Linear(2, 1)
    opt = torch.optim.AdamW(model.parameters())
    loader = DataLoader([])
    best = None
    for epoch in range(3):
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            with torch.autocast('cpu'):
                loss = (model(x) - y).pow(2).mean()
            loss.backward()
            opt.step()
            total += loss.item()
        if best is None or total < best:
            best = total
        print(f'{epoch} {total}')

if __name__ == '__main__':
    main()
";
