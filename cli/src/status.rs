//! What a subcommand comes to.

/// What a subcommand found.
pub(crate) enum Status {
    Fine,
    /// Something is wrong with what was looked at.
    Findings,
}
