//! What a child process does whose memory is measured.

use std::path::PathBuf;

/// What a child process measures, on which database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) task: Task,
    pub(crate) path: PathBuf,
}

/// What a child process does between its two looks at its own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Opens the database and reads every record through a cursor.
    Scan,
    /// Writes records to an open, empty database in one transaction, and commits.
    Commit,
    /// The same, but rolls back.
    RollBack,
}

impl Task {
    const ALL: [Self; 3] = [Self::Scan, Self::Commit, Self::RollBack];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Commit => "commit",
            Self::RollBack => "roll-back",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }
}
