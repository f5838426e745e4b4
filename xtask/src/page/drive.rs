//! The page as a person uses it, in headless Chromium.

use std::fs;
use std::io;
use std::path::Path;

use super::serve::Server;
use crate::browser;
use crate::report::Counts;
use crate::webdriver::Browser;

/// What a tab with a newer program does: it opens the database with the next version, which is a step of 2^20 to the browser.
const UPGRADE: &str = "return new Promise((resolve, reject) => {
  const request = indexedDB.open('netabase-places', 2 ** 20 + 1);
  request.onsuccess = () => { request.result.close(); resolve(true); };
  request.onerror = () => reject(request.error);
  request.onblocked = () => reject(new Error('the first tab does not let go'));
});";

/// The page in a browser, and how to speak of what is on it.
struct Visit<'a> {
    browser: &'a Browser,
    counts: &'a mut Counts,
}

/// Uses the page; each thing that it has to do counts as one test. The first that fails ends it.
pub(super) fn run(folder: &Path, counts: &mut Counts) -> io::Result<()> {
    let server = Server::start(folder, 0)?;
    let address = server.address();
    let browser = Browser::start(&browser::chromedriver()?)?;
    let mut visit = Visit {
        browser: &browser,
        counts,
    };
    visit.see("it says that there is no room", || {
        browser.grant_room(&address, Some(1))?;
        browser.go(&address)?;
        problem(&browser, "no more room")
    })?;
    visit.see("it opens with the sample", || {
        browser.grant_room(&address, None)?;
        browser.reload()?;
        drawn(&browser)?;
        browser.wait("document.querySelectorAll('#rows tr').length > 300")?;
        browser.wait("document.getElementById('problem').hidden")
    })?;
    visit.see("a country shows its places and their number", || {
        browser.click("#country-CH")?;
        browser.wait("document.getElementById('heading').textContent === 'Switzerland'")?;
        browser.wait("document.querySelectorAll('#rows tr').length === 6")?;
        has_count(&browser, "CH", 6)
    })?;
    visit.see("the list of countries can be skipped", || {
        browser.run("document.querySelector('.skip').focus()")?;
        browser.press("\u{e007}")?;
        browser.wait("document.activeElement.id === 'heading'")?;
        browser.wait("document.getElementById('heading').textContent === 'Switzerland'")
    })?;
    visit.see("a place is added, and counted", || {
        browser.click("#add")?;
        browser.fill("#field-name", "Grüß <b>dorf</b>")?;
        browser.fill("#field-population", "1 234 567")?;
        browser.click("#save")?;
        has_row(&browser, "Grüß <b>dorf</b>", "1,234,567")?;
        has_count(&browser, "CH", 7)?;
        browser.wait("!document.getElementById('editor').open")
    })?;
    visit.see("a country that is none is refused", || {
        browser.click("#add")?;
        browser.fill("#field-name", "Nowhere")?;
        browser.fill("#field-country", "x")?;
        browser.fill("#field-population", "1")?;
        browser.click("#save")?;
        browser.wait("!document.getElementById('field-country').validity.valid")?;
        browser.wait("document.getElementById('editor').open")?;
        browser.click("#cancel")?;
        has_count(&browser, "CH", 7)
    })?;
    visit.see("a place is edited by keyboard alone", || {
        browser.run("document.querySelector('[aria-label^=\"Edit Grüß\"]').focus()")?;
        browser.press("\u{e007}")?;
        browser.wait("document.getElementById('editor').open")?;
        browser.wait("document.activeElement.id === 'field-name'")?;
        browser.fill("#field-name", "Neudorf")?;
        browser.press("\u{e007}")?;
        has_row(&browser, "Neudorf", "1,234,567")?;
        browser.wait("!document.body.textContent.includes('Grüß')")
    })?;
    visit.see(
        "a place that moves to another country is counted there",
        || {
            browser.click("[aria-label='Edit Neudorf']")?;
            browser.fill("#field-country", "at")?;
            browser.click("#save")?;
            browser.wait("document.getElementById('heading').textContent === 'Austria'")?;
            has_row(&browser, "Neudorf", "1,234,567")?;
            has_count(&browser, "CH", 6)?;
            has_count(&browser, "AT", 7)
        },
    )?;
    visit.see("a place is deleted, and comes back", || {
        browser.click("[aria-label='Delete Neudorf']")?;
        has_count(&browser, "AT", 6)?;
        browser.click("#undo")?;
        has_row(&browser, "Neudorf", "1,234,567")?;
        has_count(&browser, "AT", 7)
    })?;
    visit.see("a place of the sample stays deleted", || {
        browser.click("[aria-label='Delete Graz']")?;
        has_count(&browser, "AT", 6)?;
        browser.reload()?;
        drawn(&browser)?;
        has_count(&browser, "AT", 6)?;
        lacks_row(&browser, "Graz")
    })?;
    visit.see("what was saved is there after a reload", || {
        has_row(&browser, "Neudorf", "1,234,567")
    })?;
    visit.see("another tab sees it, and follows what changes", || {
        let (first, second) = browser.open_tab()?;
        browser.go(&format!("{address}#AT"))?;
        has_row(&browser, "Neudorf", "1,234,567")?;
        browser.turn_to(&first)?;
        browser.click("#add")?;
        browser.fill("#field-name", "Altdorf")?;
        browser.fill("#field-population", "42")?;
        browser.click("#save")?;
        has_row(&browser, "Altdorf", "42")?;
        browser.turn_to(&second)?;
        has_row(&browser, "Altdorf", "42")?;
        has_count(&browser, "AT", 7)?;
        browser.click("[aria-label='Delete Neudorf']")?;
        browser.turn_to(&first)?;
        lacks_row(&browser, "Neudorf")
    })?;
    visit.see("it opens without the server", || {
        browser.wait("document.getElementById('offline').textContent === 'Works offline'")?;
        drop(server);
        browser.reload()?;
        drawn(&browser)?;
        has_row(&browser, "Altdorf", "42")?;
        browser.go(&address)?;
        drawn(&browser)?;
        browser.wait("document.getElementById('heading').textContent === 'All countries'")
    })?;
    visit.see("it can be looked at", || {
        for (name, width, height, dark) in [
            ("screenshot.png", 1180, 860, false),
            ("screenshot-dark.png", 1180, 860, true),
            ("screenshot-narrow.png", 390, 800, false),
            ("screenshot-narrow-dark.png", 390, 800, true),
        ] {
            browser.look_as(width, height, dark)?;
            browser.click("#country-FR")?;
            browser.wait("document.getElementById('heading').textContent === 'France'")?;
            fits(&browser)?;
            fs::write(folder.join(name), browser.screenshot()?)?;
        }
        browser.click("[aria-label='Edit Lyon']")?;
        fits(&browser)?;
        fs::write(folder.join("screenshot-form.png"), browser.screenshot()?)?;
        browser.click("#cancel")
    })?;
    visit.see("it says that another tab has upgraded the data", || {
        let (first, second) = browser.open_tab()?;
        browser.go(&format!("{address}icon.svg"))?;
        browser.run(UPGRADE)?;
        browser.turn_to(&first)?;
        browser.click("[aria-label='Delete Lyon']")?;
        problem(&browser, "upgraded or deleted in another tab")?;
        browser.wait("document.querySelector('[aria-label=\"Delete Lyon\"]') !== null")?;
        browser.turn_to(&second)?;
        browser.go(&address)?;
        problem(&browser, "of another version of this page")
    })
}

impl Visit<'_> {
    fn see(&mut self, law: &str, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let done = act();
        println!(
            "page: {law}: {}",
            if done.is_ok() { "ok" } else { "FAILED" }
        );
        match done {
            Ok(()) => {
                self.counts.passed += 1;
                Ok(())
            }
            Err(error) => {
                let told = self
                    .browser
                    .run("return document.getElementById('problem-text').textContent");
                Err(io::Error::other(match told {
                    Ok(told) if told != "" => format!("{law}: {error}; the page says {told}"),
                    Ok(_) | Err(_) => format!("{law}: {error}"),
                }))
            }
        }
    }
}

/// Waits until the page shows what the database holds.
fn drawn(browser: &Browser) -> io::Result<()> {
    browser.wait("document.getElementById('main').getAttribute('aria-busy') === 'false'")
}

/// Waits until the page says that something is wrong, in words that have these among them.
fn problem(browser: &Browser, words: &str) -> io::Result<()> {
    browser.wait(&format!(
        "!document.getElementById('problem').hidden \
         && document.getElementById('problem-text').textContent.includes('{words}')"
    ))
}

fn has_count(browser: &Browser, country: &str, count: u32) -> io::Result<()> {
    browser.wait(&format!(
        "document.querySelector('#country-{country} .count').textContent === '{count}'"
    ))
}

fn has_row(browser: &Browser, name: &str, population: &str) -> io::Result<()> {
    browser.wait(&format!(
        "[...document.querySelectorAll('#rows tr')].some((row) => row.querySelector('th').textContent === '{name}' \
         && row.querySelector('.population span').textContent === '{population}')"
    ))
}

fn lacks_row(browser: &Browser, name: &str) -> io::Result<()> {
    browser.wait(&format!(
        "![...document.querySelectorAll('#rows th')].some((cell) => cell.textContent === '{name}')"
    ))
}

/// Nothing sticks out at the side.
fn fits(browser: &Browser) -> io::Result<()> {
    browser.wait("document.documentElement.scrollWidth <= innerWidth")
}
