//! A browser without JavaScript: [`Site`] stores cookies and follows redirects, [`Page`] reads
//! texts and forms, and [`Form`] submits all its fields.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder};

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

    /// A request with the cookies, for answers that are not pages.
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
        let mut rest = self.html.as_str();
        while let Some((before, tag)) = rest.split_once('<') {
            text.push_str(before);
            // `<bdi>` marks a name inside a sentence, so it adds no space.
            if !tag.trim_start_matches('/').starts_with("bdi") {
                text.push(' ');
            }
            let script = tag.starts_with("script") || tag.starts_with("style");
            let end = if script { tag.find("</").map(|end| end + 2) } else { Some(0) };
            let Some((_, after)) =
                end.and_then(|end| tag.get(end..)).and_then(|tag| tag.split_once('>'))
            else {
                break;
            };
            rest = after;
        }
        text.push_str(rest);
        unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
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
        let starts = self.html.match_indices("<form").map(|(at, _)| at);
        let whole = starts.map(|at| {
            &self.html[at..at + self.html[at..].find("</form>").unwrap_or(self.html.len() - at)]
        });
        whole
            .filter(|form| form.contains("method=\"post\""))
            .map(|form| Form::read(form, &self.path))
            .collect()
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

    fn read(html: &str, path: &str) -> Self {
        let (head, mut rest) = html.split_once('>').unwrap_or((html, ""));
        let action = attribute(head, "action").unwrap_or_else(|| path.to_owned());
        let mut fields: Vec<(String, String)> = Vec::new();
        while let Some((_, tag)) = rest.split_once('<') {
            let (tag, after) = split_tag(tag);
            rest = after;
            let name = attribute(tag, "name");
            match (tag.split_whitespace().next().unwrap_or(""), name) {
                ("input", Some(name)) => {
                    let kind = attribute(tag, "type").unwrap_or_default();
                    let checkable = kind == "checkbox" || kind == "radio";
                    if !checkable || has_flag(tag, "checked") {
                        fields.push((name, attribute(tag, "value").unwrap_or_default()));
                    }
                }
                ("textarea", Some(name)) => {
                    let (text, after) = rest.split_once("</textarea>").unwrap_or((rest, ""));
                    fields.push((name, unescape(text.strip_prefix('\n').unwrap_or(text))));
                    rest = after;
                }
                ("select", Some(name)) => {
                    let (options, after) = rest.split_once("</select>").unwrap_or((rest, ""));
                    let options: Vec<&str> = options
                        .split("<option")
                        .skip(1)
                        .map(|option| split_tag(option).0)
                        .collect();
                    let chosen = options
                        .iter()
                        .find(|option| has_flag(option, "selected"))
                        .or(options.first());
                    fields.push((
                        name,
                        chosen.and_then(|option| attribute(option, "value")).unwrap_or_default(),
                    ));
                    rest = after;
                }
                _ => {}
            }
        }
        Self { action, fields }
    }
}

/// Splits after the end of a tag; a `>` in quotes does not end it.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, character) in tag.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '>' if !quoted => return (&tag[..at], &tag[at + 1..]),
            _ => {}
        }
    }
    (tag, "")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..];
    Some(unescape(&value[..value.find('"')?]))
}

/// Whether a tag has a boolean attribute.
fn has_flag(tag: &str, name: &str) -> bool {
    let mut quoted = false;
    let outside: String = tag
        .chars()
        .filter(|character| {
            if *character == '"' {
                quoted = !quoted;
            }
            !quoted
        })
        .collect();
    outside.split_whitespace().any(|word| word == name || word.starts_with(&format!("{name}=")))
}

fn unescape(text: &str) -> String {
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    plain.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
