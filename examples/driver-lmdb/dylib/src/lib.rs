//! The LMDB driver as a dynamic library, which programs load by the name `lmdb`.

netabase_core::export_driver!(netabase_driver_lmdb: driver::Lmdb = driver::Lmdb, manifest: driver::MANIFEST);
