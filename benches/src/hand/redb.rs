//! Hand-written redb code.

use std::path::Path;

use redb::{
    ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use super::{borrowed, encoded, owned};
use crate::contender::{CACHE_MIB, Contender, Database, Result, digest_of};
use crate::data::{Emails, User};

const USERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("users");
const EMAILS: TableDefinition<'_, &str, u64> = TableDefinition::new("users.email");
const AGES: TableDefinition<'_, (u32, u64), ()> = TableDefinition::new("users.age");

#[derive(Debug)]
pub(crate) struct HandRedb(pub(crate) &'static str);

impl Contender for HandRedb {
    fn open(&self, path: &Path) -> Result<Box<dyn Database>> {
        let database = redb::Database::builder()
            .set_cache_size(CACHE_MIB << 20)
            .create(path)?;
        Ok(Box::new(HandDatabase(database)))
    }

    fn name(&self) -> &'static str {
        self.0
    }
}

struct HandDatabase(redb::Database);

/// The tables of a write transaction, opened once.
struct Tables<'txn> {
    users: Table<'txn, u64, &'static [u8]>,
    emails: Table<'txn, &'static str, u64>,
    ages: Table<'txn, (u32, u64), ()>,
}

impl<'txn> Tables<'txn> {
    fn open(transaction: &'txn WriteTransaction) -> Result<Self> {
        Ok(Self {
            users: transaction.open_table(USERS)?,
            emails: transaction.open_table(EMAILS)?,
            ages: transaction.open_table(AGES)?,
        })
    }

    /// Stores a user and the index entries that changed. After an error the transaction must not be committed.
    fn put(&mut self, user: &User) -> Result<()> {
        let value = encoded(user)?;
        let (email_changed, age_changed) = match self.users.insert(user.id, value.as_slice())? {
            None => (true, true),
            Some(previous) => {
                let previous = borrowed(previous.value())?;
                let email_changed = previous.email != user.email;
                if email_changed {
                    self.emails.remove(previous.email)?;
                }
                let age_changed = previous.age != user.age;
                if age_changed {
                    self.ages.remove((previous.age, user.id))?;
                }
                (email_changed, age_changed)
            }
        };
        if email_changed && let Some(holder) = self.emails.insert(user.email.as_str(), user.id)? {
            return Err(format!("{} is the address of user {}", user.email, holder.value()).into());
        }
        if age_changed {
            self.ages.insert((user.age, user.id), ())?;
        }
        Ok(())
    }

    fn remove(&mut self, id: u64) -> Result<()> {
        if let Some(previous) = self.users.remove(id)? {
            let previous = borrowed(previous.value())?;
            self.emails.remove(previous.email)?;
            self.ages.remove((previous.age, id))?;
        }
        Ok(())
    }
}

impl HandDatabase {
    fn put(&self, users: &[User]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for user in users {
            tables.put(user)?;
        }
        drop(tables);
        Ok(transaction.commit()?)
    }
}

impl Database for HandDatabase {
    fn put_many(&self, users: &[User]) -> Result<()> {
        self.put(users)
    }

    fn put_each(&self, users: &[User]) -> Result<()> {
        self.put(users)
    }

    fn roll_back(&self, users: &[User]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for user in users {
            tables.put(user)?;
        }
        drop(tables);
        Ok(transaction.abort()?)
    }

    fn remove_each(&self, ids: &[u64]) -> Result<()> {
        let transaction = self.0.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for &id in ids {
            tables.remove(id)?;
        }
        drop(tables);
        Ok(transaction.commit()?)
    }

    fn get(&self, ids: &[u64]) -> Result<u64> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(value) = users.get(id)? {
                sum = sum.wrapping_add(digest_of(&owned(value.value())?));
            }
        }
        Ok(sum)
    }

    fn get_in_own(&self, ids: &[u64]) -> Result<u64> {
        let mut sum = 0_u64;
        for &id in ids {
            let users = self.0.begin_read()?.open_table(USERS)?;
            if let Some(value) = users.get(id)? {
                sum = sum.wrapping_add(digest_of(&owned(value.value())?));
            }
        }
        Ok(sum)
    }

    fn get_borrowed(&self, ids: &[u64]) -> Result<u64> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut sum = 0_u64;
        for &id in ids {
            if let Some(value) = users.get(id)? {
                sum = sum.wrapping_add(borrowed(value.value())?.digest());
            }
        }
        Ok(sum)
    }

    fn by_email(&self, emails: &Emails) -> Result<u64> {
        let transaction = self.0.begin_read()?;
        let users = transaction.open_table(USERS)?;
        let ids = transaction.open_table(EMAILS)?;
        let mut sum = 0_u64;
        for email in &emails.texts {
            if let Some(id) = ids.get(email.as_str())?
                && let Some(value) = users.get(id.value())?
            {
                sum = sum.wrapping_add(digest_of(&owned(value.value())?));
            }
        }
        Ok(sum)
    }

    fn by_age(&self, ages: &[u32]) -> Result<u64> {
        let transaction: ReadTransaction = self.0.begin_read()?;
        let users = transaction.open_table(USERS)?;
        let index = transaction.open_table(AGES)?;
        let mut sum = 0_u64;
        for &age in ages {
            let mut found = Vec::new();
            for entry in index.range((age, 0)..=(age, u64::MAX))? {
                let (_, id) = entry?.0.value();
                if let Some(value) = users.get(id)? {
                    found.push(owned(value.value())?);
                }
            }
            for user in &found {
                sum = sum.wrapping_add(digest_of(user));
            }
        }
        Ok(sum)
    }

    fn iterate(&self) -> Result<u64> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut sum = 0_u64;
        for entry in users.iter()? {
            let user = owned(entry?.1.value())?;
            sum = sum.wrapping_add(digest_of(&user));
        }
        Ok(sum)
    }

    fn iterate_borrowed(&self) -> Result<u64> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut sum = 0_u64;
        for entry in users.iter()? {
            let value = entry?.1;
            sum = sum.wrapping_add(borrowed(value.value())?.digest());
        }
        Ok(sum)
    }

    fn ranges(&self, starts: &[u64], length: u64) -> Result<u64> {
        let users = self.0.begin_read()?.open_table(USERS)?;
        let mut sum = 0_u64;
        for &start in starts {
            for entry in users.range(start..start + length)? {
                let user = owned(entry?.1.value())?;
                sum = sum.wrapping_add(digest_of(&user));
            }
        }
        Ok(sum)
    }
}
