//! `netabase drivers`: what is linked in, found on every level, and refused.

use netabase_store::connect::linked;
use netabase_store::driver::{Driver, Manifest};
use netabase_store::loader::{self, PlaceState, SearchPath};
use serde_json::json;

use crate::arguments::Drivers;
use crate::failure::Failure;
use crate::output::lines;
use crate::status::Status;

pub(crate) fn run(arguments: &Drivers) -> Result<Status, Failure> {
    let linked = linked();
    let places = loader::list(&SearchPath::default());
    let mut out = lines();
    if arguments.json {
        let linked: Vec<_> = linked
            .iter()
            .map(|driver| manifest_json(driver.manifest()))
            .collect();
        let places: Vec<_> = places
            .iter()
            .map(|place| {
                let (state, refusal) = match &place.state {
                    PlaceState::Searched => ("searched", None),
                    PlaceState::Missing => ("missing", None),
                    PlaceState::Refused(error) => ("refused", Some(error.message())),
                    _ => ("unknown", None),
                };
                let candidates: Vec<_> = place
                    .candidates
                    .iter()
                    .map(|candidate| {
                        json!({
                            "name": candidate.name,
                            "path": candidate.path.display().to_string(),
                            "library": candidate.library.as_ref().map(|library| library.display().to_string()),
                            "abi": candidate.driver.as_ref().ok().map(|driver| {
                                let (major, minor) = driver.abi_version();
                                format!("{major}.{minor}")
                            }),
                            "manifest": candidate.driver.as_ref().ok().map(|driver| manifest_json(driver.manifest())),
                            "refused": candidate.driver.as_ref().err().map(|error| error.message()),
                        })
                    })
                    .collect();
                json!({
                    "level": place.level.name(), "directory": place.directory.display().to_string(), "state": state, "refused": refusal,
                    "candidates": candidates,
                })
            })
            .collect();
        out.json(&json!({"linked": linked, "places": places}))?;
        return Ok(Status::Fine);
    }
    out.line("linked in")?;
    let heading = ["driver", "version", "engine", "capabilities"].map(String::from);
    let mut rows = vec![heading.to_vec()];
    rows.extend(linked.iter().map(|driver| row(driver.manifest())));
    out.table(&rows, &[])?;
    for place in &places {
        let note = match &place.state {
            PlaceState::Missing => ": not there".to_owned(),
            PlaceState::Refused(error) => format!(": refused: {}", error.message()),
            PlaceState::Searched if place.candidates.is_empty() => ": no driver".to_owned(),
            _ => String::new(),
        };
        out.line("")?;
        out.line(format_args!(
            "{} {}{note}",
            place.level.name(),
            place.directory.display()
        ))?;
        let mut rows = vec![heading.to_vec()];
        for candidate in &place.candidates {
            if let Ok(driver) = &candidate.driver {
                rows.push(row(driver.manifest()));
            }
        }
        if rows.len() > 1 {
            out.table(&rows, &[])?;
        }
        for candidate in &place.candidates {
            if let Err(error) = &candidate.driver {
                out.line(format_args!(
                    "refused {}: {}",
                    candidate.path.display(),
                    error.message()
                ))?;
            }
        }
    }
    Ok(Status::Fine)
}

fn row(manifest: &Manifest) -> Vec<String> {
    vec![
        manifest.name.to_string(),
        manifest.version.to_string(),
        format!("{} {}", manifest.engine, manifest.engine_version),
        manifest.capabilities.names().collect::<Vec<_>>().join(" "),
    ]
}

fn manifest_json(manifest: &Manifest) -> serde_json::Value {
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "engine": manifest.engine,
        "engine_version": manifest.engine_version,
        "capabilities": manifest.capabilities.names().collect::<Vec<_>>(),
        "limits": {
            "key_bytes": manifest.limits.key_bytes,
            "value_bytes": manifest.limits.value_bytes,
            "transaction_bytes": manifest.limits.transaction_bytes,
        },
        "commands": manifest.commands,
    })
}
