//! Reading without writing: a temporary copy is opened.

use std::fs;
use std::path::Path;

use netabase_core::driver::command::TemporaryBytes;
use netabase_core::driver::{Command as _, Database, Driver, Durability, ErrorKind, OpenConfig};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::crash::killed_after;
use crate::{command, get_one, open, open_error, place, put_one};

fn read_only(path: &Path) -> OpenConfig<'_> {
    OpenConfig {
        read_only: true,
        ..OpenConfig::new(path)
    }
}

fn temporary_bytes(store: &SledDatabase) -> u64 {
    let output = command(store, TemporaryBytes::NAME).unwrap().concat();
    u64::from_le_bytes(output.try_into().unwrap())
}

#[test]
fn what_was_not_closed_is_read_from_a_copy_that_goes_with_the_handle() {
    let (folder, path) = place();
    put_one(
        &open(&path),
        "t",
        b"k",
        &[7; 100_000],
        Durability::Immediate,
    );
    killed_after(&path, std::time::Duration::from_millis(30));
    let before = fs::read(path.join("db")).unwrap();
    fs::write(path.join("a user's own"), vec![7; 64 << 20]).unwrap();
    let stores = [(); 2].map(|()| Sled.open(&read_only(&path)).unwrap());
    for store in &stores {
        assert_eq!(get_one(store, "t", b"k"), Some(vec![7; 100_000]));
        let bytes = temporary_bytes(store);
        assert!((before.len() as u64..64 << 20).contains(&bytes), "{bytes}");
        for refused in [
            store.begin_write().map(drop).unwrap_err(),
            store.command("generate_id", b"", &mut |_| ()).unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::ReadOnly);
        }
    }
    // Who reads keeps writers out.
    assert_eq!(
        open_error(&OpenConfig::new(&path)).kind(),
        ErrorKind::Locked
    );
    drop(stores);
    assert!(fs::read(path.join("db")).unwrap() == before);
    let store = open(&path);
    assert_eq!(temporary_bytes(&store), 0);
    assert_eq!(open_error(&read_only(&path)).kind(), ErrorKind::Locked);
    drop((store, folder));
}
