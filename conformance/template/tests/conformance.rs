//! The driver keeps every promise of the contract, linked in and loaded by name.

conformance::suite!(netabase_driver_template::TemplateDriver, dynamic);
