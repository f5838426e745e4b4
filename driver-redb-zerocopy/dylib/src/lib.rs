//! The zero-copy redb driver as a dynamic library, which programs load by the name `redb-zerocopy`.

netabase_core::export_driver!(netabase_driver_redb_zerocopy: driver::RedbZeroCopy = driver::RedbZeroCopy, manifest: driver::MANIFEST);
