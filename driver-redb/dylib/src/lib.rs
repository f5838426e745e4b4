//! The redb driver as a dynamic library, which programs load by the name `redb`.

netabase_core::export_driver!(netabase_driver_redb: driver::Redb = driver::Redb, manifest: driver::MANIFEST);
