//! The sled driver as a dynamic library, which programs load by the name `sled`.

netabase_core::export_driver!(netabase_driver_sled: driver::Sled = driver::Sled, manifest: driver::MANIFEST);
