//! x
#[test]
fn debug_it() {
    let source = std::fs::read_to_string("/tmp/d.py").unwrap_or_default();
    if source.is_empty() { return; }
    let a = super::Analysed::of(&source);
    for function in &a.semantics.functions {
        println!("== {}", function.qualname);
        for event in &a.effects.events[function.id.index()] {
            if matches!(event.action, crate::event::Action::Opaque) { println!("  {:?} {}", event.span, event.text); }
        }
    }
    println!("external {:?}", a.effects.external);
    println!("{}", a.render(&a.region("")));
}
