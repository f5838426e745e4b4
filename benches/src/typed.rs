//! This library on any driver: linked in or loaded, the code is the same.

use std::path::Path;

use netabase_store::FileConfig;
use netabase_store::driver::Driver;
use netabase_store::store::TypedStore;

use crate::contender::{CACHE_MIB, Contender, Database, Result, digest, digest_of};
use crate::data::{
    Emails, Measured, User, UserAgeSecondaryKey, UserPrimaryKey, UserRef, UserSecondaryKeys,
};

/// A driver under the name of its contender.
#[derive(Debug)]
pub(crate) struct Typed<E> {
    name: &'static str,
    driver: E,
}

impl<E: Driver> Typed<E> {
    pub(crate) fn new(name: &'static str, driver: E) -> Self {
        Self { name, driver }
    }
}

impl<E: Driver> Contender for Typed<E> {
    fn open(&self, path: &Path) -> Result<Box<dyn Database>> {
        let config = FileConfig::builder()
            .path(path.to_owned())
            .cache_size_mb(CACHE_MIB)
            .build();
        let store = TypedStore::<Measured, E>::open_on(&self.driver, &config)?;
        Ok(Box::new(TypedDatabase(store)))
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

struct TypedDatabase<E: Driver>(TypedStore<Measured, E>);

impl<E: Driver> Database for TypedDatabase<E> {
    fn put_many(&self, users: &[User]) -> Result<()> {
        Ok(self.0.open_tree::<User>().put_many(users)?)
    }

    fn put_each(&self, users: &[User]) -> Result<()> {
        let transaction = self.0.write()?;
        let mut tree = transaction.open_tree::<User>();
        for user in users {
            tree.put(user)?;
        }
        Ok(transaction.commit()?)
    }

    fn roll_back(&self, users: &[User]) -> Result<()> {
        let transaction = self.0.write()?;
        let mut tree = transaction.open_tree::<User>();
        for user in users {
            tree.put(user)?;
        }
        Ok(transaction.rollback()?)
    }

    fn remove_each(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.0.write()?;
        let mut tree = transaction.open_tree::<User>();
        for &id in ids {
            tree.remove(UserPrimaryKey(id))?;
        }
        Ok(transaction.commit()?)
    }

    fn get(&self, ids: &[u64]) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(user) = tree.get(UserPrimaryKey(id))? {
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }

    fn get_in_own(&self, ids: &[u64]) -> Result<u64> {
        let tree = self.0.open_tree::<User>();
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(user) = tree.get(UserPrimaryKey(id))? {
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }

    fn get_borrowed(&self, ids: &[u64]) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(digest) = tree.get_with(UserPrimaryKey(id), digest_of_ref)? {
                sum = sum.wrapping_add(digest);
            }
        }
        Ok(sum)
    }

    fn by_email(&self, emails: &Emails) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for email in &emails.keys {
            for user in tree.get_by_secondary_key(email)? {
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }

    fn by_age(&self, ages: &[u32]) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for &age in ages {
            let key = UserSecondaryKeys::Age(UserAgeSecondaryKey(age));
            for user in tree.get_by_secondary_key(key)? {
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }

    fn iterate(&self) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for entry in tree.iter()? {
            let (_, user) = entry?;
            sum = sum.wrapping_add(digest_of(&user));
        }
        Ok(sum)
    }

    fn iterate_borrowed(&self) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut users = tree.iter()?;
        let mut sum = 0_u64;
        while let Some(user) = users.next_ref() {
            sum = sum.wrapping_add(digest_of_ref(user?));
        }
        Ok(sum)
    }

    fn ranges(&self, starts: &[u64], length: u64) -> Result<u64> {
        let transaction = self.0.read();
        let tree = transaction.open_tree::<User>();
        let mut sum = 0_u64;
        for &start in starts {
            for entry in tree.range(UserPrimaryKey(start)..UserPrimaryKey(start + length))? {
                let (_, user) = entry?;
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }
}

fn digest_of_ref(user: UserRef<'_>) -> u64 {
    digest(user.id, user.age, user.name, user.email, user.bio)
}
