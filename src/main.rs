//! The binary: everything it does is in the library's `cli`.
#![forbid(unsafe_code)]

/// Messages are read by one thread, stored by another and freed by either: an allocator that threads do not contend for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    ferry::cli::main()
}
