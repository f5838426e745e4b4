//! The template driver as a dynamic library, which programs load by the name `template`.

netabase_core::export_driver!(
    netabase_driver_template: driver::TemplateDriver = driver::TemplateDriver,
    manifest: driver::MANIFEST
);
