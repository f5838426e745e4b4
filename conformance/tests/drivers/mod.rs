//! The drivers that take part: the one list that every test executable of the suite runs over.

use netabase_core::driver::Driver;
use netabase_core::memory::Memory;
use netabase_driver_redb::Redb;
use netabase_driver_redb_zerocopy::RedbZeroCopy;
use netabase_driver_sled::Sled;

/// What is done with each driver of the list.
pub(crate) trait Visitor {
    /// A driver that is part of core and has no library of its own.
    fn visit_built_in<D: Driver + Clone>(&mut self, driver: D);

    /// A driver with a folder of its own, as it is linked in. The name in its manifest is the one it is loaded by.
    fn visit<D: Driver>(&mut self, driver: D);
}

/// Every native driver, one line each.
pub(crate) fn each(visitor: &mut impl Visitor) {
    visitor.visit_built_in(Memory);
    visitor.visit(Redb);
    visitor.visit(RedbZeroCopy);
    visitor.visit(Sled);
}
