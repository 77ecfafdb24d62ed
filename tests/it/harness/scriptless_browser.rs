//! A browser without JavaScript: [`Site`] stores cookies and follows redirects, [`Page`] reads
//! texts and forms, and [`Form`] submits all its fields.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder};
use scraper::{ElementRef, Html, Node, Selector};

/// A browser session.
pub(crate) struct Site {
    http: Client,
    url: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page of the site, with its HTTP status.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// The path after redirects.
    pub(crate) path: String,
    pub(crate) html: String,
}

/// A form of a page, with its current values.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Site {
    pub(crate) fn new(http: Client, url: &str) -> Self {
        Self { http, url: url.to_owned(), cookies: Mutex::default() }
    }

    /// Opens a page, following redirects.
    pub(crate) async fn open(&self, path: &str) -> Page {
        self.follow(path, self.http.get(self.at(path))).await
    }

    /// Submits a form, following redirects.
    pub(crate) async fn send(&self, form: &Form) -> Page {
        self.follow(&form.action, self.http.post(self.at(&form.action)).form(&form.fields)).await
    }

    /// A second browser with the same cookies.
    pub(crate) fn copy(&self) -> Self {
        Self {
            http: self.http.clone(),
            url: self.url.clone(),
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
        }
    }

    /// A request with the cookies, for responses that are not pages.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.http.get(self.at(path)).header(COOKIE, cookies.join("; "))
    }

    /// The names of the cookies.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().unwrap().keys().cloned().collect()
    }

    fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) }
    }

    async fn follow(&self, path: &str, first: RequestBuilder) -> Page {
        let (mut path, mut request) = (path.to_owned(), first);
        for _ in 0..5 {
            let cookies: Vec<String> = self
                .cookies
                .lock()
                .unwrap()
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let response = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                self.store_cookie(cookie.to_str().unwrap());
            }
            let to = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
            match to {
                Some(to) if response.status().is_redirection() => {
                    path = to.strip_prefix(&self.url).unwrap_or(&to).to_owned();
                    request = self.http.get(self.at(&path));
                }
                _ => {
                    return Page {
                        status: response.status().as_u16(),
                        path,
                        html: response.text().await.unwrap(),
                    };
                }
            }
        }
        panic!("{path} redirects without end");
    }

    fn store_cookie(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        if attributes.to_lowercase().contains("max-age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    /// Asserts that the page has status 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{} answered {}:\n{}", self.path, self.status, self.text());
        self
    }

    /// The visible text, without markup and with each run of whitespace as one space.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        append_text(self.parsed().root_element(), &mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether the visible text contains the words.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// Fails unless the visible text contains the words.
    #[track_caller]
    pub(crate) fn must_say(&self, words: &str) {
        assert!(self.says(words), "{} does not say “{words}”:\n{}", self.path, self.text());
    }

    /// The form that posts to `action`; panics if there is none.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action == action);
        found.unwrap_or_else(|| {
            panic!(
                "{} has no form for {action}, but for {:?}",
                self.path,
                self.forms().iter().map(|form| &form.action).collect::<Vec<_>>()
            )
        })
    }

    /// All forms that post.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let (page, forms) = (self.parsed(), selector("form[method=post]"));
        page.select(&forms).map(|form| Form::read(form, &self.path)).collect()
    }

    fn parsed(&self) -> Html {
        // With scripts, which the parser assumes, the content of a <noscript> is text.
        Html::parse_document(&self.html.replace("noscript", "section"))
    }
}

impl Form {
    /// Fills in a field, which must exist.
    #[track_caller]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        match field {
            Some((_, old)) => value.clone_into(old),
            None => {
                panic!("the form for {} has no field {name}, but {:?}", self.action, self.names())
            }
        }
        self
    }

    /// Changes the target, as a client does that knows a form without being shown it.
    pub(crate) fn to(mut self, action: &str) -> Self {
        action.clone_into(&mut self.action);
        self
    }

    /// Adds a field.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Submits with the button of the given name and value.
    pub(crate) fn pressing(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes a field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    /// The path that the form posts to.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// The current value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn read(form: ElementRef<'_>, path: &str) -> Self {
        let mut fields = Vec::new();
        for field in form.select(&selector("input[name], textarea[name], select[name]")) {
            let value = match field.value().name() {
                "textarea" => field.text().collect(),
                "select" => {
                    let first_of = |options| field.select(&selector(options)).next();
                    let chosen = first_of("option[selected]").or_else(|| first_of("option"));
                    chosen.and_then(|option| option.attr("value")).unwrap_or_default().to_owned()
                }
                _ if matches!(field.attr("type"), Some("checkbox" | "radio"))
                    && field.attr("checked").is_none() =>
                {
                    continue;
                }
                _ => field.attr("value").unwrap_or_default().to_owned(),
            };
            fields.push((field.attr("name").unwrap_or_default().to_owned(), value));
        }
        Self { action: form.attr("action").unwrap_or(path).to_owned(), fields }
    }
}

/// Appends the text of an element; elements within it stand apart.
fn append_text(element: ElementRef<'_>, text: &mut String) {
    for child in element.children() {
        match (child.value(), ElementRef::wrap(child)) {
            (Node::Text(part), _) => text.push_str(part),
            (_, Some(inner)) => {
                // `<bdi>` marks a name inside a sentence, so it adds no space.
                let space = if inner.value().name() == "bdi" { "" } else { " " };
                text.push_str(space);
                append_text(inner, text);
                text.push_str(space);
            }
            _ => {}
        }
    }
}

fn selector(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}
