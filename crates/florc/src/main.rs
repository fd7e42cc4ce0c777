//! The `florc` command. Everything is in [`florc::run_cli`].

fn main() {
    let host = florc::HostPython { executable: None };
    std::process::exit(florc::run_cli(std::env::args_os().collect(), &host));
}
