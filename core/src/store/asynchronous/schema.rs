//! Whether a database still records the models of a definition as it did when it was opened.

use crate::driver::Result;
use crate::driver::asynchronous::AsyncRead;
use crate::error::{ErrorKind, NetabaseError};
use crate::model::NetabaseDefinitionTrait;
use crate::schema::{ModelTrees, SCHEMA_KEY, SCHEMA_TREE, Schema};

/// The text of the schema record; `None` if the database has none.
pub(super) async fn schema_record(reader: &impl AsyncRead) -> Result<Option<Vec<u8>>> {
    let tree = reader.tree(SCHEMA_TREE)?;
    let found = reader.get_many(tree, &[SCHEMA_KEY]).await?;
    Ok(found.into_iter().next().flatten())
}

/// Compares the models of the definition, and the trees that they were found in, with the record that was read.
///
/// # Errors
/// [`SchemaMismatch`](ErrorKind::SchemaMismatch) if a model is recorded otherwise, or not at all.
pub(super) fn check_unchanged<D: NetabaseDefinitionTrait>(
    record: Option<&[u8]>,
    trees: &[ModelTrees],
) -> std::result::Result<(), NetabaseError> {
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
