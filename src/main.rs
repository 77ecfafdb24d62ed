//! The `carillon` program: a thin wrapper around the library, so that tests reach all code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    disable_huge_pages();
    carillon::cli::run()
}

/// Disables transparent huge pages: with pages of 2 MB, which the allocator requests, the process
/// uses half as much memory again as with pages of 4 kB.
fn disable_huge_pages() {
    #[cfg(target_os = "linux")]
    // A kernel that rejects the call does not support the setting, so there is nothing to disable.
    let _ = nix::sys::prctl::set_thp_disable(true);
}
