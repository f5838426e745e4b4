//! The drivers that break the ABI, in one dynamic library: every symbol that they export.

use drivers as _;
