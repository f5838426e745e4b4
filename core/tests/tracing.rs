//! With the feature `tracing`, opening, committing and loading can be followed.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use netabase_core::driver::Durability;
use netabase_core::error::NetabaseError;
use netabase_core::memory::Memory;
use netabase_core::model::{ModelInfo, ModelVisitor, NetabaseDefinitionTrait};
use netabase_core::store::TypedStore;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down what is said, as `name field=value …`.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("netabase")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        self.0.lock().unwrap().push(line.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line("event".to_owned());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Nothing;

impl NetabaseDefinitionTrait for Nothing {
    type Keys = ();
    type Discriminant = ();
    const NAME: &'static str = "Nothing";
    const MODELS: &'static [&'static ModelInfo] = &[];

    fn visit_models<V: ModelVisitor<Self>>(_: &mut V) -> Result<(), V::Error> {
        Ok(())
    }

    fn to_key(&self) -> Result<(), NetabaseError> {
        Ok(())
    }

    fn discriminant_name(&self) -> &'static str {
        ""
    }
}

fn recorded(run: impl FnOnce()) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), run);
    let lines = recorder.0.lock().unwrap();
    lines.clone()
}

#[test]
fn open_and_commit_are_spans_that_name_the_driver() {
    let lines = recorded(|| {
        let store = TypedStore::<Nothing, Memory>::temp().unwrap();
        store
            .write()
            .unwrap()
            .commit_with(Durability::None)
            .unwrap();
    });
    assert_eq!(
        lines,
        [
            "open driver=memory location=",
            "commit driver=\"memory\" durability=None"
        ]
    );
}

#[test]
fn a_failed_open_is_an_event_with_the_error() {
    let lines = recorded(|| {
        TypedStore::<Nothing, Memory>::new("a/file").unwrap_err();
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("cannot open the database") && lines[1].contains("memory"),
        "{lines:?}"
    );
}

#[cfg(feature = "dynamic")]
#[test]
fn a_load_is_followed() {
    let lines = recorded(|| {
        netabase_core::loader::load("not-there", &netabase_core::loader::SearchPath::default())
            .unwrap_err();
    });
    assert!(
        lines.iter().any(|line| line.contains("not-there")),
        "{lines:?}"
    );
}
