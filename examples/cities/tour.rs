//! The main job: import, questions, rollback. The same code for every driver.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use netabase_store::driver::Driver;
use netabase_store::{NetabaseError, NetabaseStore, Store};

use crate::places::{
    City, CityCountrySecondaryKey, CityNameSecondaryKey, CityPopulationSecondaryKey,
    CityPrimaryKey, CityRef, CitySecondaryKeys, Places,
};
use crate::text;

/// A store of places on any driver.
type PlacesStore<E> = NetabaseStore<Places, Store<Places, E>>;

/// Places that the progress bar moves by.
const CHUNK: usize = 1_000;

/// What was asked, what came back, and how long that took.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) answer: String,
    pub(crate) time: Duration,
}

/// Why a tour ended early.
#[derive(Debug)]
pub(crate) enum TourError {
    Store(NetabaseError),
    Output(io::Error),
    /// A store answered what cannot be.
    Wrong(&'static str),
}

impl From<NetabaseError> for TourError {
    fn from(error: NetabaseError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for TourError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Stores the places and asks the questions; prints each answer as it comes.
pub(crate) fn run<E: Driver>(
    store: &PlacesStore<E>,
    cities: &[City],
    out: &mut impl Write,
) -> Result<Vec<Answer>, TourError> {
    let mut tour = Tour {
        out,
        answers: Vec::new(),
    };
    tour.ask("import, one transaction", || import(store, cities))?;
    let largest = questions(store, &mut tour)?;
    tour.ask("rollback", || rollback(store, &largest.country))?;
    Ok(tour.answers)
}

/// The questions, all of them in one read transaction. Gives the largest place.
fn questions<E: Driver>(
    store: &PlacesStore<E>,
    tour: &mut Tour<'_, impl Write>,
) -> Result<City, TourError> {
    let snapshot = store.read();
    let cities = snapshot.open_tree::<City>();

    // An index is in order: its last entry is the largest.
    let mut largest = None;
    tour.ask("largest, from the end of an index", || {
        let everyone = CityPopulationSecondaryKey(0)..;
        let last = cities.range_by(everyone)?.next_back().transpose()?;
        let city = last.map(|(_, city)| city).ok_or(NO_PLACES)?;
        let answer = text::place(&city.name, &city.country, city.population);
        largest = Some(city);
        Ok(answer)
    })?;
    let largest = largest.ok_or(NO_PLACES)?;

    let key = CityPrimaryKey(largest.id);
    tour.ask("by primary key", || {
        let city = cities.get(&key)?.ok_or(NO_PLACES)?;
        let answer = text::place(&city.name, &city.country, city.population);
        Ok(format!("{}: {answer}", city.id))
    })?;
    tour.ask("by primary key, borrowed", || {
        // `name` and `country` are read where the engine keeps them.
        let answer = cities.get_with(&key, |city: CityRef<'_>| {
            text::place(city.name, city.country, city.population)
        })?;
        Ok(format!("{}: {}", largest.id, answer.ok_or(NO_PLACES)?))
    })?;

    tour.ask("by country", || {
        let country = CityCountrySecondaryKey(largest.country.clone());
        let found = cities.get_by_secondary_key(CitySecondaryKeys::Country(country))?;
        let people = found.iter().map(|city| city.population).sum();
        Ok(text::places(found.len(), people))
    })?;
    tour.ask("by country, borrowed", || {
        let mut found = cities.by(CityCountrySecondaryKey(largest.country.clone()))?;
        let (mut count, mut people) = (0, 0);
        while let Some(population) = found.next_with(|city| city.population) {
            count += 1;
            people += population?;
        }
        Ok(text::places(count, people))
    })?;

    tour.ask("1 to 2 million people", || {
        let range = CityPopulationSecondaryKey(1_000_000)..CityPopulationSecondaryKey(2_000_000);
        let (mut count, mut people) = (0, 0);
        for entry in cities.range_by(range)? {
            let (_, city) = entry?;
            count += 1;
            people += city.population;
        }
        Ok(text::places(count, people))
    })?;
    tour.ask("over 10 million people", || {
        let above = CityPopulationSecondaryKey(10_000_000)..;
        let mut names = Vec::new();
        for entry in cities.range_by(above)?.rev().take(4) {
            names.push(entry?.1.name);
        }
        Ok(names.join(", "))
    })?;
    tour.ask("names that begin with \"San \"", || {
        let mut people = 0;
        let mut count = 0;
        for entry in cities.prefix_by::<CityNameSecondaryKey>("San ")? {
            count += 1;
            people += entry?.1.population;
        }
        Ok(text::places(count, people))
    })?;
    tour.ask("every place, borrowed", || {
        let mut everyone = cities.iter()?;
        let mut count = 0;
        let mut northernmost = (f64::MIN, String::new());
        while let Some(city) = everyone.next_ref() {
            let city = city?;
            count += 1;
            if city.latitude > northernmost.0 {
                northernmost = (city.latitude, city.name.to_owned());
            }
        }
        Ok(format!(
            "{} places, {} is the northernmost",
            text::number(count),
            northernmost.1
        ))
    })?;
    Ok(largest)
}

fn import<E: Driver>(store: &PlacesStore<E>, cities: &[City]) -> Result<String, TourError> {
    let bar = progress(cities.len());
    let transaction = store.write()?;
    let mut tree = transaction.open_tree::<City>();
    for chunk in cities.chunks(CHUNK) {
        tree.put_many(chunk)?;
        bar.inc(chunk.len() as u64);
    }
    bar.set_message("committing");
    transaction.commit()?;
    bar.finish_and_clear();
    Ok(text::places(
        store.open_tree::<City>().len()?,
        cities.iter().map(|city| city.population).sum(),
    ))
}

/// Removes a country in a transaction, sees it gone, and takes that back.
fn rollback<E: Driver>(store: &PlacesStore<E>, country: &str) -> Result<String, TourError> {
    let key = || CitySecondaryKeys::Country(CityCountrySecondaryKey(country.to_owned()));
    let transaction = store.write()?;
    let mut cities = transaction.open_tree::<City>();
    let before = cities.get_by_secondary_key(key())?;
    for city in &before {
        cities.remove(CityPrimaryKey(city.id))?;
    }
    let within = cities.get_by_secondary_key(key())?.len();
    transaction.rollback()?;

    let after = store.open_tree::<City>().get_by_secondary_key(key())?;
    if within != 0 || after != before {
        return Err(TourError::Wrong(
            "a rolled back transaction left something behind",
        ));
    }
    Ok(format!(
        "{country}: {} places, {within} after removing them, {} after rollback",
        text::number(before.len() as u64),
        text::number(after.len() as u64)
    ))
}

const NO_PLACES: TourError = TourError::Wrong("the store does not hold a place that it should");

/// The answers so far, and where they are printed.
struct Tour<'o, W> {
    out: &'o mut W,
    answers: Vec<Answer>,
}

impl<W: Write> Tour<'_, W> {
    fn ask(
        &mut self,
        question: &'static str,
        answer: impl FnOnce() -> Result<String, TourError>,
    ) -> Result<(), TourError> {
        let start = Instant::now();
        let answer = answer()?;
        let time = start.elapsed();
        writeln!(
            self.out,
            "  {question:34} {answer:54} {:>8}",
            text::time(time)
        )?;
        self.answers.push(Answer {
            question,
            answer,
            time,
        });
        Ok(())
    }
}

/// A bar on standard error if that is a terminal; otherwise nothing is shown.
fn progress(length: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) =
        ProgressStyle::with_template("  {bar:40} {human_pos} of {human_len} places {msg}")
    {
        bar.set_style(style);
    }
    bar
}
