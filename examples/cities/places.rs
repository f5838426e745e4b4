//! The model, and reading it from a CSV file.

use std::fmt;
use std::path::Path;

use netabase_store::netabase_definition_module;

#[netabase_definition_module(Places, PlacesKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    /// A populated place of the GeoNames gazetteer.
    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Places)]
    pub struct City {
        #[primary_key]
        pub id: u32,
        #[secondary_key]
        pub name: String,
        /// ISO 3166-1 alpha-2.
        #[secondary_key]
        pub country: String,
        pub admin_code: String,
        pub feature_code: String,
        #[secondary_key]
        pub population: u64,
        pub latitude: f64,
        pub longitude: f64,
    }
}
pub(crate) use model::*;

/// The columns of the file, in order.
const COLUMNS: [&str; 8] = [
    "geoname_id",
    "name",
    "country",
    "admin_code",
    "feature_code",
    "population",
    "latitude",
    "longitude",
];

/// Why an input file was refused.
#[derive(Debug)]
pub(crate) struct InputError(String);

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InputError {}

/// Reads every place of a CSV file with a header.
pub(crate) fn read(path: &Path) -> Result<Vec<City>, InputError> {
    let refuse = |reason: String| InputError(format!("{}: {reason}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(|error| refuse(reason(&error)))?;
    let header = reader.headers().map_err(|error| refuse(reason(&error)))?;
    if header != COLUMNS.as_slice() {
        return Err(refuse(format!(
            "line 1: the columns have to be {}",
            COLUMNS.join(",")
        )));
    }
    let mut cities = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| refuse(reason(&error)))?;
        cities.push(city(&row).map_err(|reason| {
            let line = row.position().map_or(0, csv::Position::line);
            refuse(format!("line {line}: {reason}"))
        })?);
    }
    if cities.is_empty() {
        return Err(refuse("it holds no places".to_owned()));
    }
    Ok(cities)
}

fn city(row: &csv::StringRecord) -> Result<City, String> {
    Ok(City {
        id: number(row, 0)?,
        name: row[1].to_owned(),
        country: row[2].to_owned(),
        admin_code: row[3].to_owned(),
        feature_code: row[4].to_owned(),
        population: number(row, 5)?,
        latitude: number(row, 6)?,
        longitude: number(row, 7)?,
    })
}

fn number<T: std::str::FromStr<Err: fmt::Display>>(
    row: &csv::StringRecord,
    column: usize,
) -> Result<T, String> {
    let text = &row[column];
    text.parse()
        .map_err(|error| format!("{} is {text:?}: {error}", COLUMNS[column]))
}

/// What is wrong, with the line if the reader knows it.
fn reason(error: &csv::Error) -> String {
    let line = error.position().map(csv::Position::line);
    let text = match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} fields where {expected_len} belong"),
        _ => error.to_string(),
    };
    match line {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}
