//! Whether a database still records the models of a definition as it did when it was opened.

use crate::error::{ErrorKind, NetabaseError};
use crate::model::NetabaseDefinitionTrait;
use crate::schema::{ModelTrees, Schema};

/// Compares the models of the definition, and the trees that they were found in, with the record that was read.
///
/// # Errors
/// [`SchemaMismatch`](ErrorKind::SchemaMismatch) if a model is recorded otherwise, or not at all.
pub(super) fn check_unchanged<D: NetabaseDefinitionTrait>(
    record: Option<&[u8]>,
    trees: &[ModelTrees],
) -> Result<(), NetabaseError> {
    let schema = record.map(Schema::parse).transpose()?;
    for (info, trees) in D::MODELS.iter().zip(trees) {
        let is_same = (schema.as_ref()).is_some_and(|schema| trees.are_recorded(schema, info));
        if !is_same {
            return Err(NetabaseError::new(
                ErrorKind::SchemaMismatch,
                format!(
                    "another program has changed what the database records of the model `{}` since this one opened it; open \
                     it again with models that agree, in a browser by reloading the page",
                    info.name
                ),
            )
            .in_tree(info.name));
        }
    }
    Ok(())
}
