#[test]
fn debug_it() {
    let Ok(list) = std::fs::read_to_string("/tmp/files.txt") else { return };
    for f in list.lines() {
        let Ok(bytes) = std::fs::read(f) else { continue };
        let lines = bytes.iter().filter(|b| **b == b'\n').count();
        let Ok(text) = super::SourceText::from_bytes("t.py", bytes) else { continue };
        let Ok(module) = super::parse(text) else { println!("noparse {f}"); continue };
        let (semantics, _) = super::analyze(&module);
        let t = std::time::Instant::now();
        let (effects, _) = super::infer(&module, &semantics, &super::Knowledge::builtin());
        println!("{:.2}s {lines} lines, {} objects {f}", t.elapsed().as_secs_f64(), effects.heap.len());println!("    {}", effects.heap.work());
    }
}
