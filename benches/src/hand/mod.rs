//! Hand-written code on each engine: what a careful programmer writes without this library.

mod redb;
mod sled;

use bincode::config::standard;

pub(crate) use self::redb::HandRedb;
pub(crate) use self::sled::HandSled;
use crate::contender::{Result, digest};
use crate::data::User;

/// A user whose strings are where the engine keeps them.
#[derive(bincode::BorrowDecode)]
struct UserRef<'a> {
    id: u64,
    name: &'a str,
    email: &'a str,
    age: u32,
    bio: &'a str,
}

impl UserRef<'_> {
    fn digest(&self) -> u64 {
        digest(self.id, self.age, self.name, self.email, self.bio)
    }
}

fn encoded(user: &User) -> Result<Vec<u8>> {
    Ok(bincode::encode_to_vec(user, standard())?)
}

fn owned(bytes: &[u8]) -> Result<User> {
    Ok(bincode::decode_from_slice(bytes, standard())?.0)
}

fn borrowed(bytes: &[u8]) -> Result<UserRef<'_>> {
    Ok(bincode::borrow_decode_from_slice(bytes, standard())?.0)
}
