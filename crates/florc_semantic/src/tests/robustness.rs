//! Odd, deep and large inputs: no panic, and no more than linear work.

use super::subject;

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
