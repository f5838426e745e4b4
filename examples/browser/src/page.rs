//! The page: what it shows, and what it does when a person acts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use js_sys::futures::{JsFuture, spawn_local};
use netabase_store::NetabaseError;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::*;
use web_sys::{
    BroadcastChannel, Document, Element, Event, EventTarget, HtmlDialogElement, HtmlElement,
    HtmlFormElement, HtmlInputElement, Window,
};

use crate::atlas::Place;
use crate::store::Places;
use crate::{html, input, message};

#[wasm_bindgen]
extern "C" {
    /// What the browser calls countries.
    #[wasm_bindgen(js_namespace = Intl)]
    type DisplayNames;
    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(language: &str, options: &JsValue) -> DisplayNames;
    #[wasm_bindgen(method, catch)]
    fn of(this: &DisplayNames, code: &str) -> Result<Option<String>, JsValue>;
}

/// Something that went wrong, in words for the person in front of the page.
#[derive(Debug)]
struct Problem(String);

impl From<NetabaseError> for Problem {
    fn from(error: NetabaseError) -> Self {
        Self(message::of(&error))
    }
}

impl From<JsValue> for Problem {
    fn from(thrown: JsValue) -> Self {
        Self(format!("The browser refused: {thrown:?}"))
    }
}

type Result<T = (), E = Problem> = std::result::Result<T, E>;

struct Page {
    window: Window,
    document: Document,
    places: Places,
    /// Tells the other tabs that something has changed.
    channel: BroadcastChannel,
    names: DisplayNames,
    /// The place that was deleted last, while that can be undone.
    deleted: RefCell<Option<Place>>,
    /// The number of the last drawing that was begun: an earlier one that ends later is out of date.
    drawing: Cell<u32>,
}

/// Shows the page.
#[wasm_bindgen(start)]
fn start() {
    spawn_local(async {
        let (Some(window), Some(document)) = (
            web_sys::window(),
            web_sys::window().and_then(|window| window.document()),
        ) else {
            return;
        };
        if let Err(problem) = open(window, document.clone()).await {
            show_problem(&document, &problem);
        }
    });
}

async fn open(window: Window, document: Document) -> Result {
    offer_offline(&window, &document);
    let options = js_sys::Object::new();
    Reflect::set(&options, &"type".into(), &"region".into())?;
    // The page itself is in English.
    let names = DisplayNames::new("en", &options);
    let page = Rc::new(Page {
        window,
        document,
        places: Places::open().await?,
        channel: BroadcastChannel::new("netabase-places")?,
        names,
        deleted: RefCell::new(None),
        drawing: Cell::new(0),
    });
    page.listen()?;
    page.draw().await
}

/// Has the service worker keep the page itself, and says when it does.
fn offer_offline(window: &Window, document: &Document) {
    let workers = window.navigator().service_worker();
    if workers.is_undefined() {
        return;
    }
    let document = document.clone();
    spawn_local(async move {
        let begun = JsFuture::from(workers.register("worker.js")).await;
        let ready = match (begun, workers.ready()) {
            (Ok(_), Ok(ready)) => JsFuture::from(ready).await.is_ok(),
            _ => false,
        };
        let text = if ready {
            "Works offline"
        } else {
            "Needs a connection: this browser keeps no copy of the page"
        };
        if let Some(element) = document.get_element_by_id("offline") {
            element.set_text_content(Some(text));
        }
    });
}

impl Page {
    fn listen(self: &Rc<Self>) -> Result {
        self.on(&self.document, "click", |page, event| async move {
            page.clicked(&event).await
        })?;
        self.on(&self.window, "hashchange", |page, _| async move {
            page.draw().await
        })?;
        self.on(&self.channel, "message", |page, _| async move {
            page.draw().await
        })?;
        let form: HtmlFormElement = self.element("form")?;
        self.on(&form, "submit", |page, event| {
            event.prevent_default();
            async move { page.save().await }
        })
    }

    /// Runs `action` at each event, and shows what goes wrong.
    fn on<F: Future<Output = Result> + 'static>(
        self: &Rc<Self>,
        target: &EventTarget,
        name: &str,
        action: impl Fn(Rc<Self>, Event) -> F + 'static,
    ) -> Result {
        let page = Rc::clone(self);
        let listener = Closure::<dyn FnMut(Event)>::new(move |event| {
            let done = action(Rc::clone(&page), event);
            let page = Rc::clone(&page);
            spawn_local(async move {
                if let Err(problem) = done.await {
                    show_problem(&page.document, &problem);
                }
            });
        });
        target.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref())?;
        // The page listens for as long as it is there.
        listener.forget();
        Ok(())
    }

    async fn clicked(&self, event: &Event) -> Result {
        let Some(button) = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("[data-action]").ok().flatten())
        else {
            return Ok(());
        };
        let row = button.closest("tr[data-id]")?;
        let id = row
            .as_ref()
            .and_then(|row| row.get_attribute("data-id")?.parse().ok());
        match (
            button
                .get_attribute("data-action")
                .unwrap_or_default()
                .as_str(),
            id,
        ) {
            ("add", _) => self.edit(None),
            ("edit", Some(id)) => match self.places.get(id).await? {
                Some(place) => self.edit(Some(&place)),
                None => self.draw().await,
            },
            ("delete", Some(id)) => self.delete(id, row).await,
            ("undo", _) => self.undo().await,
            ("start-again", _) => {
                self.places.start_again().await?;
                self.deleted.take();
                self.say("The sample is back as it was.", false);
                self.changed().await
            }
            ("cancel", _) => {
                self.element::<HtmlDialogElement>("editor")?.close();
                Ok(())
            }
            ("skip", _) => {
                self.focus("heading");
                Ok(())
            }
            ("reload", _) => Ok(self.window.location().reload()?),
            ("dismiss", _) => {
                self.element::<HtmlElement>("problem")?.set_hidden(true);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Opens the form, for a place or for a new one.
    fn edit(&self, place: Option<&Place>) -> Result {
        let shown = self.shown().unwrap_or_default();
        let (title, id, name, country, population) = match place {
            Some(place) => (
                "Edit place",
                place.id.to_string(),
                place.name.as_str(),
                place.country.as_str(),
                place.population.to_string(),
            ),
            None => (
                "Add a place",
                String::new(),
                "",
                shown.as_str(),
                String::new(),
            ),
        };
        self.element::<HtmlElement>("editor-title")?
            .set_text_content(Some(title));
        for (field, value) in [
            ("id", id.as_str()),
            ("name", name),
            ("country", country),
            ("population", &population),
        ] {
            self.field(field)?.set_value(value);
        }
        self.refuse("")?;
        Ok(self.element::<HtmlDialogElement>("editor")?.show_modal()?)
    }

    /// Stores what the form says.
    async fn save(&self) -> Result {
        let typed = input::read(
            &self.field("name")?.value(),
            &self.field("country")?.value(),
            &self.field("population")?.value(),
        );
        let (name, country, population) = match typed {
            Ok(typed) => typed,
            Err(reason) => return self.refuse(reason),
        };
        let said = match self.field("id")?.value().parse() {
            Err(_) => {
                let said = format!("Added {name}.");
                if let Err(error) = self.places.add(name, country.clone(), population).await {
                    return self.refuse(&message::of(&error));
                }
                // A browser that is asked once the person has put something in is likelier to agree.
                self.places.keep().await.ok();
                said
            }
            Ok(id) => {
                let place = Place {
                    id,
                    name,
                    country: country.clone(),
                    population,
                };
                match self.places.change(&place).await {
                    Ok(true) => format!("Saved {}.", place.name),
                    Ok(false) => {
                        return self.refuse("This place was deleted in another tab.");
                    }
                    Err(error) => return self.refuse(&message::of(&error)),
                }
            }
        };
        self.element::<HtmlDialogElement>("editor")?.close();
        self.deleted.take();
        self.say(&said, false);
        if self.shown().is_some_and(|shown| shown != country) {
            self.window.location().set_hash(&country)?;
        }
        self.changed().await
    }

    /// Says in the form why it is not accepted.
    fn refuse(&self, reason: &str) -> Result {
        self.element::<HtmlElement>("editor-problem")?
            .set_text_content(Some(reason));
        Ok(())
    }

    async fn delete(&self, id: u32, row: Option<Element>) -> Result {
        let next = row
            .and_then(|row| {
                row.next_element_sibling()
                    .or(row.previous_element_sibling())
            })
            .and_then(|row| row.get_attribute("data-id"));
        if let Some(place) = self.places.remove(id).await? {
            self.say(&format!("Deleted {}.", place.name), true);
            self.deleted.replace(Some(place));
        }
        self.changed().await?;
        self.focus(&next.map_or("heading".to_owned(), |id| format!("delete-{id}")));
        Ok(())
    }

    async fn undo(&self) -> Result {
        let Some(place) = self.deleted.take() else {
            return Ok(());
        };
        self.places.put_back(&place).await?;
        self.say(&format!("{} is back.", place.name), false);
        self.changed().await?;
        self.focus(&format!("edit-{}", place.id));
        Ok(())
    }

    /// Draws what has changed, here and in the other tabs.
    async fn changed(&self) -> Result {
        self.channel.post_message(&"changed".into())?;
        self.draw().await
    }

    /// Draws what the database holds.
    async fn draw(&self) -> Result {
        let drawing = self.drawing.get().wrapping_add(1);
        self.drawing.set(drawing);
        let shown = self.shown();
        let mut places = self.places.all().await?;
        let counts = html::count(&places);
        if let Some(code) = &shown {
            places = self.places.in_country(code).await?;
        }
        let (used, quota) = self.places.room().await.unwrap_or_default();
        if self.drawing.get() != drawing {
            return Ok(());
        }
        let name = |code: &str| self.name_of(code);
        let focused = self
            .document
            .active_element()
            .map(|element| element.id())
            .unwrap_or_default();
        self.fill(
            "countries",
            &html::countries(&counts, shown.as_deref(), name),
        )?;
        self.fill("rows", &html::rows(&mut places, name))?;
        self.fill("choices", &html::choices(counts.into_keys(), name))?;
        let title = shown.as_deref().map_or("All countries".to_owned(), name);
        self.write("heading", &title)?;
        self.write("number", &html::number_of_places(places.len()))?;
        self.document.set_title(&format!("{title} – Places"));
        let table: HtmlElement = self.element("table")?;
        table.set_hidden(places.is_empty());
        table.set_class_name(if shown.is_some() { "one" } else { "" });
        self.element::<HtmlElement>("empty")?
            .set_hidden(!places.is_empty());
        if quota > 0 {
            let text = format!("{} of {} used", html::size(used), html::size(quota));
            self.write("room", &text)?;
        }
        let main: HtmlElement = self.element("main")?;
        main.set_attribute("aria-busy", "false")?;
        if self
            .document
            .active_element()
            .is_none_or(|element| element.id() != focused)
        {
            self.focus(&focused);
        }
        Ok(())
    }

    /// The country whose places are shown, by the address of the page.
    fn shown(&self) -> Option<String> {
        let hash = self.window.location().hash().ok()?;
        let code = hash.strip_prefix('#')?;
        (code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase()))
            .then(|| code.to_owned())
    }

    fn name_of(&self, code: &str) -> String {
        self.names
            .of(code)
            .ok()
            .flatten()
            .unwrap_or_else(|| code.to_owned())
    }

    /// Says in passing what was done.
    fn say(&self, text: &str, can_be_undone: bool) {
        if let Some(status) = self.document.get_element_by_id("status") {
            status.set_text_content(Some(text));
        }
        if let Ok(undo) = self.element::<HtmlElement>("undo") {
            undo.set_hidden(!can_be_undone);
        }
        if let Ok(problem) = self.element::<HtmlElement>("problem") {
            problem.set_hidden(true);
        }
    }

    fn focus(&self, id: &str) {
        if let Ok(element) = self.element::<HtmlElement>(id) {
            element.focus().ok();
        }
    }

    fn fill(&self, id: &str, html: &str) -> Result {
        self.element::<Element>(id)?.set_inner_html(html);
        Ok(())
    }

    fn write(&self, id: &str, text: &str) -> Result {
        self.element::<Element>(id)?.set_text_content(Some(text));
        Ok(())
    }

    fn field(&self, name: &str) -> Result<HtmlInputElement> {
        self.element(&format!("field-{name}"))
    }

    fn element<T: JsCast>(&self, id: &str) -> Result<T> {
        self.document
            .get_element_by_id(id)
            .and_then(|element| element.dyn_into().ok())
            .ok_or_else(|| Problem(format!("The page is damaged: it has no {id}.")))
    }
}

fn show_problem(document: &Document, problem: &Problem) {
    if let Some(text) = document.get_element_by_id("problem-text") {
        text.set_text_content(Some(&problem.0));
    }
    if let Some(element) = document
        .get_element_by_id("problem")
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    {
        element.set_hidden(false);
    }
}
