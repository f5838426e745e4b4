//! What a person types, checked.

/// Most bytes of a name.
pub const LONGEST_NAME: usize = 200;

/// The name, country and population that the fields say.
///
/// # Errors
/// What is wrong, as a sentence for the person who typed it.
pub fn read(
    name: &str,
    country: &str,
    population: &str,
) -> Result<(String, String, u32), &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("The place needs a name.");
    }
    if name.len() > LONGEST_NAME {
        return Err("The name is too long.");
    }
    let country = country.trim().to_ascii_uppercase();
    if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return Err("The country is a code of two letters, such as FR.");
    }
    let digits: String = population
        .chars()
        .filter(|letter| !matches!(letter, ',' | '.' | ' ' | '\u{a0}' | '\u{202f}' | '’'))
        .collect();
    let population = digits
        .parse()
        .map_err(|_| "The population is a whole number, at most 4,294,967,295.")?;
    Ok((name.to_owned(), country, population))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_case_and_separators_do_not_matter() {
        assert_eq!(
            read("  Le Mans ", "fr", "144 515"),
            Ok(("Le Mans".to_owned(), "FR".to_owned(), 144_515))
        );
        assert_eq!(read("A", "FR", "1,000").map(|place| place.2), Ok(1000));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for (name, country, population) in [
            (" ", "FR", "1"),
            ("A", "F", "1"),
            ("A", "FRA", "1"),
            ("A", "F1", "1"),
            ("A", "é", "1"),
            ("A", "FR", ""),
            ("A", "FR", "-1"),
            ("A", "FR", "4294967296"),
            (&"A".repeat(LONGEST_NAME + 1), "FR", "1"),
        ] {
            assert!(
                read(name, country, population).is_err(),
                "{name} {country} {population}"
            );
        }
    }
}
