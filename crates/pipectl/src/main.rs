//! The `pipectl` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// A plan of thousands of pipes allocates millions of small texts and maps. With the allocator of the C library,
// allocation took 40 % of the time, and musl's is much slower. Without huge pages (`no_thp`): clearing the first one
// was a third of the time of a short command, and ten megabytes of its memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    pipectl::run(std::env::args_os())
}
