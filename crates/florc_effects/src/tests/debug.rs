#[test]
fn debug_it() {
    let source = std::fs::read_to_string("/tmp/d.py").unwrap_or_default();
    let f = std::fs::read_to_string("/tmp/d.fn").unwrap_or_default();
    if source.is_empty() {
        return;
    }
    let a = super::Analysed::of(&source);
    let r = a.region(f.trim());
    println!("external {:?}", a.effects.external);
    println!("{}", a.render(&r));
    for (b, c) in &r.mutated {
        println!("{}", a.semantics.binding(*b).name);
        for s in &c.steps {
            println!("     {:?} {}", s.0.start, s.1);
        }
    }
}
