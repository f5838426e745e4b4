//! The program `netabase`, run as a user runs it.
