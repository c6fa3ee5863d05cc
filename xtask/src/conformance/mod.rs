//! Conformance: the same work done by the real programs and by ours, compared step by step.

/// Runs the cases named by `args`.
pub fn run(_args: &[String]) -> anyhow::Result<()> {
    anyhow::bail!("conformance has no cases yet")
}
