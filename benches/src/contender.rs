//! What each contender has to do: the same work, with the same result.

use std::path::Path;

use crate::data::{Emails, User};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Size of the engine's cache for every contender, in MiB.
pub(crate) const CACHE_MIB: usize = 256;

/// One way of storing users.
pub(crate) trait Contender {
    /// Opens the database at `path`; creates it if there is none.
    fn open(&self, path: &Path) -> Result<Box<dyn Database>>;

    fn name(&self) -> &'static str;
}

/// An open database of a contender. Reads return a digest of all that they read, so that contenders can be held against
/// each other and no read is left out.
pub(crate) trait Database {
    /// Stores all users in one transaction, by the contender's call for many.
    fn put_many(&self, users: &[User]) -> Result<()>;
    /// Stores all users in one transaction, one call each.
    fn put_each(&self, users: &[User]) -> Result<()>;
    /// Stores all users in one transaction, one call each, and rolls it back.
    fn roll_back(&self, users: &[User]) -> Result<()>;
    /// Removes users in one transaction, one call each.
    fn remove_each(&self, ids: &[u64]) -> Result<()>;
    /// Reads users in one transaction.
    fn get(&self, ids: &[u64]) -> Result<u64>;
    /// Reads users in a transaction each.
    fn get_in_own(&self, ids: &[u64]) -> Result<u64>;
    /// Reads users without copying their strings, in one transaction.
    fn get_borrowed(&self, ids: &[u64]) -> Result<u64>;
    /// Reads the users with these e-mail addresses, in one transaction.
    fn by_email(&self, emails: &Emails) -> Result<u64>;
    /// Reads all users of these ages, in one transaction.
    fn by_age(&self, ages: &[u32]) -> Result<u64>;
    /// Reads all users.
    fn iterate(&self) -> Result<u64>;
    /// Reads all users without copying their strings.
    fn iterate_borrowed(&self) -> Result<u64>;
    /// Reads the users from each of these ids on, `length` of them, in one transaction.
    fn ranges(&self, starts: &[u64], length: u64) -> Result<u64>;
}

/// What reading a user adds to a digest.
pub(crate) fn digest(id: u64, age: u32, name: &str, email: &str, bio: &str) -> u64 {
    let lengths = name.len() + email.len() + bio.len();
    std::hint::black_box((name, email, bio));
    id.wrapping_mul(31)
        .wrapping_add(u64::from(age))
        .wrapping_add(lengths as u64)
}

/// [`digest`] of an owned user.
pub(crate) fn digest_of(user: &User) -> u64 {
    digest(user.id, user.age, &user.name, &user.email, &user.bio)
}
