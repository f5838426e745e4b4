//! Hand-written sled code: a tree for the users and one for each index, written in sled's transactions over several trees,
//! and flushed and synchronised when a transaction has to be durable. sled's own `flush` neither empties the disk's cache
//! nor writes the length of the file, so that it does not suffice for that.
//!
//! Reads go straight to the trees. sled has no snapshots, so that reads of two trees may see two states; that is less than
//! the driver promises, and the fastest that there is.

use std::fs::File;
use std::path::Path;

use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionalTree, abort};
use sled::{Transactional, Tree};

use super::{borrowed, encoded, owned};
use crate::contender::{CACHE_MIB, Contender, Database, Result, digest_of};
use crate::data::{Emails, User};

#[derive(Debug)]
pub(crate) struct HandSled(pub(crate) &'static str);

impl Contender for HandSled {
    fn open(&self, path: &Path) -> Result<Box<dyn Database>> {
        let database = sled::Config::new()
            .path(path)
            .cache_capacity((CACHE_MIB << 20) as u64)
            .open()?;
        Ok(Box::new(HandDatabase {
            users: database.open_tree("users")?,
            emails: database.open_tree("users.email")?,
            ages: database.open_tree("users.age")?,
            log: File::open(path.join("db"))?,
            database,
        }))
    }

    fn name(&self) -> &'static str {
        self.0
    }
}

struct HandDatabase {
    users: Tree,
    emails: Tree,
    ages: Tree,
    database: sled::Db,
    /// The file that sled writes to.
    log: File,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Transacted<T> = std::result::Result<T, ConflictableTransactionError<Failure>>;

/// The trees within a transaction.
struct Trees<'txn> {
    users: &'txn TransactionalTree,
    emails: &'txn TransactionalTree,
    ages: &'txn TransactionalTree,
}

impl Trees<'_> {
    /// Stores a user and the index entries that changed.
    fn put(&self, user: &User) -> Transacted<()> {
        let id = user.id.to_be_bytes();
        let value = encoded(user).or_else(abort)?;
        let (email_changed, age_changed) = match self.users.insert(&id, value)? {
            None => (true, true),
            Some(previous) => {
                let previous = borrowed(&previous).or_else(abort)?;
                let email_changed = previous.email != user.email;
                if email_changed {
                    self.emails.remove(previous.email.as_bytes())?;
                }
                let age_changed = previous.age != user.age;
                if age_changed {
                    self.ages.remove(&age_key(previous.age, user.id))?;
                }
                (email_changed, age_changed)
            }
        };
        if email_changed && self.emails.insert(user.email.as_bytes(), &id)?.is_some() {
            abort(Failure::from(format!("{} is taken", user.email)))?;
        }
        if age_changed {
            self.ages.insert(&age_key(user.age, user.id), &[])?;
        }
        Ok(())
    }

    fn remove(&self, id: u64) -> Transacted<()> {
        if let Some(previous) = self.users.remove(&id.to_be_bytes())? {
            let previous = borrowed(&previous).or_else(abort)?;
            self.emails.remove(previous.email.as_bytes())?;
            self.ages.remove(&age_key(previous.age, id))?;
        }
        Ok(())
    }
}

fn age_key(age: u32, id: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&age.to_be_bytes());
    key[4..].copy_from_slice(&id.to_be_bytes());
    key
}

impl HandDatabase {
    /// Runs `run` in a transaction over all trees.
    fn transact(&self, run: impl Fn(&Trees<'_>) -> Transacted<()>) -> Result<()> {
        (&self.users, &self.emails, &self.ages)
            .transaction(|(users, emails, ages)| {
                run(&Trees {
                    users,
                    emails,
                    ages,
                })
            })
            .map_err(|error| match error {
                TransactionError::Abort(error) => error,
                TransactionError::Storage(error) => error.into(),
            })
    }

    /// [`transact`](Self::transact), and on disk when it returns.
    fn commit(&self, run: impl Fn(&Trees<'_>) -> Transacted<()>) -> Result<()> {
        self.transact(run)?;
        self.database.flush()?;
        self.log.sync_data()?;
        Ok(())
    }
}

impl Database for HandDatabase {
    fn put_many(&self, users: &[User]) -> Result<()> {
        self.put_each(users)
    }

    fn put_each(&self, users: &[User]) -> Result<()> {
        self.commit(|trees| users.iter().try_for_each(|user| trees.put(user)))
    }

    fn roll_back(&self, users: &[User]) -> Result<()> {
        const WANTED: &str = "rolled back";
        let result = self.transact(|trees| {
            users.iter().try_for_each(|user| trees.put(user))?;
            abort(WANTED.into())
        });
        match result {
            Err(error) if error.to_string() == WANTED => Ok(()),
            other => other,
        }
    }

    fn remove_each(&self, ids: &[u64]) -> Result<()> {
        self.commit(|trees| ids.iter().try_for_each(|id| trees.remove(*id)))
    }

    fn get(&self, ids: &[u64]) -> Result<u64> {
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(value) = self.users.get(id.to_be_bytes())? {
                sum = sum.wrapping_add(digest_of(&owned(&value)?));
            }
        }
        Ok(sum)
    }

    fn get_in_own(&self, ids: &[u64]) -> Result<u64> {
        self.get(ids)
    }

    fn get_borrowed(&self, ids: &[u64]) -> Result<u64> {
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(value) = self.users.get(id.to_be_bytes())? {
                sum = sum.wrapping_add(borrowed(&value)?.digest());
            }
        }
        Ok(sum)
    }

    fn by_email(&self, emails: &Emails) -> Result<u64> {
        let mut sum = 0_u64;
        for email in &emails.texts {
            if let Some(id) = self.emails.get(email.as_bytes())?
                && let Some(value) = self.users.get(id)?
            {
                sum = sum.wrapping_add(digest_of(&owned(&value)?));
            }
        }
        Ok(sum)
    }

    fn by_age(&self, ages: &[u32]) -> Result<u64> {
        let mut sum = 0_u64;
        for &age in ages {
            let mut found = Vec::new();
            for entry in self.ages.scan_prefix(age.to_be_bytes()) {
                let (key, _) = entry?;
                if let Some(value) = self.users.get(&key[4..])? {
                    found.push(owned(&value)?);
                }
            }
            for user in &found {
                sum = sum.wrapping_add(digest_of(user));
            }
        }
        Ok(sum)
    }

    fn iterate(&self) -> Result<u64> {
        let mut sum = 0_u64;
        for entry in &self.users {
            sum = sum.wrapping_add(digest_of(&owned(&entry?.1)?));
        }
        Ok(sum)
    }

    fn iterate_borrowed(&self) -> Result<u64> {
        let mut sum = 0_u64;
        for entry in &self.users {
            sum = sum.wrapping_add(borrowed(&entry?.1)?.digest());
        }
        Ok(sum)
    }

    fn ranges(&self, starts: &[u64], length: u64) -> Result<u64> {
        let mut sum = 0_u64;
        for &start in starts {
            let range = start.to_be_bytes()..(start + length).to_be_bytes();
            for entry in self.users.range(range) {
                sum = sum.wrapping_add(digest_of(&owned(&entry?.1)?));
            }
        }
        Ok(sum)
    }
}
