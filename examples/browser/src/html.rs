//! The parts of the page that change, as HTML.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::atlas::Place;

/// How many places each country has.
pub type Counts = BTreeMap<String, usize>;

/// Counts the places of each country.
pub fn count<'a>(places: impl IntoIterator<Item = &'a Place>) -> Counts {
    let mut counts = Counts::new();
    for place in places {
        match counts.get_mut(&place.country) {
            Some(count) => *count += 1,
            None => {
                counts.insert(place.country.clone(), 1);
            }
        }
    }
    counts
}

/// The list of countries, by name, each with its count; the one that is `shown` is marked, and is there if it is empty.
pub fn countries(counts: &Counts, shown: Option<&str>, name: impl Fn(&str) -> String) -> String {
    let mut countries: Vec<_> = counts
        .iter()
        .map(|(code, count)| (name(code), code.as_str(), *count))
        .collect();
    if let Some(code) = shown.filter(|code| !counts.contains_key(*code)) {
        countries.push((name(code), code, 0));
    }
    countries.sort();
    let all = ("All countries".to_owned(), "", counts.values().sum());
    let mut html = String::new();
    for (name, code, count) in std::iter::once(all).chain(countries) {
        let current = if code == shown.unwrap_or_default() {
            " aria-current=\"page\""
        } else {
            ""
        };
        let id = if code.is_empty() { "all" } else { code };
        let _ = write!(
            html,
            "<li><a id=\"country-{id}\" href=\"#{code}\"{current}><span class=\"name\">{}</span>\
             <span class=\"count\">{}</span></a></li>",
            escaped(&name),
            grouped(count as u64),
        );
    }
    html
}

/// A row of the table for each place, the most populous first.
pub fn rows(places: &mut [Place], name: impl Fn(&str) -> String) -> String {
    places.sort_by(|one, other| {
        (other.population, &one.name, one.id).cmp(&(one.population, &other.name, other.id))
    });
    let most = places.first().map_or(1, |place| place.population).max(1);
    let mut html = String::new();
    for place in &*places {
        let share = f64::from(place.population) / f64::from(most) * 100.0;
        let (id, place_name) = (place.id, escaped(&place.name));
        let _ = write!(
            html,
            "<tr data-id=\"{id}\"><th scope=\"row\">{place_name}</th>\
             <td class=\"country\">{}</td>\
             <td class=\"population\"><span>{}</span>\
             <svg class=\"bar\" aria-hidden=\"true\"><rect width=\"{share:.1}%\" height=\"100%\" rx=\"2\"/></svg></td>\
             <td class=\"actions\">\
             <button type=\"button\" class=\"quiet\" id=\"edit-{id}\" data-action=\"edit\" aria-label=\"Edit {place_name}\">Edit</button>\
             <button type=\"button\" class=\"quiet\" id=\"delete-{id}\" data-action=\"delete\" aria-label=\"Delete {place_name}\">Delete</button>\
             </td></tr>",
            escaped(&name(&place.country)),
            grouped(place.population.into()),
        );
    }
    html
}

/// The choices of the field for the country.
pub fn choices(codes: impl IntoIterator<Item = String>, name: impl Fn(&str) -> String) -> String {
    let mut html = String::new();
    for code in codes {
        let _ = write!(
            html,
            "<option value=\"{}\">{}</option>",
            escaped(&code),
            escaped(&name(&code))
        );
    }
    html
}

/// `1 place`, `2 places`.
pub fn number_of_places(count: usize) -> String {
    let noun = if count == 1 { "place" } else { "places" };
    format!("{} {noun}", grouped(count as u64))
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    format!("{} {}", size.round(), UNITS[unit])
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The text with nothing left in it that HTML would take for markup, also between quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: u32, name: &str, country: &str, population: u32) -> Place {
        Place {
            id,
            name: name.to_owned(),
            country: country.to_owned(),
            population,
        }
    }

    #[test]
    fn names_are_never_markup() {
        let html = rows(&mut [place(1, "<b title=\"x\">'&", "FR", 1)], str::to_owned);
        assert!(!html.contains("<b "));
        assert!(html.contains("aria-label=\"Edit &lt;b title=&quot;x&quot;&gt;&#39;&amp;\""));
    }

    #[test]
    fn the_most_populous_place_is_first() {
        let html = rows(
            &mut [place(1, "Small", "FR", 0), place(2, "Large", "FR", 10)],
            str::to_owned,
        );
        assert!(html.find("Large") < html.find("Small"));
        assert!(html.contains("width=\"0.0%\"") && html.contains("width=\"100.0%\""));
    }

    #[test]
    fn countries_are_by_name_and_counted() {
        let counts = count(&[
            place(1, "Bern", "CH", 1),
            place(2, "Basel", "CH", 1),
            place(3, "Wien", "AT", 1),
        ]);
        let name = |code: &str| match code {
            "AT" => "Z".to_owned(),
            code => code.to_owned(),
        };
        let html = countries(&counts, Some("AT"), name);
        assert!(html.find("country-CH") < html.find("country-AT"));
        assert!(html.contains("href=\"#AT\" aria-current"));
        assert!(html.contains("<span class=\"count\">3</span>"));
        assert_eq!(html.matches("aria-current").count(), 1);
    }

    #[test]
    fn a_country_without_places_is_listed_while_it_is_shown() {
        let html = countries(&Counts::new(), Some("CH"), str::to_owned);
        assert!(html.contains("href=\"#CH\" aria-current"));
        assert!(!countries(&Counts::new(), None, str::to_owned).contains("CH"));
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(number_of_places(1), "1 place");
        assert_eq!(size(46_200), "46 kB");
        assert_eq!(size(9_990_000_000), "10 GB");
        assert_eq!(size(999_600), "1 MB");
    }
}
