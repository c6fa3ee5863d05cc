//! The options about which image of an index is meant.

use oci_image::Platform;

/// Which image of an index is meant.
#[derive(Debug, Clone, clap::Args)]
pub struct PlatformArgs {
    /// Which image of an index to take (default: this machine's)
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", overrides_with = "platform", conflicts_with = "arch")]
    platform: Option<Platform>,
    /// Which image of an index to take, by processor
    #[arg(long, value_name = "ARCH", overrides_with = "arch")]
    arch: Option<String>,
}

impl PlatformArgs {
    /// What was named, if anything was.
    pub fn named(&self) -> Option<Platform> {
        self.platform.clone().or_else(|| self.arch.as_deref().map(Platform::linux))
    }

    /// What was named, else this machine.
    pub fn or_host(&self) -> Platform {
        self.named().unwrap_or_else(Platform::host)
    }
}
