//! The record that is measured, and the same ones each time.

use netabase_store::netabase_definition_module;

/// The number of different ages.
pub(crate) const AGES: u32 = 100;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    /// A user: 8 bytes of key, about 12 of name, 24 of e-mail address, 200 of text.
    #[derive(NetabaseModel, Clone, Debug, PartialEq, Eq, bincode::Encode, bincode::Decode)]
    #[netabase(Measured)]
    pub(crate) struct User {
        #[primary_key]
        pub(crate) id: u64,
        pub(crate) name: String,
        #[secondary_key(unique)]
        pub(crate) email: String,
        #[secondary_key]
        pub(crate) age: u32,
        pub(crate) bio: String,
    }
}
pub(crate) use model::*;

/// A sequence of numbers without a pattern that an engine could profit from; the same for the same seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// A permutation of all 64-bit numbers: what is unique stays unique (the finaliser of SplitMix64).
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The user with this id and age.
pub(crate) fn user(id: u64, age: u32) -> User {
    let mut random = Random::new(!id);
    let bio = (0..200)
        .map(|_| char::from(b'a' + random.below(26) as u8))
        .collect();
    User {
        id,
        name: format!("user{:08x}", id as u32),
        email: format!("{:016x}@mail.io", mixed(id)),
        age,
        bio,
    }
}

/// `count` users with ids from 0 up, in the order of their ids; every age equally often, in no order.
pub(crate) fn users(count: usize) -> Vec<User> {
    let mut ages: Vec<u32> = (0..AGES).cycle().take(count).collect();
    Random::new(1).shuffle(&mut ages);
    (0..).zip(ages).map(|(id, age)| user(id, age)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn users_have_the_shape_that_the_comparison_is_defined_for() {
        let users = users(1_000);
        let emails: HashSet<_> = users.iter().map(|user| &user.email).collect();
        assert_eq!(emails.len(), users.len());
        for user in &users {
            assert_eq!(
                (user.name.len(), user.email.len(), user.bio.len()),
                (12, 24, 200)
            );
        }
        for age in 0..AGES {
            assert_eq!(users.iter().filter(|user| user.age == age).count(), 10);
        }
    }
}

/// E-mail addresses, for each contender in the form that it looks them up by.
#[derive(Debug)]
pub(crate) struct Emails {
    pub(crate) texts: Vec<String>,
    pub(crate) keys: Vec<UserSecondaryKeys>,
}
