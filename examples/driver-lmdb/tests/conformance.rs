//! The whole conformance suite over the driver, linked in and loaded by name.

conformance::suite!(netabase_driver_lmdb::Lmdb, dynamic);
