//! The `ostree-ext-cli` program: ostree-ext's command line and nothing else.

// One thread, as upstream runs it.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = ostree_ext::cli::run_from_iter(std::env::args_os()).await {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}
