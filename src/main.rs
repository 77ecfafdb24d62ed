//! The program `carillon`: all it does is in the library, so that tests reach it.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    spare_memory();
    carillon::cli::run()
}

/// Memory in pages of 4 kB: in huge ones of 2 MB, which the allocator would ask for, the process
/// takes half as much again.
fn spare_memory() {
    #[cfg(target_os = "linux")]
    // Where the kernel does not know of it there is nothing to switch off.
    let _ = nix::sys::prctl::set_thp_disable(true);
}
