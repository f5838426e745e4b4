//! The places that a new database begins with.

use crate::atlas::Place;

/// The edition of the sample that this program carries.
pub const EDITION: u32 = 1;

const LINES: &str = include_str!("../data/places.csv");

/// The places, in the order of their ids.
pub fn places() -> Vec<Place> {
    LINES.lines().skip(1).filter_map(place).collect()
}

/// The place of a line; its fields hold neither quotes nor commas.
fn place(line: &str) -> Option<Place> {
    let mut fields = line.split(',');
    let place = Place {
        id: fields.next()?.parse().ok()?,
        name: fields.next()?.to_owned(),
        country: fields.next()?.to_owned(),
        population: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn every_line_is_a_place() {
        assert_eq!(places().len(), LINES.lines().count() - 1);
        assert!(places().len() > 300);
    }

    #[test]
    fn ids_ascend() {
        assert!(places().is_sorted_by(|one, next| one.id < next.id));
    }

    #[test]
    fn a_person_could_have_typed_every_place() {
        for place in places() {
            let typed = input::read(&place.name, &place.country, &place.population.to_string());
            assert_eq!(typed, Ok((place.name, place.country, place.population)));
        }
    }

    #[test]
    fn a_line_with_a_field_too_many_is_no_place() {
        assert_eq!(place("1,Paris,FR,2138551,north"), None);
    }
}
