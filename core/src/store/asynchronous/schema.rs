//! What a database has to record for a definition's models to be used as they are.

use std::convert::Infallible;

use crate::error::{ErrorKind, NetabaseError};
use crate::model::{ModelVisitor, NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::schema::{ModelSchema, model_key};

/// The models of a definition, as a database records them.
pub(super) struct Schema(Vec<Recorded>);

struct Recorded {
    name: &'static str,
    key: Vec<u8>,
    model: ModelSchema,
}

impl Schema {
    pub(super) fn of<D: NetabaseDefinitionTrait>() -> Self {
        let mut schema = Self(Vec::new());
        let Ok(()) = D::visit_models(&mut schema);
        schema
    }

    /// The keys of the records within the schema's tree.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|recorded| recorded.key.as_slice())
    }

    /// Compares the models with what was found under the keys.
    ///
    /// # Errors
    /// [`SchemaMismatch`](ErrorKind::SchemaMismatch) if a model is recorded otherwise, or not at all.
    pub(super) fn compare(&self, found: &[Option<Vec<u8>>]) -> Result<(), NetabaseError> {
        let mut found = found.iter();
        for Recorded { name, model, .. } in &self.0 {
            let stored = found.next().and_then(Option::as_deref);
            let stored = stored.map(ModelSchema::parse).transpose()?;
            if stored.as_ref() != Some(model) {
                return Err(NetabaseError::new(
                    ErrorKind::SchemaMismatch,
                    format!(
                        "another program has changed what the database records of the model `{name}` since this one opened it; \
                         open it again with models that agree, in a browser by reloading the page"
                    ),
                )
                .in_tree(*name));
            }
        }
        Ok(())
    }
}

impl<D: NetabaseDefinitionTrait> ModelVisitor<D> for Schema {
    type Error = Infallible;

    fn visit<M: NetabaseModelTrait<D>>(&mut self) -> Result<(), Infallible> {
        let name = M::INFO.name;
        self.0.push(Recorded {
            name,
            key: model_key(name),
            model: ModelSchema::from(&M::INFO),
        });
        Ok(())
    }
}
